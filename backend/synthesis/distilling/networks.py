"""The student generators and what their losses are made of (PyTorch)."""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


class PaperStudent(nn.Module):
    """Source A's student: six ConvTranspose2d with BatchNorm and ReLU.

    z [B, latent_dim] → RGB [B, 3, 128, 128] in 0…1. It paints no mask.
    """

    size = 128
    paints_mask = False

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
    contrast; strength [B, 1, 1, 1] > 0, their contrast; image [3] in 0…1.
    """

    scene: Tensor
    mask: Tensor
    tone: Tensor
    strength: Tensor

    @property
    def image(self) -> Tensor:
        return (self.scene + self.mask * self.strength * self.tone).clamp(0, 1)


class Student(nn.Module):
    """The default student: a scene and, painted over it, a defect with its mask.

    z [B, latent_dim] → [B, 4, size, size] in 0…1: RGB and the probability of defect. The first
    half of z is the scene, the second the defect, so that any defect can be put into any scene.
    The defect is drawn at full contrast and then scaled: a hairline counts like a gaping crack.
    """

    paints_mask = True

    def __init__(self, latent_dim: int = 128, size: int = 128, width: int = 32):
        super().__init__()
        half = latent_dim // 2
        self.size = size
        self.latent_dim = latent_dim
        self.scene = Canvas(half, size // 2, width * 5 // 8, 3)
        self.defect = Canvas(half, size, width, 2)
        self.strength = nn.Linear(half, 1)
        nn.init.zeros_(self.strength.weight)
        nn.init.constant_(self.strength.bias, -2.0)

    def layers(self, z: Tensor) -> Layers:
        scene, defect = z.chunk(2, dim=1)
        drawn = self.defect(defect)
        coarse = self.scene(scene)
        return Layers(
            scene=torch.sigmoid(functional.interpolate(coarse, scale_factor=2, mode="bilinear")),
            mask=torch.sigmoid(drawn[:, :1]),
            tone=torch.tanh(drawn[:, 1:]),
            strength=functional.softplus(self.strength(defect))[:, :, None, None],
        )

    def forward(self, z: Tensor) -> Tensor:
        layers = self.layers(z)
        return torch.cat([layers.image, layers.mask], 1)


class Canvas(nn.Module):
    """z [B, D] → [B, channels, size, size], unbounded: upsampling blocks, then a pixel shuffle."""

    def __init__(self, latent_dim: int, size: int, width: int, channels: int):
        super().__init__()
        doublings = (size // 16).bit_length() - 1
        widths = [min(width * 2**k, width * 8) for k in range(doublings, -1, -1)]
        self.start = nn.Linear(latent_dim, widths[0] * 64)
        self.blocks = nn.ModuleList(
            Block(inner, outer, latent_dim) for inner, outer in itertools.pairwise(widths)
        )
        self.paint = nn.Conv2d(widths[-1], channels * 4, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.start(z).unflatten(1, (-1, 8, 8))
        x = x.contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x, z)
        return functional.pixel_shuffle(self.paint(x), 2)


class Block(nn.Module):
    """Project, upsample by two, and add a convolution that z scales and shifts (FiLM)."""

    def __init__(self, inner: int, outer: int, latent_dim: int):
        super().__init__()
        self.project = nn.Conv2d(inner, outer, 1)
        self.convolve = nn.Conv2d(outer, outer, 3, padding=1)
        self.film = nn.Linear(latent_dim, 2 * outer)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        x = functional.interpolate(self.project(x), scale_factor=2, mode="nearest")
        scale, shift = self.film(z)[:, :, None, None].chunk(2, dim=1)
        return x + functional.leaky_relu(self.convolve(x) * (1 + scale) + shift, 0.2)


def build(preset: str, latent_dim: int, size: int) -> PaperStudent | Student:
    """An untrained student of a preset."""
    return PaperStudent() if preset == "paper" else Student(latent_dim, size)


def line_drawing(images: Tensor, masks: Tensor) -> Tensor:
    """The defects alone, at one contrast: [N, 1, H, W] in -1…1, 0 outside the mask.

    The brightness within the mask relative to the surroundings, divided by three times its own
    root mean square per image, so that faint and strong defects weigh the same.
    images [N, 3, H, W] in 0…1; masks [N, 1, H, W] of 0 and 1.
    """
    outside = 1 - masks
    scene = _local_mean(images * outside) / _local_mean(outside).clamp(min=0.02)
    lines = (images - scene).mean(1, keepdim=True) * masks
    power = (lines**2).sum((1, 2, 3)) / masks.sum((1, 2, 3)).clamp(min=1)
    return (lines / (3 * power.sqrt()[:, None, None, None] + 0.01)).clamp(-1, 1)


def _local_mean(x: Tensor, reach: int = 12) -> Tensor:
    """Mean over a window of 2 · reach + 1 px, zeros beyond the border."""
    return functional.avg_pool2d(functional.pad(x, [reach] * 4), 2 * reach + 1, 1)


def laplacian_loss(made: Tensor, wanted: Tensor, weight: Tensor | None = None) -> Tensor:
    """L1 over a Laplacian pyramid (Bojanowski et al., GLO, arXiv 1707.05776).

    made, wanted [B, C, H, W]; weight [B, 1, H, W] weighs pixels, and is averaged down with them.
    """
    loss = made.new_zeros(())
    difference = made - wanted
    while difference.shape[-1] >= 8:
        coarse = functional.avg_pool2d(difference, 2)
        detail = difference - functional.interpolate(coarse, scale_factor=2, mode="nearest")
        loss = loss + _weighted(detail.abs(), weight)
        difference = coarse
        weight = None if weight is None else functional.avg_pool2d(weight, 2)
    return loss + _weighted(difference.abs(), weight)


def _weighted(values: Tensor, weight: Tensor | None) -> Tensor:
    return values.mean() if weight is None else (values * weight).mean() / weight.mean()


def dice_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """One minus the soft Dice overlap of masks [B, 1, H, W] (Milletari et al. 2016)."""
    overlap = (made * wanted).sum((1, 2, 3))
    total = made.sum((1, 2, 3)) + wanted.sum((1, 2, 3))
    return (1 - (2 * overlap + 1) / (total + 1)).mean()


def drawing_loss(layers: Layers, drawing: Tensor, masks: Tensor) -> Tensor:
    """L1 between painted and wanted lines [B, 1, H, W], the stronger a line the more it counts."""
    weight = masks * (0.3 + 3 * drawing.abs()) + 0.02
    return ((layers.mask * layers.tone - drawing).abs() * weight).sum() / weight.sum()


def mask_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """Dice and weighted cross-entropy of masks [B, 1, H, W]."""
    entropy = functional.binary_cross_entropy(
        made.clamp(1e-5, 1 - 1e-5), wanted, weight=1 + 4 * wanted
    )
    return 0.3 * (dice_loss(made, wanted) + entropy)
