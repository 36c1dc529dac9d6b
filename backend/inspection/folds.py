"""The parts to learn from, and how they are divided so that no part judges itself.

All crops of a group lie in one fold; inside a training set, a group is fitted on or calibrated on.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold

from backend.inspection import parts
from backend.records import Label, UserError

MIN_FIT = 5  # GOOD parts of a type that every training fold needs


@dataclass(frozen=True)
class Data:
    """Parts in the order of `parts.load`; types index the sorted feature names."""

    frame: pd.DataFrame
    names: tuple[str, ...]
    types: NDArray[np.int64]
    good: NDArray[np.bool_]
    crops: NDArray[np.uint8]


@dataclass(frozen=True)
class Fold:
    """One fold's task: which parts are trained on and which are scored."""

    repeat: int
    number: int
    train: NDArray[np.intp]
    test: NDArray[np.intp]


@dataclass(frozen=True)
class Scored:
    """Scores by method [n_test] of a fold, and the diffusion maps [n_test, G, G].

    limits: by method, the score that 95 % of the calibration GOOD parts keep under.
    under: the diffusion's score under every class [n_test, T], where it was asked for.
    """

    fold: Fold
    scores: dict[str, NDArray[np.float32]]
    maps: NDArray[np.float32]
    limits: dict[str, float]
    under: NDArray[np.float32] | None = None


def load(parts_folder: Path, size: int) -> Data:
    """The parts of a parts run, with crops [N, size, size, 3]."""
    frame = parts.load(parts_folder)
    names = tuple(sorted(frame["feature"].unique()))
    index = {name: i for i, name in enumerate(names)}
    return Data(
        frame,
        names,
        frame["feature"].map(index).to_numpy(np.int64),
        (frame["label"] == int(Label.GOOD)).to_numpy(bool),
        parts.read_crops(frame, parts_folder, size),
    )


def make_folds(data: Data, folds: int, repeats: int, seed: int) -> list[Fold]:
    """Stratified by feature and label, grouped by component. Raises UserError: too few parts."""
    groups = data.frame["group"]
    strata = data.frame["feature"] + "/" + data.frame["label"].astype(str)
    if groups.nunique() < folds:
        raise UserError(
            f"Only {groups.nunique()} groups for {folds} folds. "
            "Use fewer folds, or more groups in metadata.csv."
        )
    made = [
        Fold(repeat, k, train, test)
        for repeat in range(repeats)
        for k, (train, test) in enumerate(_splits(folds, strata, groups, seed + repeat))
    ]
    _check_enough_good(data, made)
    return made


def _splits(
    pieces: int, strata: ArrayLike, groups: ArrayLike, seed: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Indices (rest, piece) for each piece; groups stay together."""
    splitter = StratifiedGroupKFold(pieces, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a rare stratum: told in the notes
        return list(splitter.split(strata, strata, groups))


def _check_enough_good(data: Data, folds: list[Fold]) -> None:
    for fold in folds:
        good = fold.train[data.good[fold.train]]
        known = np.bincount(data.types[good], minlength=len(data.names))
        for name, count in zip(data.names, known, strict=True):
            if count < MIN_FIT:
                raise UserError(
                    f"Feature '{name}' has only {count} GOOD parts to train on in a fold; "
                    f"{MIN_FIT} are needed. Add GOOD parts, or use fewer folds."
                )


def calibration_split(data: Data, good: NDArray[np.intp], seed: int) -> NDArray[np.bool_]:
    """Of GOOD parts [n], which fifth is held out for z-scores; groups stay together.

    A type that would keep fewer than three parts to fit gives none away.
    """
    groups, types = data.frame["group"].to_numpy()[good], data.types[good]
    held_out = np.zeros(len(good), bool)
    pieces = min(5, len(set(groups)))
    if pieces >= 2:
        held_out[_splits(pieces, types, groups, seed)[0][1]] = True
    for t in np.unique(types):
        if (~held_out[types == t]).sum() < 3:
            held_out[types == t] = False
    if not held_out.any():
        held_out[::5] = True
    return held_out
