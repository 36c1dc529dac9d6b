"""A small normalising flow over patches (RealNVP, arXiv 1605.08803). Heavy (torch).

Each patch on its own, conditional on the feature type; seconds to train.
"""

import torch
from torch import Tensor, nn

from backend.inspection.model import patch_memory
from backend.inspection.model.scoring import Floats, Ints

STEPS, BATCH, WIDTH, LAYERS = 300, 1024, 96, 4


class Coupling(nn.Module):
    """Half of the dimensions are scaled and shifted by what the other half and the type say."""

    def __init__(self, dims: int, n_types: int, flipped: bool) -> None:
        super().__init__()
        self.flipped, self.first = flipped, dims // 2
        self.types = nn.Embedding(n_types, 16)
        seen = dims - self.first if flipped else self.first
        last = nn.Linear(WIDTH, 2 * (dims - seen))
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.net = nn.Sequential(nn.Linear(seen + 16, WIDTH), nn.SiLU(), last)

    def forward(self, x: Tensor, types: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, D] -> z [B, D] and the log of the volume it changed by [B]."""
        a, b = x[:, : self.first], x[:, self.first :]
        kept, moved = (b, a) if self.flipped else (a, b)
        scale, shift = self.net(torch.cat([kept, self.types(types)], 1)).chunk(2, 1)
        scale = torch.tanh(scale)
        moved = moved * scale.exp() + shift
        pair = (moved, kept) if self.flipped else (kept, moved)
        return torch.cat(pair, 1), scale.sum(1)


class Flow(nn.Module):
    """forward: patches [B, D], types [B] -> negative log-likelihood a dimension [B]."""

    def __init__(self, dims: int, n_types: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Coupling(dims, n_types, k % 2 == 1) for k in range(LAYERS))

    def forward(self, x: Tensor, types: Tensor) -> Tensor:
        volume = torch.zeros(len(x))
        for layer in self.layers:
            x, grown = layer(x, types)
            volume = volume + grown
        return (x.square().sum(1) / 2 - volume) / x.shape[1]


def fit(maps: Floats, types: Ints, n_types: int, seed: int = 0) -> Flow:
    """By maximum likelihood, from whitened GOOD maps [N, D, G, G] and types [N]."""
    torch.manual_seed(seed)
    rows = torch.from_numpy(patch_memory.patches(maps))
    kinds = torch.from_numpy(types).repeat_interleave(maps.shape[2] * maps.shape[3])
    net = Flow(maps.shape[1], n_types)
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=STEPS + 1)
    for _ in range(STEPS):
        at = torch.randint(len(rows), (min(BATCH, len(rows)),))
        loss = net(rows[at], kinds[at]).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        rate.step()
    return net.eval()


@torch.inference_mode()
def score(net: Flow, maps: Floats, types: Ints) -> Floats:
    """Negative log-likelihood a dimension [N, G, G] of whitened maps [N, D, G, G]."""
    n, _, g, _ = maps.shape
    kinds = torch.from_numpy(types).repeat_interleave(g * g)
    found = net(torch.from_numpy(patch_memory.patches(maps)), kinds)
    return found.reshape(n, g, g).numpy()
