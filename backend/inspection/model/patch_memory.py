"""A memory of GOOD patches per feature type, and the nearest of them. Heavy (torch).

Shapes: N parts, P = G * G patches a part, D dimensions, T types, M patches kept.
"""

import numpy as np
import torch
from torch import Tensor

from backend.inspection.model.scoring import Floats, Ints

BATCH = 32  # parts compared at once
LOOKED_AT = 8000  # patches of a type among which those of its bank are chosen


def patches(maps: Floats) -> Floats:
    """[N, D, G, G] -> [N * P, D]."""
    return np.ascontiguousarray(maps.transpose(0, 2, 3, 1).reshape(-1, maps.shape[1]))


def nearest(rows: Tensor, bank: Tensor, soft: float = 0.0) -> Tensor:
    """The bank's patch nearest to each of rows [N, P, D]: [N, P, D]. bank: [N or 1, M, D].

    soft: over so much of squared distance two patches share the place instead of one taking it
    all: a rounding error then moves a score by as little, and not from one patch to another.
    """
    away = (bank * bank).sum(-1)[:, None] - 2 * rows @ bank.transpose(1, 2)  # less |row|^2
    if soft:
        return torch.softmax(-away / soft, -1) @ bank
    chosen = away.argmin(-1)[..., None].expand(-1, -1, rows.shape[-1])
    return bank.expand(rows.shape[0], -1, -1).gather(1, chosen)  # len() would fix an export


def bank_of(maps: Floats, types: Ints, n_types: int, size: int, seed: int = 0) -> Floats:
    """At most `size` patches of each type that cover the others best: [T, M, D], repeated where a
    type has fewer. maps: [N, D, G, G] of GOOD parts; every type needs one.

    As many drawn by chance cost AUROC on six real part types.
    """
    rows = {t: patches(maps[types == t]) for t in range(n_types)}
    chosen = [greedy_coreset(rows[t], size, seed, LOOKED_AT) for t in range(n_types)]
    most = max(map(len, chosen))
    return np.stack([np.resize(kept, (most, kept.shape[1])) for kept in chosen])


@torch.inference_mode()
def to_nearest(maps: Floats, types: Ints, bank: Floats, soft: float = 0.0) -> Floats:
    """[N, D, G, G]: each patch less the nearest of its type's bank [T, M, D]."""
    found = np.empty_like(maps)
    flat = maps.reshape(*maps.shape[:2], -1).transpose(0, 2, 1)
    for t in np.unique(types):
        mine = np.flatnonzero(types == t)
        kept = torch.from_numpy(bank[t])[None]
        for start in range(0, len(mine), BATCH):
            at = mine[start : start + BATCH]
            rows = torch.from_numpy(np.ascontiguousarray(flat[at]))
            away = (rows - nearest(rows, kept, soft)).numpy()
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
