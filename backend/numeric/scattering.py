"""Wavelet scattering: image features that need no training and no download.

Bruna & Mallat, arXiv 1203.1513. Heavy (torch): import it inside a job.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Scattering(nn.Module):
    """Log of the wavelet scattering of a grey crop, orders 0 to 2, on a pyramid of scales.

    scales: J of order 1, local energy by scale and direction. pairs: order 2, how that energy
    varies, is taken between the finest so many of them. detail: at how many scales an order-1
    cell is also described by its maximum and its standard deviation, and the brightness of its
    quarters is given; 0 gives none of the three.

    forward: [B, 3, S, S] in 0..1 -> [B, C, S/16, S/16]; S a multiple of 16, with five scales at
    least 64. With L = 4 directions, P pairs and detail D,
    C = 1 + J L + L^2 P (P - 1) / 2, and where D > 0 another 2 D L + 4: 61 channels as it is, 145
    with scales=5, pairs=4, detail=3.
    """

    directions, width = 4, 7  # L, and the edge of a wavelet, px

    def __init__(self, scales: int = 3, pairs: int = 3, detail: int = 0) -> None:
        super().__init__()
        self.scales, self.pairs, self.detail = scales, pairs, detail
        self.register_buffer("wavelets", _morlets(self.directions, self.width), persistent=False)

    def energy(self, x: Tensor) -> Tensor:
        """|x * psi| for each direction: [B, C, H, W] -> [B, C L, H, W]."""
        channels, pad = x.shape[1], self.width // 2
        x = F.pad(x, (pad, pad, pad, pad), mode="reflect")
        kernel = self.get_buffer("wavelets").repeat(channels, 1, 1, 1)
        squares = F.conv2d(x, kernel, groups=channels) ** 2
        real, imaginary = squares.unflatten(1, (channels, 2, self.directions)).unbind(2)
        return _root((real + imaginary).flatten(1, 2))

    def forward(self, images: Tensor) -> Tensor:
        grid = images.shape[-1] // 16
        grey = low = images.mean(1, keepdim=True)
        found = [on_grid(low, grid)]
        for scale in range(self.scales):
            first = self.energy(low)
            found.append(on_grid(first, grid))
            if scale < self.detail:
                found += _extent(first, grid)
            for _ in range(scale + 1, self.pairs):
                first = _halve(first)
                found.append(on_grid(self.energy(first), grid))
            low = _halve(low)
        logs = torch.log(torch.cat(found, 1) + 0.01)
        return torch.cat([logs, _quarters(grey, grid)], 1) if self.detail else logs


def on_grid(maps: Tensor, grid: int) -> Tensor:
    """[B, C, H, H] averaged down, or interpolated up, to [B, C, grid, grid]."""
    size = maps.shape[-1]
    if size > grid:
        return F.avg_pool2d(maps, size // grid)
    if size < grid:
        return F.interpolate(maps, scale_factor=grid / size, mode="bilinear", align_corners=False)
    return maps


def _extent(energy: Tensor, grid: int) -> list[Tensor]:
    """A cell's maximum and standard deviation: a small defect that its mean hides."""
    mean, squares = on_grid(energy, grid), on_grid(energy**2, grid)
    step = energy.shape[-1] // grid
    return [F.max_pool2d(energy, step), _root((squares - mean**2).clamp(min=0.0))]


def _quarters(grey: Tensor, grid: int) -> Tensor:
    """Log brightness of a cell's quarters less the cell's: [B, 4, grid, grid]."""
    quarters = F.pixel_unshuffle(on_grid(grey, 2 * grid), 2) + 0.05
    return torch.log(quarters) - torch.log(quarters.mean(1, keepdim=True))


def _root(x: Tensor) -> Tensor:
    """Square root with a slope at 0.

    Not with 1e-8: the ONNX exporter takes that for 0 and drops it, which moved scores by 0.7.
    """
    return torch.sqrt(x + 1e-6)


def _halve(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C, H/2, W/2], smoothed by a 3 x 3 mean first."""
    x = F.pad(x, (1, 1, 1, 1), mode="reflect")
    return F.avg_pool2d(F.avg_pool2d(x, 3, 1), 2)


def _morlets(directions: int, width: int) -> Tensor:
    """Morlet wavelets [2 L, 1, width, width], the real parts first; zero mean, xi = 3 pi / 4."""
    axis = torch.arange(width, dtype=torch.float32) - width // 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    kernels = []
    for k in range(directions):
        angle = math.pi * k / directions
        u = x * math.cos(angle) + y * math.sin(angle)
        v = y * math.cos(angle) - x * math.sin(angle)
        envelope = torch.exp(-(u**2 + (v * 4 / directions) ** 2) / (2 * 0.8**2))
        wave = torch.exp(1j * (0.75 * math.pi * u))
        wavelet = envelope * (wave - (envelope * wave).sum() / envelope.sum())
        kernels.append(wavelet / wavelet.abs().sum())
    stack = torch.stack(kernels)[:, None]
    return torch.cat([stack.real, stack.imag])
