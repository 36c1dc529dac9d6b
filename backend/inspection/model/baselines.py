"""The baselines that a diffusion score has to beat, on the very same features and folds.

A GOOD-only baseline takes a `Split` and gives the anomaly maps [M, G, G] of the parts asked about.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import StandardScaler

from backend.inspection.model import scoring
from backend.inspection.model.crossfit import Split
from backend.inspection.model.scoring import Floats, Ints, Whitening, fit_whitening

CORESET = 0.1  # of all patches, as PatchCore's authors chose
PRIOR_BAD = 20  # weight of all types in one type's supervised score, as a number of BAD parts

Baseline = Callable[[Split], Floats]


@dataclass(frozen=True)
class Mahalanobis:
    """One Gaussian per feature type over all positions (Lee et al., arXiv 1807.03888)."""

    whitening: Whitening  # P = 1

    def whitened(self, maps: Floats, types: Ints) -> Floats:
        """[N, D, G, G] -> [N, D, G, G], every patch by its type's Gaussian."""
        n, d, g, _ = maps.shape
        white = self.whitening(_as_parts(maps), np.repeat(types, g * g))
        return white.reshape(n, g, g, d).transpose(0, 3, 1, 2)

    def maps(self, maps: Floats, types: Ints) -> Floats:
        """Squared distance a dimension [N, G, G] of projected maps [N, D, G, G]."""
        return np.square(self.whitened(maps, types)).mean(1)


def fit_mahalanobis(maps: Floats, types: Ints, n_types: int) -> Mahalanobis:
    """From GOOD projected maps [N, D, G, G]: every patch is a sample of its type's Gaussian."""
    positions = maps.shape[2] * maps.shape[3]
    return Mahalanobis(
        fit_whitening(_as_parts(maps), np.repeat(types, positions), n_types, 1.0, rank=0)
    )


def _as_parts(maps: Floats) -> Floats:
    """[N, D, G, G] -> [N * P, D, 1, 1]: every patch on its own."""
    return maps.transpose(0, 2, 3, 1).reshape(-1, maps.shape[1], 1, 1)


def padim(split: Split) -> Floats:
    """Squared Mahalanobis distance a dimension, a Gaussian per type and position (2011.08785)."""
    return np.square(split.asked_white).mean(1)


def mahalanobis(split: Split) -> Floats:
    """Squared distance a dimension to the type's one Gaussian."""
    model = fit_mahalanobis(split.known, split.known_types, split.n_types)
    return model.maps(split.asked, split.asked_types)


def knn(split: Split) -> Floats:
    """Squared distance to the nearest GOOD patch of the type, maps whitened as PaDiM's are."""
    return _by_type(split, split.known_white, split.asked_white, 1.0, 1)


def patchcore(split: Split) -> Floats:
    """Mean squared distance to the 3 nearest of a greedy coreset (PatchCore, arXiv 2106.08265).

    Patches are whitened by their type's Gaussian. They are not averaged with their neighbours as
    PatchCore's are: a cell of this grid is 16 px wide, and averaging blurred small defects away.
    """
    model = fit_mahalanobis(split.known, split.known_types, split.n_types)
    known = model.whitened(split.known, split.known_types)
    asked = model.whitened(split.asked, split.asked_types)
    return _by_type(split, known, asked, CORESET, 3)


def flow(split: Split) -> Floats:
    """Negative log-likelihood a dimension under a normalising flow of the type's patches."""
    from backend.inspection.model import flows

    model = fit_mahalanobis(split.known, split.known_types, split.n_types)
    known = model.whitened(split.known, split.known_types)
    net = flows.fit(known, split.known_types, split.n_types)
    return flows.score(net, model.whitened(split.asked, split.asked_types), split.asked_types)


def _by_type(split: Split, known: Floats, asked: Floats, share: float, k: int) -> Floats:
    """Mean squared distance a dimension [M, G, G] to the k nearest patches of the same type."""
    from backend.inspection.model import patch_memory

    found = np.empty((len(asked), *asked.shape[2:]), np.float32)
    for t in np.unique(split.asked_types):
        bank, mine = patch_memory.patches(known[split.known_types == t]), split.asked_types == t
        if share < 1:
            bank = patch_memory.greedy_coreset(bank, max(1, round(share * len(bank))))
        away = patch_memory.distances(patch_memory.patches(asked[mine]), bank, k)
        found[mine] = away.reshape(-1, *asked.shape[2:]) / asked.shape[1]
    return found


BASELINES: dict[str, Baseline] = {
    "padim": padim,
    "mahalanobis": mahalanobis,
    "knn": knn,
    "patchcore": patchcore,
    "flow": flow,
}


def supervised(
    known: tuple[Floats, Ints, np.ndarray], asked: tuple[Floats, Ints], n_types: int
) -> Floats:
    """A linear discriminant that has seen BAD parts: scores [M], higher is more like BAD.

    known: whitened maps [N, D, G, G], types [N] and GOOD [N]. A part is the mean of its patches and
    its highest patch energies; a type with few BAD parts leans on all types' discriminant.
    """
    maps, types, good = known
    rows, wanted = _described(maps), _described(asked[0])
    everywhere = _Discriminant(rows, good)
    found = everywhere.decision_function(wanted)
    for t in range(n_types):
        mine, n_bad = types == t, int((~good & (types == t)).sum())
        if n_bad < 2 or not (asked[1] == t).any():
            continue
        own = _Discriminant(rows[mine], good[mine]).decision_function(wanted[asked[1] == t])
        weight = n_bad / (n_bad + PRIOR_BAD)
        found[asked[1] == t] += weight * (own - found[asked[1] == t])
    return np.asarray(found, np.float32)


def _described(white: Floats) -> Floats:
    """[N, D + 3]: mean whitened patch, and the energy of the highest 2, 10 and 100 % of patches."""
    energy = np.square(white).mean(1)
    tops = [np.log(scoring.top_mean(energy, share) + 1e-6) for share in (0.02, 0.1, 1.0)]
    return np.column_stack([white.mean((2, 3)), *tops]).astype(np.float32)


class _Discriminant:
    """Features to unit variance, then a linear discriminant with Ledoit-Wolf shrinkage."""

    def __init__(self, rows: Floats, good: np.ndarray) -> None:
        self.scale = StandardScaler().fit(rows)
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
        self.model = model.fit(self.scale.transform(rows), ~good)

    def decision_function(self, rows: Floats) -> Floats:
        return np.asarray(self.model.decision_function(self.scale.transform(rows)))
