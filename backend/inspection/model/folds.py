"""The parts to learn from, and how they are divided so that no part judges itself.

All crops of a group lie in one fold; inside a training set, a group is fitted on or calibrated on.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from backend.inspection.model.spec import Spec
from backend.inspection.parts.crops import read_crops, read_parts
from backend.records import Label, UserError
from backend.wording import counted

Names = NDArray[np.str_]
MIN_FIT = 5  # GOOD parts of a type that every training fold needs
MIN_BAD = 2  # BAD parts that every training fold needs where they are learned from


@dataclass(frozen=True)
class Data:
    """Parts in the order of `crops.read_parts`; types index the sorted feature names."""

    frame: pd.DataFrame
    names: tuple[str, ...]
    types: NDArray[np.int64]
    good: NDArray[np.bool_]
    crops: NDArray[np.uint8]


@dataclass(frozen=True)
class Fold:
    """One fold's task: which parts are trained on and which are scored.

    stratified: were types and labels spread as evenly as groups allow, or only groups dealt out?
    """

    repeat: int
    number: int
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    stratified: bool = True


@dataclass(frozen=True)
class Scored:
    """Scores by method [n_test] of a fold, and anomaly maps [n_test, G, G] of those that have any.

    limits: by method, the score that 95 % of the calibration GOOD parts keep under; one a part
    where it hangs on the type.
    under: the diffusion's score under every class [n_test, T], where it was asked for.
    """

    fold: Fold
    scores: dict[str, NDArray[np.float32]]
    maps: dict[str, NDArray[np.float32]]
    limits: dict[str, float | NDArray[np.float32]]
    under: NDArray[np.float32] | None = None


def load(parts_folder: Path, size: int) -> Data:
    """The parts of a parts run, with crops [N, size, size, 3]."""
    frame = read_parts(parts_folder)
    return described(frame, read_crops(frame, parts_folder, size))


def described(frame: pd.DataFrame, crops: NDArray[np.uint8] | None = None) -> Data:
    """Parts with what is needed to divide them; crops [0] where the pictures are not asked for."""
    names = tuple(sorted(frame["feature"].unique()))
    index = {name: i for i, name in enumerate(names)}
    return Data(
        frame,
        names,
        frame["feature"].map(index).to_numpy(np.int64),
        (frame["label"] == int(Label.GOOD)).to_numpy(bool),
        np.empty(0, np.uint8) if crops is None else crops,
    )


def planned(spec: Spec, data: Data) -> list[Fold]:
    """The folds of a cross-validation. Raises UserError where there are too few parts for them."""
    made = make_folds(data, spec.folds, spec.repeats, spec.seed)
    if spec.mode == "uses-bad" and any((~data.good[fold.train]).sum() < MIN_BAD for fold in made):
        raise UserError(
            "Mode uses-bad needs BAD parts in the training of every test round. Import more, or "
            "choose the mode good-only."
        )
    return made


def make_folds(data: Data, folds: int, repeats: int, seed: int) -> list[Fold]:
    """Stratified by feature and label, grouped by component. Raises UserError: too few parts.

    Where that is not possible, or would take too many GOOD parts of a type from a training fold,
    the groups are dealt out; see `notes`.
    """
    groups = data.frame["group"].nunique()
    if groups < folds:
        few = f"Only {counted(groups, 'group')} for {folds} test rounds."
        raise UserError(f"{few} Use fewer test rounds, or more groups in metadata.csv.")
    return [
        fold for repeat in range(repeats) for fold in _repeat(data, repeat, folds, seed + repeat)
    ]


def _repeat(data: Data, repeat: int, folds: int, seed: int) -> list[Fold]:
    """The folds of one cross-validation. Raises UserError where a type has too few GOOD parts."""
    groups = data.frame["group"].to_numpy(str)
    strata = (data.frame["feature"] + "/" + data.frame["label"].astype(str)).to_numpy(str)
    for split in (stratified, dealt):
        pieces = split(folds, strata, groups, seed)
        made = [
            Fold(repeat, k, np.flatnonzero(pieces != k), np.flatnonzero(pieces == k))
            for k in range(folds)
        ]
        short = _short_of_good(data, made)
        if split is stratified and not short and len(set(pieces)) == folds:
            return made
    if short:
        raise UserError(short)
    return [replace(fold, stratified=False) for fold in made]


def _short_of_good(data: Data, folds: list[Fold]) -> str:
    """Which type has too few GOOD parts in a training fold, in a sentence; "" where none has."""
    for fold in folds:
        good = fold.train[data.good[fold.train]]
        known = np.bincount(data.types[good], minlength=len(data.names))
        for name, count in zip(data.names, known, strict=True):
            if count < MIN_FIT:
                return (
                    f"Feature '{name}' has only {counted(count, 'GOOD part')} to train on in a "
                    f"test round; {MIN_FIT} are needed. Add GOOD parts in groups of their own, or "
                    "try more test rounds: each takes fewer away."
                )
    return ""


def inner(data: Data, fold: Fold, folds: int, seed: int) -> list[Fold]:
    """Folds of a fold's training parts alone. Raises UserError: too few parts."""
    frame = data.frame.iloc[fold.train].reset_index(drop=True)
    return [
        replace(one, train=fold.train[one.train], test=fold.train[one.test])
        for one in make_folds(described(frame), folds, 1, seed)
    ]


def notes(folds: list[Fold]) -> Iterator[str]:
    """What a reader of the scores should know of how the parts were divided."""
    if not all(fold.stratified for fold in folds):
        yield (
            "Too few parts of a type for so many test rounds: GOOD and BAD parts of a type cannot "
            "lie in every one, so groups were dealt out one by one."
        )


def stratified(pieces: int, strata: Names, groups: Names, seed: int) -> NDArray[np.int64]:
    """The piece [n] of each part: strata spread evenly, groups together.

    A piece may stay empty; all are where no stratum has as many parts as there are pieces.
    """
    found = np.full(len(strata), -1)
    if np.unique(strata, return_counts=True)[1].max(initial=0) < pieces:
        return found
    splitter = StratifiedGroupKFold(pieces, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a rare stratum: told in the notes
        for k, (_, piece) in enumerate(splitter.split(strata, strata, groups)):
            found[piece] = k
    return found


def dealt(pieces: int, strata: Names, groups: Names, seed: int) -> NDArray[np.int64]:
    """The piece [n] of each part: groups dealt out in turn, those of one stratum one after another.

    No piece stays empty where there are as many groups as pieces.
    """
    names, first = np.unique(groups, return_index=True)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(strata[first][order], kind="stable")]
    piece = np.empty(len(names), np.int64)
    piece[order] = np.arange(len(names)) % pieces
    return piece[np.searchsorted(names, groups)]


def calibration_split(data: Data, good: NDArray[np.intp], seed: int) -> NDArray[np.bool_]:
    """Of GOOD parts [n], which fifth is held out for z-scores; groups stay together if they can.

    A type that would keep fewer than three parts to fit gives none away.
    """
    groups, types = data.frame["group"].to_numpy(str)[good], data.types[good]
    held_out = np.zeros(len(good), bool)
    pieces = min(5, len(set(groups)))
    if pieces >= 2:
        found = stratified(pieces, types.astype(str), groups, seed)
        held_out = found == max(0, found.min())
    for t in np.unique(types):
        if (~held_out[types == t]).sum() < 3:
            held_out[types == t] = False
    if not held_out.any():
        for t in np.unique(types):
            held_out[np.flatnonzero(types == t)[::5]] = True
    return held_out
