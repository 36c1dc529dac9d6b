"""The student generators (PyTorch)."""

import itertools
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.synthesis.distilling.noise import OCTAVES

CELL = 8  # px of a picture for which one code stands


class PaperStudent(nn.Module):
    """Source A's student: six ConvTranspose2d with BatchNorm and ReLU.

    z [B, latent_dim] → RGB [B, 3, 128, 128] in 0…1. It paints no mask.
    """

    size = 128
    paints_mask = False
    octaves = 0

    def __init__(self, latent_dim: int = 100, width: int = 32):
        super().__init__()
        channels = [latent_dim, width * 16, width * 8, width * 4, width * 2, width]
        layers: list[nn.Module] = []
        for index, (inner, outer) in enumerate(itertools.pairwise(channels)):
            stride, padding = (1, 0) if index == 0 else (2, 1)
            layers += [
                nn.ConvTranspose2d(inner, outer, 4, stride, padding, bias=False),
                nn.BatchNorm2d(outer),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ConvTranspose2d(width, 3, 4, 2, 1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.latent_dim = latent_dim

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z[:, :, None, None]) * 0.5 + 0.5


@dataclass(frozen=True)
class Layers:
    """What a student paints, all [B, C, S, S]: image = scene + mask · strength · tone.

    scene [3] in 0…1; mask [1] probability of defect; tone [1] in -1…1, the defect's lines at full
    contrast; strength [B, 1, 1, 1] > 0, their contrast; image [3] in 0…1; log_noise
    [B, OCTAVES, S/8, S/8]: logarithm of the noise's standard deviation, a fraction of full scale.
    """

    scene: Tensor
    mask: Tensor
    tone: Tensor
    strength: Tensor
    log_noise: Tensor

    @property
    def image(self) -> Tensor:
        return (self.scene + self.mask * self.strength * self.tone).clamp(0, 1)

    def float(self) -> "Layers":
        """In full precision, after a network that ran in half."""
        return Layers(*(getattr(self, field.name).float() for field in fields(self)))

    @property
    def noise(self) -> Tensor:
        """Standard deviation of the noise in each octave at each pixel [B, OCTAVES, S, S]."""
        return functional.interpolate(self.log_noise.exp(), scale_factor=CELL, mode="bilinear")


class Student(nn.Module):
    """The default student: a scene and, painted over it, a defect with its mask.

    z [B, latent_dim] → [B, 4 + OCTAVES, size, size]: RGB and the probability of defect in 0…1, and
    the strength of the noise in each octave (see `noise`), which no network can learn by heart and
    which is drawn anew for each sample. z is a map of codes, one for each cell of 8 px: the first
    half is the scene's [channels/2, size/8, size/8], the second the defect's, so that any defect
    can be put into any scene. The defect is drawn at full contrast and then scaled: a hairline
    counts like a gaping crack.
    """

    paints_mask = True
    octaves = OCTAVES

    def __init__(self, channels: int = 20, size: int = 128, width: int = 32):
        super().__init__()
        half = channels // 2
        self.channels, self.size, self.grid = channels, size, size // CELL
        self.latent_dim = channels * self.grid**2
        self.scene = Canvas(half, width * 3 // 4, 3)  # scenes are smoother than cracks
        self.defect = Canvas(half, width, 2)
        self.strength = nn.Conv2d(half, 1, 1)
        nn.init.zeros_(self.strength.weight)
        nn.init.constant_(self.strength.bias, -2.0)  # type: ignore[arg-type]
        self.noise = nn.Conv2d(half, OCTAVES, 3, padding=1)
        nn.init.zeros_(self.noise.weight)

    def layers(self, z: Tensor) -> Layers:
        maps = z.unflatten(1, (self.channels, self.grid, self.grid))
        scene, defect = maps.chunk(2, dim=1)
        drawn = self.defect(defect)
        strength = functional.softplus(self.strength(defect).mean((2, 3), keepdim=True))
        return Layers(
            scene=torch.sigmoid(self.scene(scene)),
            mask=torch.sigmoid(drawn[:, :1]),
            tone=torch.tanh(drawn[:, 1:]),
            strength=strength,
            log_noise=self.noise(scene).clamp(-8, 0),
        )

    def forward(self, z: Tensor) -> Tensor:
        layers = self.layers(z)
        return torch.cat([layers.image, layers.mask, layers.noise], 1)


class Canvas(nn.Module):
    """Codes [B, C, S/8, S/8] → [B, channels, S, S], unbounded: upsampling, then a pixel shuffle."""

    def __init__(self, codes: int, width: int, channels: int):
        super().__init__()
        wide, middle = 3 * width, 2 * width
        self.layers = nn.Sequential(
            _conv(codes, wide),
            Residual(wide),
            Residual(wide),
            nn.Conv2d(wide, 4 * middle, 1),
            nn.PixelShuffle(2),
            Residual(middle),
            nn.Conv2d(middle, 4 * width, 1),
            nn.PixelShuffle(2),
            Residual(width),
            _conv(width, 4 * channels),
            nn.PixelShuffle(2),
        )

    def forward(self, codes: Tensor) -> Tensor:
        return self.layers(codes.contiguous(memory_format=torch.channels_last))


class Residual(nn.Module):
    """x + two convolutions of it, which start small."""

    def __init__(self, width: int):
        super().__init__()
        self.first = _conv(width, width)
        self.second = _conv(width, width)
        with torch.no_grad():
            self.second.weight.mul_(0.2)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.silu(self.first(functional.silu(x))))


def _conv(inner: int, outer: int) -> nn.Conv2d:
    """A 3 × 3 convolution that goes on beyond the border as at it: with zeros there, pictures get
    a dark frame."""
    return nn.Conv2d(inner, outer, 3, padding=1, padding_mode="replicate")


def build(preset: str, channels: int, size: int) -> PaperStudent | Student:
    """An untrained student of a preset; channels: of the codes."""
    return PaperStudent() if preset == "paper" else Student(channels, size)
