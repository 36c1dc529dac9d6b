"""Where a lesson starts: codes from principal components, and the defects as line drawings."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from backend.students.distill import losses
from backend.students.distill.networks import CELL

LEAST_POWER = 1e-4


def scene_brightness(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Mean grey level outside the mask [N], by which defects find scenes that suit them."""
    outside = ~masks
    return (images.mean(-1) * outside).sum((1, 2)) / np.maximum(outside.sum((1, 2)), 1)


def line_drawings(images: Tensor, masks: Tensor, chunk: int = 64) -> Tensor:
    """The defects alone, int8 [N, 1, H, W] of -127…127; see `losses.line_drawing`."""
    pairs = zip(images.split(chunk), masks.split(chunk), strict=True)
    drawn = [losses.line_drawing(i.float() / 255, m.float()) for i, m in pairs]
    return (torch.cat(drawn) * 127).round().to(torch.int8)


def noises(images: Tensor, chunk: int = 64) -> Tensor:
    """See `losses.log_noise`, of images uint8 [N, 3, H, W]."""
    return torch.cat([losses.log_noise(i.float() / 255) for i in images.split(chunk)])


@dataclass(frozen=True)
class LocalCodes:
    """The best linear codes of 8 px cells: principal components of cells of the scenes, and of
    cells of the defects (mask and line drawing).

    scene, defect: mean [F] and components [F, C], scaled to codes of unit variance.
    """

    scene: tuple[Tensor, Tensor]
    defect: tuple[Tensor, Tensor]

    def __call__(self, images: Tensor, masks: Tensor) -> Tensor:
        """Codes [N, 2 C, S/8, S/8] flattened to [N, D]: the scene's, then the defect's."""
        pairs = zip(_layers(images, masks), (self.scene, self.defect), strict=True)
        coded = [_projected(layer, *basis) for layer, basis in pairs]
        return torch.cat(coded, 1).flatten(1)

    @property
    def nothing(self) -> Tensor:
        """The code [C] of a cell without a defect."""
        mean, components = self.defect
        return -mean @ components


def local_codes(images: Tensor, masks: Tensor, channels: int) -> LocalCodes:
    """Fit them on images uint8 [N, 3, S, S] and masks bool [N, 1, S, S]."""
    scene, defect = (_components(layer, channels // 2) for layer in _layers(images, masks))
    return LocalCodes(scene, defect)


def _layers(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """The scene with its defect smoothed over [N, 3, S, S], and the defect [N, 2, S, S]."""
    shown, wanted = images.float() / 255, masks.float()
    drawing = line_drawings(images, masks).float() / 127
    return losses.without_defect(shown, wanted), torch.cat([wanted, drawing], 1)


def _cells(layer: Tensor) -> Tensor:
    """[N, C, S, S] → [N · (S/8)², C · 64]."""
    return functional.pixel_unshuffle(layer, CELL).permute(0, 2, 3, 1).flatten(0, 2)


def _components(layer: Tensor, count: int) -> tuple[Tensor, Tensor]:
    cells = _cells(layer)
    mean = cells.mean(0)
    centred = cells - mean
    power, axes = torch.linalg.eigh(centred.T @ centred / len(cells))
    chosen = power.argsort(descending=True)[:count]
    return mean, axes[:, chosen] / power[chosen].clamp(min=LEAST_POWER).sqrt()


def _projected(layer: Tensor, mean: Tensor, components: Tensor) -> Tensor:
    n, _, size, _ = layer.shape
    codes = (_cells(layer) - mean) @ components
    return codes.view(n, size // CELL, size // CELL, -1).permute(0, 3, 1, 2)
