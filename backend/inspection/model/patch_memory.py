"""A memory of GOOD patches per feature type, and the nearest of them. Heavy (torch).

Shapes: N parts, P = G * G patches a part, D dimensions, T types, M patches kept.
"""

import numpy as np
import torch
from torch import Tensor

from backend.inspection.model.scoring import Floats, Ints

BATCH = 32  # parts compared at once


def patches(maps: Floats) -> Floats:
    """[N, D, G, G] -> [N * P, D]."""
    return np.ascontiguousarray(maps.transpose(0, 2, 3, 1).reshape(-1, maps.shape[1]))


def nearest(rows: Tensor, bank: Tensor) -> Tensor:
    """The bank's patch nearest to each of rows [N, P, D]: [N, P, D]. bank: [N or 1, M, D]."""
    away = (bank * bank).sum(-1)[:, None] - 2 * rows @ bank.transpose(1, 2)  # less |row|^2
    chosen = away.argmin(-1)[..., None].expand(-1, -1, rows.shape[-1])
    return bank.expand(rows.shape[0], -1, -1).gather(1, chosen)  # len() would fix an export


def random_bank(maps: Floats, types: Ints, n_types: int, size: int, seed: int = 0) -> Floats:
    """At most `size` patches of each type, drawn evenly: [T, M, D], repeated where there are fewer.

    maps: [N, D, G, G] of GOOD parts; every type needs one.
    """
    rng = np.random.default_rng(seed)
    rows = {t: patches(maps[types == t]) for t in range(n_types)}
    m = min(size, max(len(mine) for mine in rows.values()))
    chosen = [np.resize(rng.permutation(len(rows[t])), m) for t in range(n_types)]
    return np.stack([rows[t][chosen[t]] for t in range(n_types)])


@torch.inference_mode()
def to_nearest(maps: Floats, types: Ints, bank: Floats) -> Floats:
    """[N, D, G, G]: each patch less the nearest of its type's bank [T, M, D]."""
    found = np.empty_like(maps)
    flat = maps.reshape(*maps.shape[:2], -1).transpose(0, 2, 1)
    for t in np.unique(types):
        mine = np.flatnonzero(types == t)
        kept = torch.from_numpy(bank[t])[None]
        for start in range(0, len(mine), BATCH):
            at = mine[start : start + BATCH]
            rows = torch.from_numpy(np.ascontiguousarray(flat[at]))
            away = (rows - nearest(rows, kept)).numpy()
            found[at] = away.transpose(0, 2, 1).reshape(len(at), *maps.shape[1:])
    return found


@torch.inference_mode()
def distances(rows: Floats, bank: Floats, k: int = 1) -> Floats:
    """Mean squared distance of rows [N, D] to their k nearest of bank [M, D]: [N]."""
    b = torch.from_numpy(bank)
    size, pieces = (b * b).sum(1), []
    for start in range(0, len(rows), 1024):
        r = torch.from_numpy(rows[start : start + 1024])
        away = size + (r * r).sum(1)[:, None] - 2 * r @ b.T
        pieces.append(away.topk(min(k, len(b)), largest=False).values.mean(1).clamp(min=0))
    return torch.cat(pieces).numpy()


@torch.inference_mode()
def greedy_coreset(rows: Floats, size: int, seed: int = 0, looked_at: int = 4000) -> Floats:
    """`size` of rows [N, D] that cover the others best (PatchCore, arXiv 2106.08265): [size, D].

    Chosen greedily among `looked_at` rows, in a random projection onto 32 dimensions.
    """
    rng = np.random.default_rng(seed)
    rows = rows[rng.permutation(len(rows))[:looked_at]]
    if size >= len(rows):
        return rows
    mix = rng.standard_normal((rows.shape[1], 32), np.float32) / np.float32(np.sqrt(32))
    small = torch.from_numpy(rows @ mix)
    chosen, away = [0], (small - small[0]).square().sum(1)
    while len(chosen) < size:
        chosen.append(int(away.argmax()))
        away = torch.minimum(away, (small - small[chosen[-1]]).square().sum(1))
    return rows[chosen]
