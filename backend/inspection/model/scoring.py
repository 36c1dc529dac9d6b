"""From feature maps to one number a part, with numpy only.

Shapes: N parts, C channels, D dimensions kept, G x G grid positions (P = G * G), T feature types.
Every figure here is fitted on GOOD parts of the training folds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
LEAST_SPREAD = 1e-3  # of a channel, as a share of its mean
PRIOR_PARTS = 20  # weight of all types in one type's z-score, as a number of parts


@dataclass(frozen=True)
class Projection:
    """A 1x1 convolution: channels standardised, then their first principal components.

    The mean is taken off first: with a bias in its place, what is left of a channel that hardly
    varies would be the rounding of its mean.
    """

    weight: Floats  # [D, C]
    mean: Floats  # [C]

    def __call__(self, features: Floats) -> Floats:
        """[N, C, G, G] -> [N, D, G, G]."""
        n, c, g, _ = features.shape
        flat = self.weight @ (features.reshape(n, c, g * g) - self.mean[:, None])
        return flat.reshape(n, len(self.weight), g, g)


def fit_projection(features: Floats, dims: int) -> Projection:
    """Principal components of all positions of GOOD features [N, C, G, G]; at most C of them.

    Channels are scaled to unit variance first: on six real part types that was worth 0.018 of
    mean AUROC. One that varies by less than a thousandth of its mean is scaled as if it did by
    that much: what it shows is rounding, which differs from one computer to the next.
    """
    rows = features.transpose(0, 2, 3, 1).reshape(-1, features.shape[1]).astype(np.float64)
    mean = rows.mean(0)
    std = np.maximum(rows.std(0), LEAST_SPREAD * abs(mean)) + 1e-6
    rows = (rows - mean) / std
    _, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    basis = vectors[:, ::-1][:, :dims].T  # [D, C]
    weight = basis / std
    return Projection(weight.astype(np.float32), mean.astype(np.float32))


@dataclass(frozen=True)
class Whitening:
    """A Gaussian per feature type and position (PaDiM, arXiv 2011.08785).

    What a type's positions share is taken out by one matrix; what is a position's own, by R
    directions of it, each made shorter: a fraction of the numbers of a matrix a position.
    """

    mean: Floats  # [T, P, D]
    root: Floats  # [T, D, D], symmetric (ZCA): an axis keeps its meaning at every position
    turn: Floats  # [T, P, R, D]: x - turn' (turn x) shortens x along R directions

    def __call__(self, maps: Floats, types: Ints) -> Floats:
        """[N, D, G, G] -> [N, D, G, G]; on GOOD parts about zero mean and unit covariance."""
        n, d, g, _ = maps.shape
        white = np.empty((n, g * g, d), np.float32)
        for t in np.unique(types):
            rows = maps[types == t].reshape(-1, d, g * g).transpose(2, 0, 1)  # [P, n, D]
            shared = (rows - self.mean[t][:, None]) @ self.root[t]
            done = shared - (shared @ self.turn[t].swapaxes(1, 2)) @ self.turn[t]
            white[types == t] = done.transpose(1, 0, 2)
        return white.transpose(0, 2, 1).reshape(n, d, g, g)


def fit_whitening(
    maps: Floats,
    types: Ints,
    n_types: int,
    shrinkage: float = 0.5,
    ridge: float = 0.01,
    rank: int | None = None,
) -> Whitening:
    """Mean and inverse root covariance per type and position, from GOOD maps [N, D, G, G].

    A covariance of D dimensions from some thirty parts is singular: it is mixed, by `shrinkage`,
    with the mean covariance over all positions of its type, and `ridge` times its mean variance
    is added. rank: directions in which a position may differ from that, those in which it varies
    most; all of them if None. Each type needs at least one part.
    """
    d, g = maps.shape[1:3]
    r = d if rank is None else min(rank, d)
    mean = np.zeros((n_types, g * g, d), np.float32)
    root = np.zeros((n_types, d, d), np.float32)
    turn = np.zeros((n_types, g * g, r, d), np.float32)
    for t in range(n_types):
        rows = maps[types == t].reshape(-1, d, g * g).transpose(2, 0, 1)  # [P, n, D]
        mean[t] = rows.mean(1)
        rows = rows - mean[t][:, None]
        local = rows.transpose(0, 2, 1) @ rows / max(1, rows.shape[1] - 1)
        pooled = local.mean(0)
        loading = ridge * max(float(np.trace(pooled)) / d, 1e-6) * np.eye(d, dtype=np.float32)
        root[t] = _inverse_root(shrinkage * pooled + loading)
        turn[t] = _shortening((1 - shrinkage) * (root[t] @ local @ root[t]), r)
    return Whitening(mean, root, turn)


def _inverse_root(covariance: Floats) -> Floats:
    """[..., D, D] -> its symmetric inverse square root."""
    values, vectors = np.linalg.eigh(covariance)
    scaled = vectors / np.sqrt(np.maximum(values, 1e-8))[..., None, :]
    return (scaled @ vectors.swapaxes(-1, -2)).astype(np.float32)


def _shortening(own: Floats, rank: int) -> Floats:
    """turn [P, R, D] such that I - turn' turn is the inverse root of I + own [P, D, D] in the R
    directions in which that is largest."""
    values, vectors = np.linalg.eigh(own)
    kept, directions = values[:, ::-1][:, :rank], vectors[:, :, ::-1][:, :, :rank]
    length = 1 - 1 / np.sqrt(1 + np.maximum(kept, 0))
    return (directions * np.sqrt(length)[:, None]).swapaxes(1, 2).astype(np.float32)


def top_count(positions: int, share: float) -> int:
    """How many patches the top `share` of them are; at least one."""
    return max(1, round(share * positions))


def top_mean(maps: Floats, share: float) -> Floats:
    """Part scores [N]: the mean of the highest `share` of the patches of maps [N, G, G]."""
    flat = maps.reshape(len(maps), -1)
    k = top_count(flat.shape[1], share)
    return np.sort(flat, axis=1)[:, -k:].mean(1)


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of scores per type, on unseen GOOD parts."""

    mean: Floats  # [T]
    std: Floats  # [T]

    def __call__(self, scores: Floats, types: Ints) -> Floats:
        """z-scores [N]: 0 is a usual GOOD part of its type."""
        return (scores - self.mean[types]) / self.std[types]


def fit_scale(scores: Floats, types: Ints, n_types: int, each: int = 1) -> Scale:
    """z-score constants per type from calibration scores [N] (arXiv 2211.07740).

    A handful of parts gives a noisy mean and spread, and each fold another one: pooled over
    folds that cost 0.01-0.02 of AUROC. So a type's figures are drawn towards those of all types
    as if `PRIOR_PARTS` more parts had shown them; a type without parts takes those alone.
    each: how many scores come from one part (patches).
    """
    prior = PRIOR_PARTS * each
    count = np.bincount(types, minlength=n_types)
    total = np.bincount(types, scores, n_types)
    mean = (total + prior * scores.mean()) / (count + prior)
    own = total / np.maximum(count, 1)
    squares = np.bincount(types, (scores - own[types]) ** 2, n_types)
    variance = (squares + prior * squares.sum() / len(scores)) / (count + prior)
    std = np.maximum(np.sqrt(variance), 1e-6)
    return Scale(mean.astype(np.float32), std.astype(np.float32))


def fit_part_scale(scores: Floats, types: Ints, held_out: NDArray[np.bool_], n_types: int) -> Scale:
    """z-score constants of parts from the scores [N] of all unseen GOOD ones.

    A type's figures from its held-out parts alone differ from fold to fold: pooled over the folds
    that cost 0.003 of mean AUROC. So all unseen parts tell how types differ, and the held-out
    ones of all types together (the final fit has seen none of them) where 0 and 1 are.
    """
    scale = fit_scale(scores, types, n_types)
    kept = scale(scores[held_out], types[held_out])
    spread = max(float(kept.std()), 1e-6)
    return Scale(scale.mean + scale.std * kept.mean(), scale.std * np.float32(spread))


@dataclass(frozen=True)
class PatchScale:
    """Mean and standard deviation of a patch's value per type and position, on unseen GOOD."""

    mean: Floats  # [T, P]
    std: Floats  # [T, P]

    def __call__(self, maps: Floats, types: Ints) -> Floats:
        """z-scores [N, G, G]: 0 is usual at that place of that type."""
        mean, std = (table[types].reshape(maps.shape) for table in (self.mean, self.std))
        return ((maps - mean) / std).astype(np.float32)


def fit_patch_scale(maps: Floats, types: Ints, n_types: int) -> PatchScale:
    """Of GOOD maps [N, G, G]. A place's figures are drawn towards those of its whole type.

    Where GOOD parts differ from each other anyway (an edge, a loose line), a difference means less:
    on six real part types that was worth 0.02 of mean AUROC for nearest patches.
    """
    rows, each = maps.reshape(len(maps), -1), maps[0].size
    whole = fit_scale(rows.ravel(), types.repeat(each), n_types, each)
    flat = rows.astype(np.float64)
    count = np.bincount(types, minlength=n_types)[:, None]
    mean, variance = whole.mean[:, None].repeat(each, 1), whole.std[:, None].repeat(each, 1) ** 2
    for t in np.unique(types):
        mine, n = flat[types == t], count[t]
        squares = np.square(mine - mine.mean(0)).sum(0)
        mean[t] = (mine.sum(0) + PRIOR_PARTS * mean[t]) / (n + PRIOR_PARTS)
        variance[t] = (squares + PRIOR_PARTS * variance[t]) / (n + PRIOR_PARTS)
    std = np.sqrt(np.maximum(variance, 1e-12))
    return PatchScale(mean.astype(np.float32), std.astype(np.float32))
