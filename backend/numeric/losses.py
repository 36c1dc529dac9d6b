"""Losses on pictures and masks (PyTorch)."""

from torch import Tensor
from torch.nn import functional


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


def mask_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """Dice and weighted cross-entropy of masks [B, 1, H, W]."""
    entropy = functional.binary_cross_entropy(
        made.clamp(1e-5, 1 - 1e-5), wanted, weight=1 + 4 * wanted
    )
    return 0.3 * (dice_loss(made, wanted) + entropy)
