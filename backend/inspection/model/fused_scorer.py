"""Scorers of one or more feature sets as one model. Heavy (torch).

A part's score is the mean of its z-scores, each in units of GOOD parts that its scorer has not
seen, and so is its map: what one feature set cannot see, the other may.

Shapes: B parts, F feature sets, G x G positions (of the finest grid), T types.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from backend.inspection.model.diffusion_scorer import Scorer
from backend.inspection.model.scoring import Floats

UNDER_ALL = "unlikely under all classes"


class Fused(nn.Module):
    """Feature maps, one a scorer, and a type index to (part score [B], anomaly map [B, G, G]).

    The same module scores the folds and goes into the exported file. share: [F, T] of each feature
    set in a type's score; older models have none.
    """

    def __init__(self, scorers: Iterable[Scorer]) -> None:
        super().__init__()
        self.scorers = nn.ModuleList(scorers)
        count = len(self.scorers)
        self.register_buffer("share", torch.full((count, self.first.n_types), 1 / count))
        self.register_load_state_dict_pre_hook(_with_share)

    @property
    def each(self) -> list[Scorer]:
        """The scorers, in the order of the feature sets."""
        return [cast(Scorer, scorer) for scorer in self.scorers]

    @property
    def first(self) -> Scorer:
        """The settings of all are those of any."""
        return self.each[0]

    def under(self, maps: Sequence[Tensor], types: Tensor) -> tuple[Tensor, Tensor]:
        """Part scores [B] and anomaly maps [B, G, G], as parts of these types."""
        each = [scorer.under(x, types) for scorer, x in zip(self.each, maps, strict=True)]
        share = self.get_buffer("share")[:, types]
        found = _stacked([m for _, m in each]) * share[..., None, None]
        return (torch.stack([s for s, _ in each]) * share).sum(0), found.sum(0)

    def forward(self, maps: Sequence[Tensor], types: Tensor) -> tuple[Tensor, Tensor]:
        """The score by the rule, and the anomaly map under the part's own class."""
        scores, found = self.under(maps, types)
        if self.first.settings.rule == UNDER_ALL:
            for t in range(self.first.n_types):
                scores = torch.minimum(scores, self.under(maps, torch.full_like(types, t))[0])
        return scores, found


def _with_share(model: nn.Module, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    state.setdefault(f"{prefix}share", model.get_buffer("share"))


def mean_map(maps: Sequence[Tensor]) -> Tensor:
    """Maps [B, G, G] of several grids as one of the finest."""
    return _stacked(maps).mean(0)


def _stacked(maps: Sequence[Tensor]) -> Tensor:
    """[F, B, G, G] of the finest grid."""
    grid = max(m.shape[-1] for m in maps)
    return torch.stack([_on(m, grid) for m in maps])


def _on(found: Tensor, grid: int) -> Tensor:
    if found.shape[-1] == grid:
        return found
    return F.interpolate(found[:, None], size=(grid, grid), mode="bilinear")[:, 0]


@torch.inference_mode()
def score(
    model: Fused, maps: Sequence[Floats], types: NDArray[np.int64], batch: int = 32
) -> tuple[Floats, Floats]:
    """Part scores [N] and anomaly maps [N, G, G] of feature maps [N, C, G, G], one a scorer."""
    found = [
        model(_pieces(maps, i, batch), torch.from_numpy(types[i : i + batch]))
        for i in range(0, len(types), batch)
    ]
    return torch.cat([s for s, _ in found]).numpy(), torch.cat([m for _, m in found]).numpy()


@torch.inference_mode()
def under_every(model: Fused, maps: Sequence[Floats], batch: int = 32) -> Floats:
    """Part scores [N, T] of feature maps [N, C, G, G], as if they were parts of each type."""
    found = []
    for start in range(0, len(maps[0]), batch):
        piece = _pieces(maps, start, batch)
        kinds = [torch.full((len(piece[0]),), t) for t in range(model.first.n_types)]
        found.append(torch.stack([model.under(piece, kind)[0] for kind in kinds], 1))
    return torch.cat(found).numpy()


def _pieces(maps: Sequence[Floats], start: int, batch: int) -> list[Tensor]:
    return [torch.from_numpy(m[start : start + batch]) for m in maps]
