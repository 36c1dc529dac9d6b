"""The student generators (PyTorch)."""

import itertools
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.students.drawing import LIGHT, OCTAVES

CELL = 8  # px of a picture for which one code stands
WIDTHS = (96, 48, 16)  # channels at an eighth, a quarter and half of the size; 16 fill a vector
MOST_LOG_NOISE = -3.0  # a twentieth of full scale: stronger noise is no camera's


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
    """What a student paints, all [B, C, S, S]: image = scene + mask · strength · tone, lit.

    scene [3] in 0…1; mask [1] probability of defect; tone [1] in -1…1, the defect's lines at full
    contrast; strength [B, 1, 1, 1] > 0, their contrast; image [3] in 0…1; log_noise
    [B, OCTAVES, S/8, S/8]: logarithm of the noise's standard deviation, a fraction of full scale;
    light [B, 6]: see `drawing.light_change`.
    """

    scene: Tensor
    mask: Tensor
    tone: Tensor
    strength: Tensor
    log_noise: Tensor
    light: Tensor

    @property
    def image(self) -> Tensor:
        painted = (self.scene + self.mask * self.strength * self.tone).clamp(0, 1)
        gain, shift = self.light[:, :, None, None].chunk(2, dim=1)
        return (painted * gain.exp() + shift).clamp(0, 1)

    @property
    def painted(self) -> Tensor:
        """What a student gives out [B, 4 + OCTAVES, S, S]."""
        return torch.cat([self.image, self.mask, self.noise], 1)

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
    the strength of the noise in each octave, which no network can learn by heart and which is
    drawn anew for each sample (see `drawing.noise`). z is the scene's map of codes [channels/2,
    size/8, size/8], one for each cell of 8 px, the light [6], and the defect's map of codes, so
    that any defect can be put into any scene in any light. The defect is drawn at full contrast
    and then scaled: a hairline counts like a gaping crack.
    """

    paints_mask = True
    octaves = OCTAVES

    def __init__(self, channels: int = 20, size: int = 128):
        super().__init__()
        half = channels // 2
        self.channels, self.size, self.grid = channels, size, size // CELL
        self.scene_codes = half * self.grid**2  # the scene's codes, and as many the defect's
        self.latent_dim = 2 * self.scene_codes + LIGHT
        self.scene = Canvas(half, 3)
        self.defect = Canvas(half, 2)
        self.strength = nn.Conv2d(half, 1, 1)
        nn.init.zeros_(self.strength.weight)
        nn.init.constant_(self.strength.bias, -2.0)  # type: ignore[arg-type]
        self.noise = nn.Conv2d(half, OCTAVES, 3, padding=1)
        nn.init.zeros_(self.noise.weight)

    def layers(self, codes: Tensor, shown: Tensor | None = None) -> Layers:
        """What the codes [B, 2 · scene_codes] show in the light [B, 6], or in their own."""
        maps = codes.unflatten(1, (self.channels, self.grid, self.grid))
        scene, defect = maps.chunk(2, dim=1)
        drawn = self.defect(defect)
        strength = functional.softplus(self.strength(defect).mean((2, 3), keepdim=True))
        return Layers(
            scene=torch.sigmoid(self.scene(scene)),
            mask=torch.sigmoid(drawn[:, :1]),
            tone=torch.tanh(drawn[:, 1:]),
            strength=strength,
            log_noise=self.noise(scene).clamp(-8.0, MOST_LOG_NOISE),
            light=codes.new_zeros(len(codes), LIGHT) if shown is None else shown,
        )

    def unlit(self, codes: Tensor) -> Tensor:
        """z [B, latent_dim] of the codes [B, 2 · scene_codes] in their own light."""
        scene, defect = codes.chunk(2, dim=1)
        return torch.cat([scene, codes.new_zeros(len(codes), LIGHT), defect], 1)

    def forward(self, z: Tensor) -> Tensor:
        scene, shown, defect = z.split([self.scene_codes, LIGHT, self.scene_codes], dim=1)
        return self.layers(torch.cat([scene, defect], 1), shown).painted


class Canvas(nn.Module):
    """Codes [B, C, S/8, S/8] → [B, channels, S, S], unbounded: upsampling, then a pixel shuffle."""

    def __init__(self, codes: int, channels: int):
        super().__init__()
        wide, middle, width = WIDTHS
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
