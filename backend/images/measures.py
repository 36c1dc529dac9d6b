"""Measures of pictures, without a network: alike, sharp, diverse, and well labelled."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.numeric import statistics

Images = NDArray[np.uint8]  # [N, H, W, 3]
Masks = NDArray[np.bool_]  # [N, H, W]

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW, SIGMA = 11, 1.5
STABLE = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)
RING = 6  # px at 128 px: how far around a mask its surroundings reach
FEWEST_PIXELS = 12


def ssim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Structural similarity of two uint8 RGB images [H, W, 3] (Wang et al. 2004), -1…1."""
    from skimage.metrics import structural_similarity

    return float(structural_similarity(first, second, channel_axis=2, data_range=255))


def ssim_map(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Where two images agree: SSIM per pixel [H, W], -1…1."""
    from skimage.metrics import structural_similarity

    _, local = structural_similarity(first, second, channel_axis=2, data_range=255, full=True)
    return np.asarray(local).mean(-1)


def ms_ssim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Multi-scale SSIM of the grey images (Wang, Simoncelli and Bovik 2003), 0…1.

    Of the five scales as many count as an 11 px window fits into, their weights scaled to sum to
    1; a scale whose structure runs against the other's counts as 0.
    """
    a, b = (x.astype(np.float64).mean(-1) for x in (first, second))
    fits = max(1, int(np.log2(min(a.shape) / WINDOW)) + 1)
    weights = np.array(SCALE_WEIGHTS[:fits])
    weights /= weights.sum()
    found = 1.0
    for place, weight in enumerate(weights):
        whole, structure = _ssim_terms(a, b)
        last = place == len(weights) - 1
        found *= max(0.0, whole if last else structure) ** weight
        a, b = _halved(a), _halved(b)
    return float(found)


def _ssim_terms(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Mean SSIM, and its contrast and structure terms alone, under a Gaussian window."""

    def smooth(x: NDArray[np.float64]) -> NDArray[np.float64]:
        edge = WINDOW // 2
        smoothed = ndimage.gaussian_filter(x, SIGMA, truncate=3.5)
        return np.asarray(smoothed[edge:-edge, edge:-edge])

    mean_a, mean_b = smooth(a), smooth(b)
    spread = smooth(a * a) - mean_a**2 + smooth(b * b) - mean_b**2
    common = smooth(a * b) - mean_a * mean_b
    structure = (2 * common + STABLE[1]) / (spread + STABLE[1])
    light = (2 * mean_a * mean_b + STABLE[0]) / (mean_a**2 + mean_b**2 + STABLE[0])
    return float((light * structure).mean()), float(structure.mean())


def _halved(x: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = (edge // 2 * 2 for edge in x.shape)
    return x[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3))


def sharpness(images: Images) -> NDArray[np.float64]:
    """Mean absolute Laplacian of each grey image [N], grey levels."""
    grey = images.astype(np.float32).mean(-1)
    inner = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    return np.abs(4 * inner - around).mean((1, 2), dtype=np.float64)


def high_frequencies(images: Images) -> NDArray[np.float64]:
    """Power of each grey image [N] in structures under 4 px, grey levels², border faded out."""
    grey = images.astype(np.float64).mean(-1)
    grey -= grey.mean((1, 2), keepdims=True)
    fade = np.hanning(grey.shape[1])[:, None] * np.hanning(grey.shape[2])[None]
    power = np.abs(np.fft.fft2(grey * fade)) ** 2 / grey[0].size ** 2 / (fade**2).mean()
    y, x = (np.fft.fftfreq(edge) for edge in grey.shape[1:])
    return np.asarray(power[:, np.hypot(y[:, None], x[None]) > 0.25].sum(1))


def diversity(images: Images) -> float:
    """Mean distance between images of the set: root mean square over pixels, grey levels."""
    if len(images) < 2:
        return 0.0
    return float(np.sqrt(2 * images.astype(np.float32).var(0, ddof=1).mean()))


def overlap(wanted: Masks, made: Masks) -> NDArray[np.float64]:
    """Intersection over union per image [N']; images without a defect are left out."""
    union = (wanted | made).sum((1, 2))
    common = (wanted & made).sum((1, 2))
    return (common / np.maximum(union, 1))[wanted.any((1, 2))]


def standing_out(images: Images, masks: Masks) -> NDArray[np.float64]:
    """How well each mask [N'] covers what differs from its surroundings, 0…1.

    The chance that a pixel within the mask differs more from the background than one in a ring
    around it (an area under the ROC curve): 1 where the mask covers the defect and no more, 0.5
    where it lies anywhere. A pixel differs by its distance to the mean colour of a wide window
    around it, which does not know the mask. Images are left out whose mask is empty or leaves no
    ring.
    """
    found = [_standing_out(x, m) for x, m in zip(images, masks, strict=True)]
    return np.array([value for value in found if value is not None])


def _standing_out(pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> float | None:
    reach = max(3, round(RING * len(mask) / 128))
    near = ndimage.binary_dilation(mask, iterations=2)
    ring = ndimage.binary_dilation(mask, iterations=2 + reach) & ~near
    if min(mask.sum(), ring.sum()) < FEWEST_PIXELS:
        return None
    width = 8 * reach + 1
    shown = pixels.astype(np.float64)
    differs = np.abs(shown - ndimage.uniform_filter(shown, (width, width, 1))).mean(-1)
    return statistics.auroc(differs[ring], differs[mask])
