"""The best way to score each type, chosen inside the training parts alone. Heavy (torch).

The candidates are what one exported model can hold: the diffusion, its untrained start, and each
feature set alone. Baselines are none: their memories are not in the file. Each test round divides
its training parts once more and takes what told their BAD parts best from parts it had not learned
from; so no part has a say in how it is scored itself. The final model takes what was best over all
test rounds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.inspection.model import cross_validation, folds, localisation, variants
from backend.inspection.model.feature_sets import Sets
from backend.inspection.model.folds import Data, Scored
from backend.inspection.model.spec import INNER, Spec
from backend.numeric import statistics
from backend.records import MIN_BAD, Progress, piece

Best = Mapping[int, str]  # type → row of the scores; a type that is not there: the diffusion's


def candidates(spec: Spec, methods: Sequence[str]) -> list[str]:
    """Rows that an exported model can give. Where BAD parts are learned from, the start, which
    knows none, is none."""
    start = [] if spec.mode == "uses-bad" else [variants.UNTRAINED]
    alone = [m for m in methods if m.startswith(variants.DIFFUSION) and m.endswith(" alone")]
    return [m for m in (variants.DIFFUSION, *start, *alone) if m in methods]


def chosen(spec: Spec, data: Data, scored: Sequence[Scored]) -> Best:
    """Type → the candidate with the highest AUROC, where another than the diffusion has it and
    enough BAD parts are among those scored."""
    index = np.concatenate([one.fold.test for one in scored])
    rows = candidates(spec, list(scored[0].scores))
    scores = {row: np.concatenate([one.scores[row] for one in scored]) for row in rows}
    found = {}
    for t in range(len(data.names)):
        mine, bad = data.types[index] == t, ~data.good[index]
        if statistics.reliable(int((mine & bad).sum())) and (mine & ~bad).any():
            area = {r: statistics.auroc(s[mine & ~bad], s[mine & bad]) for r, s in scores.items()}
            found[t] = max(rows, key=lambda row: area[row])
    return {t: row for t, row in found.items() if row != variants.DIFFUSION}


def scored(
    spec: Spec, data: Data, outer: Sequence[Scored], sets: Sets, progress: Progress, units: Path
) -> Iterator[Scored]:
    """The test rounds with the row `diffusion` as the best of each type; what it was stands beside
    it. units: where the rounds inside them are kept meanwhile."""
    plain = replace(spec, methods=(), both_references=False, class_scores=False)
    for number, one in enumerate(outer):
        told = _within(progress, f"best of each type, test round {number + 1} of {len(outer)}")
        divided = folds.inner(data, one.fold, INNER, spec.seed)
        place = units / f"inside-{number}"
        inner = cross_validation.kept_folds(plain, data, divided, sets, told, place)
        yield _with(one, chosen(spec, data, inner), data.types[one.fold.test])


def _within(progress: Progress, words: str) -> Progress:
    """A Progress that says which test round it is inside of; the bar stands."""
    return piece(lambda done, message: progress(0.8, f"{words} ({done:.0%})"))


def _with(one: Scored, best: Best, types: NDArray[np.int64]) -> Scored:
    """Of each part the score, map and limit of its type's best row."""
    whole = variants.DIFFUSION
    scores, maps = one.scores[whole].copy(), one.maps[whole].copy()
    limits = np.full(len(types), one.limits[whole], np.float32)
    for t, row in best.items():
        mine = types == t
        scores[mine], limits[mine] = one.scores[row][mine], one.limits[row]
        maps[mine] = localisation.upsampled(one.maps[row][mine], maps.shape[-1])
    was = variants.ONE_FOR_ALL
    return replace(
        one,
        scores={**one.scores, whole: scores, was: one.scores[whole]},
        maps={**one.maps, whole: maps, was: one.maps[whole]},
        limits={**one.limits, whole: limits, was: one.limits[whole]},
        under=None,
    )


def notes(data: Data, best: Best) -> tuple[str, ...]:
    """What the final model takes, in words."""
    told = ", ".join(f"{data.names[t]}: {_words(row)}" for t, row in best.items())
    others = f"the others, and those with fewer than {MIN_BAD} known BAD parts, as all together"
    return (
        f"Best of each type, in the model that is exported: {told or 'no type differs'}; {others}. "
        "The scores shown chose inside each round's training parts; the start, each feature set "
        "and the trained model are what an exported file can hold, other baselines are not.",
    )


def _words(row: str) -> str:
    return "without training" if row == variants.UNTRAINED else row.partition(", ")[2]
