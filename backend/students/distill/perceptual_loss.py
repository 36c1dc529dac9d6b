"""Perceptual loss on fixed features (PyTorch): does a picture have its teacher's texture?

Features that are there without a download: wavelet energies (scattering, arXiv 1203.1513), or the
first layers of YOLO weights where a file of them is.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from backend.numeric import backbones
from backend.numeric.scattering import Scattering


class Texture:
    """Distance between painted pictures and the teacher's [N, 3, S, S]: mean absolute difference
    of feature maps, each channel in units of its spread over the teacher's images."""

    def __init__(self, network: nn.Module, teacher: Tensor, chunk: int = 16):
        self.network = network.eval().requires_grad_(False)
        with torch.no_grad():
            parts = [self.network(part.float() / 255) for part in teacher.split(chunk)]
        self.wanted = torch.cat(parts)
        self.spread = self.wanted.std((0, 2, 3), keepdim=True).clamp(min=1e-3)

    def __call__(self, made: Tensor, places: Tensor) -> Tensor:
        """made [B, 3, S, S] in 0…1; places [B] of their teacher images."""
        return ((self.network(made) - self.wanted[places]) / self.spread).abs().mean()


def load(name: str, weights: Path, teacher: Tensor) -> Texture | None:
    """The features of that name: "wavelets", "yolo" (weights: the file) or "none".

    teacher: uint8 [N, 3, S, S].
    """
    if name == "none":
        return None
    network = backbones.load_yolo(weights) if name == "yolo" else Scattering()
    return Texture(network.to(teacher.device), teacher)
