"""The baselines a diffusion score has to beat, on the very same features. numpy only."""

from dataclasses import dataclass

import numpy as np

from backend.inspection.scoring import Floats, Ints, Whitening, fit_whitening


@dataclass(frozen=True)
class Padim:
    """A Gaussian per feature type and position (PaDiM, arXiv 2011.08785)."""

    whitening: Whitening

    def maps(self, maps: Floats, types: Ints) -> Floats:
        """Squared Mahalanobis distance a dimension [N, G, G] of projected maps [N, D, G, G]."""
        return np.square(self.whitening(maps, types)).mean(1)


@dataclass(frozen=True)
class Mahalanobis:
    """One Gaussian per feature type over all positions (Lee et al., arXiv 1807.03888)."""

    whitening: Whitening  # P = 1

    def maps(self, maps: Floats, types: Ints) -> Floats:
        """Squared distance a dimension [N, G, G] of projected maps [N, D, G, G]."""
        n, _, g, _ = maps.shape
        white = self.whitening(_as_parts(maps), np.repeat(types, g * g))
        return np.square(white).mean(1).reshape(n, g, g)


def fit_mahalanobis(maps: Floats, types: Ints, n_types: int) -> Mahalanobis:
    """From GOOD projected maps [N, D, G, G]: every patch is a sample of its type's Gaussian."""
    positions = maps.shape[2] * maps.shape[3]
    return Mahalanobis(
        fit_whitening(_as_parts(maps), np.repeat(types, positions), n_types, shrinkage=0.0)
    )


def _as_parts(maps: Floats) -> Floats:
    """[N, D, G, G] -> [N * P, D, 1, 1]: every patch on its own."""
    return maps.transpose(0, 2, 3, 1).reshape(-1, maps.shape[1], 1, 1)
