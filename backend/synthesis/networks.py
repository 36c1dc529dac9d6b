"""The student generators and what their losses are made of (PyTorch)."""

import itertools

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


class Student(nn.Module):
    """The default student: a modulated upsampling generator.

    z [B, latent_dim] → [B, 4, size, size] in 0…1: RGB and the probability of defect. Each block
    sees z again as a scale and shift per channel (FiLM), so that detail need not pass the
    coarsest grid. Upsampling before a convolution leaves no checkerboard (Odena et al. 2016).
    """

    paints_mask = True

    def __init__(self, latent_dim: int = 128, size: int = 128, width: int = 16):
        super().__init__()
        doublings = (size // 8).bit_length() - 1
        widths = [min(width * 2**k, width * 8) for k in range(doublings, -1, -1)]
        self.size = size
        self.latent_dim = latent_dim
        self.start = nn.Linear(latent_dim, widths[0] * 64)
        self.blocks = nn.ModuleList(
            Block(inner, outer, latent_dim) for inner, outer in itertools.pairwise(widths)
        )
        self.paint = nn.Conv2d(widths[-1], 4, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.start(z).unflatten(1, (-1, 8, 8))
        for block in self.blocks:
            x = block(x, z)
        return torch.sigmoid(self.paint(x))


class Block(nn.Module):
    """Project, upsample by two, and add a convolution that z modulates."""

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
