"""The critic of the `sharp` student (PyTorch): tells samples from teacher images while both learn.

Hinge loss (arXiv 1802.05957) with DiffAugment (arXiv 2006.10738), without which a critic learns
150 images by heart in minutes. It sees picture and mask together, so that a crack whose mask
covers something else is found out.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

WIDTHS = (48, 96, 128)
RATE = 0.0008
SHIFT = 8  # a part of the edge length


class Critic(nn.Module):
    """Pictures and masks [B, 4, S, S] in 0…1 → how real each patch looks [B, 1, S/16, S/16]."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.PixelUnshuffle(2)]
        inner = 16
        for outer in WIDTHS:
            layers += [spectral_norm(nn.Conv2d(inner, outer, 4, 2, 1)), nn.LeakyReLU(0.2)]
            inner = outer
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(inner, 1, 3, padding=1)))

    def forward(self, seen: Tensor) -> Tensor:
        return self.layers(seen * 2 - 1)


def critic_loss(critic: Critic, real: Tensor, made: Tensor, random: torch.Generator) -> Tensor:
    """Hinge loss of the critic on teacher images and samples [B, 4, S, S]."""
    right = critic(augmented(real, random))
    wrong = critic(augmented(made.detach(), random))
    return functional.relu(1 - right).mean() + functional.relu(1 + wrong).mean()


def painter_loss(critic: Critic, made: Tensor, random: torch.Generator) -> Tensor:
    """How far the critic takes samples [B, 4, S, S] for made ones."""
    return -critic(augmented(made, random)).mean()


def augmented(shown: Tensor, random: torch.Generator) -> Tensor:
    """Turned, mirrored, moved, other brightness and contrast: the same for real and made ones,
    and gradients pass. shown [B, 4, S, S]; the mask keeps its values."""
    count, size = len(shown), shown.shape[-1]
    turns = int(torch.randint(4, (), generator=random))
    shown = torch.rot90(shown, turns, (2, 3))
    if torch.rand((), generator=random) < 0.5:
        shown = shown.flip(3)
    reach = size // SHIFT
    x, y = torch.randint(-reach, reach + 1, (2,), generator=random).tolist()
    shown = functional.pad(shown, [reach] * 4, mode="reflect")
    shown = shown[:, :, reach + y : reach + y + size, reach + x : reach + x + size]
    light = torch.rand(2, count, 1, 1, 1, generator=random).to(shown.device)
    rgb, mask = shown[:, :3], shown[:, 3:]
    mean = rgb.mean((1, 2, 3), keepdim=True)
    rgb = (rgb - mean) * (0.7 + 0.6 * light[0]) + mean + 0.4 * (light[1] - 0.5)
    return torch.cat([rgb, mask], 1)
