"""What the students' losses are made of (PyTorch)."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.numeric import backbones, lpips
from backend.numeric.lpips import Lpips
from backend.numeric.scattering import Scattering
from backend.records import UserError
from backend.students.distill.networks import CELL, Layers
from backend.students.distill.spec import YOLO_FILE
from backend.students.drawing import GAINS, OCTAVES

LEAST_NOISE = 0.0005
# power that `log_noise` sees at full, half and quarter size (rows) of each octave (columns)
SEEN = np.array([[1.0, 0.03, 0.01], [0.25, 1.0, 0.024], [0.0625, 0.563, 1.0]])


def line_drawing(images: Tensor, masks: Tensor) -> Tensor:
    """The defects alone, at one contrast: [N, 1, H, W] in -1…1, 0 outside the mask.

    The brightness within the mask relative to the surroundings, divided by three times its own
    root mean square per image, so that faint and strong defects weigh the same.
    images [N, 3, H, W] in 0…1; masks [N, 1, H, W] of 0 and 1.
    """
    lines = (images - _surroundings(images, masks)).mean(1, keepdim=True) * masks
    power = (lines**2).sum((1, 2, 3)) / masks.sum((1, 2, 3)).clamp(min=1)
    return (lines / (3 * power.sqrt()[:, None, None, None] + 0.01)).clamp(-1, 1)


def without_defect(images: Tensor, masks: Tensor) -> Tensor:
    """Images [N, 3, H, W] whose defects are covered with the mean of what is around them."""
    return images * (1 - masks) + _surroundings(images, masks) * masks


def _surroundings(images: Tensor, masks: Tensor) -> Tensor:
    """Local mean of what is no defect [N, 3, H, W]."""
    outside = 1 - masks
    return _local_mean(images * outside) / _local_mean(outside).clamp(min=0.02)


def with_noise(layers: Layers, random: torch.Generator) -> Tensor:
    """The image [B, 3, S, S] with noise as strong as it is painted; see `drawing.noise`."""
    strengths, image = layers.noise, layers.image
    for octave in range(OCTAVES):
        shape = (len(image), 1, *(side // 2**octave for side in image.shape[2:]))
        field = torch.randn(shape, generator=random)
        for _ in range(octave):
            field = functional.interpolate(field, scale_factor=2, mode="bilinear")
        image = image + GAINS[octave] * strengths[:, octave : octave + 1] * field.to(image.device)
    return image


def _local_mean(x: Tensor, reach: int = 12) -> Tensor:
    """Mean over a window of 2 · reach + 1 px, zeros beyond the border; along each axis in turn."""
    window = 2 * reach + 1
    rows = functional.avg_pool2d(functional.pad(x, [reach] * 4), (window, 1), 1)
    return functional.avg_pool2d(rows, (1, window), 1)


def drawing_loss(layers: Layers, drawing: Tensor, masks: Tensor) -> Tensor:
    """L1 between painted and wanted lines [B, 1, H, W], the stronger a line the more it counts."""
    weight = masks * (0.3 + 3 * drawing.abs()) + 0.02
    return ((layers.mask * layers.tone - drawing).abs() * weight).sum() / weight.sum()


def log_noise(images: Tensor) -> Tensor:
    """Logarithm of the strength of the noise in each octave of images [N, 3, H, W] of 0…1.

    Median over windows of the grey image's response to a mask that is blind to edges (Immerkær
    1996), so that lines do not count; then the same at half and quarter size, each less what the
    other octaves leave there: [N, OCTAVES, H/8, W/8], of standard deviations as fractions of full
    scale.
    """
    grey, grid = images.mean(1, keepdim=True), images.shape[-1] // CELL
    levels = [_noise_level(functional.avg_pool2d(grey, 2**octave)) for octave in range(OCTAVES)]
    seen = torch.cat([functional.interpolate(level, grid, mode="bilinear") for level in levels], 1)
    shares = torch.from_numpy(np.linalg.inv(SEEN)).to(seen)
    power = torch.einsum("ol,nlhw->nohw", shares, seen**2)
    return power.clamp(min=LEAST_NOISE**2).sqrt().log()


def _noise_level(grey: Tensor, window: int = 16) -> Tensor:
    """Standard deviation of white noise in windows of [N, 1, H, W]."""
    kernel = grey.new_tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]]) / 6
    padded = functional.pad(grey, [1] * 4, mode="reflect")
    response = functional.conv2d(padded, kernel[None, None]).abs()
    window = min(window, response.shape[-1])
    windows = response.unfold(2, window, window).unfold(3, window, window).flatten(4)
    return windows.median(-1).values / 0.6745


class Texture:
    """Has a picture its teacher's texture? Mean absolute difference of fixed feature maps from the
    teacher's images [N, 3, S, S], each channel in units of its spread over those."""

    def __init__(self, network: nn.Module, teacher: Tensor, chunk: int = 16):
        self.network = network.eval().requires_grad_(False)
        with torch.no_grad():
            parts = [self.network(part.float() / 255) for part in teacher.split(chunk)]
        self.wanted = torch.cat(parts)
        self.spread = self.wanted.std((0, 2, 3), keepdim=True).clamp(min=1e-3)

    def __call__(self, made: Tensor, places: Tensor) -> Tensor:
        """made [B, 3, S, S] in 0…1; places [B] of their teacher images."""
        return ((self.network(made) - self.wanted[places]) / self.spread).abs().mean()


class Look:
    """Does a picture look as its teacher's, to a network? LPIPS, or the same distance with all
    channels alike. The teacher's features are many times its images, so none are kept."""

    def __init__(self, network: Lpips, teacher: Tensor):
        self.network, self.teacher = network.to(teacher.device), teacher

    def __call__(self, made: Tensor, places: Tensor) -> Tensor:
        """made [B, 3, S, S] in 0…1; places [B] of their teacher images."""
        return self.network(made, self.teacher[places].float() / 255).mean()


def texture(name: str, weights: Path, teacher: Tensor) -> Texture | Look:
    """By features that are there without a download, wavelet energies (scattering, arXiv
    1203.1513), or by networks whose weights lie in a folder: for "yolo" the first layers of one,
    for "vgg" and "lpips" VGG16.

    teacher: uint8 [N, 3, S, S]. Raises UserError where the weights are missing.
    """
    if name in ("vgg", "lpips"):
        return Look(lpips.load(weights, linear=name == "lpips"), teacher)
    if name == "yolo" and not (weights / YOLO_FILE).is_file():
        raise UserError(f"Perceptual: put {YOLO_FILE} into {weights}, or choose wavelets.")
    network = backbones.load_yolo(weights / YOLO_FILE) if name == "yolo" else Scattering()
    return Texture(network.to(teacher.device), teacher)
