"""What the checks say, in plain sentences: is this data fit to learn from?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backend.images.folder import some
from backend.inspection.parts.checks import copies
from backend.numeric import statistics
from backend.records import MIN_BAD, Label
from backend.wording import counted

OK, LOOK, PROBLEM = "ok", "look", "problem"
JOINED = "Joined groups"
MIN_GOOD = 10  # of a type: with fewer, five folds leave too little to fit
FOLDS = 5
TELLS = 0.7  # an AUROC from which a measure alone tells GOOD from BAD
FEW_GROUPS, LEAST_IN_GROUP = 20, 5  # batches or cameras rather than components
LARGEST_AREA_RATIO, LARGEST_ASPECT = 2.0, 1.25
MEASURES = {"brightness": "AUROC of brightness alone", "area": "AUROC of size alone"}
WHAT_TELLS = {
    "brightness": ("darker", "brighter", "a model may learn the lighting instead of the defect"),
    "area": ("smaller", "larger", "a model may learn how the picture was cut"),
}


@dataclass(frozen=True)
class Finding:
    """level: ok, look or problem. subject: what was checked. words: what was found."""

    level: str
    subject: str
    words: str


def tell_tales(parts: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the table `figures`: how well brightness or size alone tells GOOD from BAD.

    parts: feature, label, brightness, width, height. value is the AUROC in the direction in which
    it is over 0.5; low and high its 95 % interval (DeLong). Types without both labels have none.
    """
    rows = []
    for measure, metric in MEASURES.items():
        for feature, mine in parts.groupby("feature"):
            good, bad = _by_label(mine, measure)
            if len(good) and len(bad):
                value, low, high = statistics.auroc_interval(good, bad)
                if value < 0.5:
                    value, low, high = 1 - value, 1 - high, 1 - low
                rows.append(
                    {"subject": str(feature), "metric": metric, "n": len(mine)}
                    | {"value": value, "low": low, "high": high}
                )
    return rows


def _by_label(mine: pd.DataFrame, measure: str) -> tuple[np.ndarray, np.ndarray]:
    values = mine["width"] * mine["height"] if measure == "area" else mine[measure]
    good = (mine["label"] == int(Label.GOOD)).to_numpy()
    return values.to_numpy(float)[good], values.to_numpy(float)[~good]


def find(
    parts: pd.DataFrame, figures: Sequence[dict[str, Any]], left_out: int, pictures_without: int
) -> list[Finding]:
    """All findings, in the order of a person's questions.

    parts: the columns of the tables `parts` and `part_checks`. left_out: how many pictures could
    not be read; pictures_without: in how many the detector found nothing.
    """
    found = [*_counts(parts), *_groups(parts), *_joined(parts), *_copies(parts), *_alike(parts)]
    found += [*_missing(left_out, pictures_without), *_sizes(parts)]
    return [*found, *_tells(parts, figures, "brightness"), *_tells(parts, figures, "area")]


def _counts(parts: pd.DataFrame) -> Iterator[Finding]:
    good = (parts["label"] == int(Label.GOOD)).groupby(parts["feature"]).sum()
    bad = parts.groupby("feature").size() - good
    few_good = [str(name) for name, n in good.items() if n < MIN_GOOD]
    few_bad = [str(name) for name, n in bad.items() if n < MIN_BAD]
    if few_good:
        words = f"Fewer than {MIN_GOOD} GOOD parts: {some(few_good, 8)}. The model learns from "
        yield Finding(PROBLEM, "GOOD parts", words + "GOOD parts; add some, or leave the type out.")
    if few_bad:
        words = (
            f"Fewer than {MIN_BAD} BAD parts: {some(few_bad, 8)}. Their separation (AUROC) is not "
        )
        yield Finding(LOOK, "BAD parts", words + "reliable and takes no part in a test.")
    if not few_good and not few_bad:
        words = f"Each of the {len(good)} types has at least {good.min()} GOOD and {bad.min()} BAD "
        yield Finding(OK, "Counts", words + "parts.")


def _groups(parts: pd.DataFrame) -> Iterator[Finding]:
    sizes = parts.groupby("group").size()
    if len(sizes) == len(parts):
        words = "Each part is a group of its own. Where several show one component, batch or "
        yield Finding(LOOK, "Groups", words + "camera, name it in the column 'group'.")
    else:
        words = f"{len(parts)} parts come from {counted(len(sizes), 'group')}; those of a group "
        yield Finding(OK, "Groups", words + "stay in one test round.")
    good = parts[parts["label"] == int(Label.GOOD)].groupby("feature")["group"].nunique()
    few = [f"{name} ({n})" for name, n in good.items() if n < FOLDS]
    if few:
        words = f"The GOOD parts come from fewer than {FOLDS} groups: {some(few, 8)}. With so few "
        yield Finding(
            PROBLEM, "Groups", words + "groups the test rounds are too alike or impossible."
        )
    if _labels_follow_groups(parts, sizes):
        words = "No group holds both GOOD and BAD parts: a model may learn the batch or camera "
        yield Finding(PROBLEM, "Groups", words + "instead of the defect.")


def _labels_follow_groups(parts: pd.DataFrame, sizes: pd.Series) -> bool:
    """Are there a few large groups, each GOOD or BAD as a whole?"""
    large = 1 < len(sizes) <= FEW_GROUPS and sizes.min() >= LEAST_IN_GROUP
    pure = (parts.groupby("group")["label"].nunique() == 1).all()
    return bool(large and pure and parts["label"].nunique() > 1)


def joined_groups(parts: pd.DataFrame) -> tuple[int, int]:
    """How many groups as given are one with another, and how many they have become."""
    if "given_group" not in parts:
        return 0, 0
    given = parts.groupby("group")["given_group"].nunique()
    return int(given[given > 1].sum()), int((given > 1).sum())


def _joined(parts: pd.DataFrame) -> Iterator[Finding]:
    before, after = joined_groups(parts)
    if before:
        words = f"{before} groups joined because parts look alike: they are {after} now. The names "
        yield Finding(OK, JOINED, words + "given are kept in the column given_group.")


def _copies(parts: pd.DataFrame) -> Iterator[Finding]:
    twice = parts[parts.duplicated("digest", keep=False)]
    if twice.empty:
        yield Finding(OK, "Copies", "No picture occurs twice.")
        return
    torn = parts[copies.torn(parts)[0]]
    twofold = twice[twice.groupby("digest")["label"].transform("nunique") > 1]
    if len(torn):
        words = counted(len(torn), "image has", "images have")
        words += f" a copy in another group ({some(torn['part'], 4)}): such a "
        words += "copy can be trained on and tested on. Give copies the same group."
        yield Finding(PROBLEM, "Copies", words)
    if len(twice) > len(torn):
        words = counted(len(twice) - len(torn), "image has", "images have")
        words += " a copy in the same group and so count more than once."
        yield Finding(LOOK, "Copies", words)
    if len(twofold):
        words = f"The same picture is GOOD once and BAD once: {some(twofold['part'], 4)}. One of "
        yield Finding(PROBLEM, "Copies", words + "the labels is wrong.")


def _alike(parts: pd.DataFrame) -> Iterator[Finding]:
    torn = parts[copies.torn(parts)[1]]
    if torn.empty:
        yield Finding(OK, "Leaks", "No two parts of different groups look almost the same.")
        return
    words = counted(len(torn), "part looks", "parts look")
    words += f" almost the same as a part of another group ({some(torn['part'], 4)}). "
    words += "If they show one component, give them one group."
    yield Finding(LOOK, "Leaks", words)


def _missing(left_out: int, pictures_without: int) -> Iterator[Finding]:
    if left_out:
        yield Finding(LOOK, "Files", f"Pictures left out, for they cannot be read: {left_out}.")
    else:
        yield Finding(OK, "Files", "Every picture could be read.")
    if pictures_without:
        words = f"Pictures in which the detector misses what it should find: {pictures_without}. "
        yield Finding(LOOK, "Detector", words + "Train it on more, or lower the confidence.")


def _sizes(parts: pd.DataFrame) -> Iterator[Finding]:
    area = (parts["width"] * parts["height"]).groupby(parts["feature"])
    ratio = area.max() / area.min()
    mixed = [
        f"{name} (area up to {r:.1f} ×)" for name, r in ratio.items() if r > LARGEST_AREA_RATIO
    ]
    if mixed:
        words = (
            f"Pictures of very different sizes within a type: {some(mixed, 8)}. All are brought "
        )
        yield Finding(LOOK, "Sizes", words + "to one size, so their sharpness differs.")
    edges = parts[["width", "height"]]
    long = (edges.max(axis=1) / edges.min(axis=1)).groupby(parts["feature"]).max()
    flat = [f"{name} (1:{r:.1f})" for name, r in long.items() if r > LARGEST_ASPECT]
    if flat:
        words = f"Pictures far from square: {some(flat, 8)}. They are squeezed to a square."
        yield Finding(LOOK, "Sizes", words)
    if not mixed and not flat:
        yield Finding(
            OK, "Sizes", "Within each type the pictures are of about one size and square."
        )


def _tells(
    parts: pd.DataFrame, figures: Sequence[dict[str, Any]], measure: str
) -> Iterator[Finding]:
    """Does the measure alone tell GOOD from BAD? Only where there are BAD parts enough to say."""
    less, more, danger = WHAT_TELLS[measure]
    told, judged = [], 0
    for row in (row for row in figures if row["metric"] == MEASURES[measure]):
        good, bad = _by_label(parts[parts["feature"] == row["subject"]], measure)
        if not statistics.reliable(len(bad)):
            continue
        judged += 1
        if row["value"] > TELLS and row["low"] > 0.5:
            word = more if statistics.auroc(good, bad) > 0.5 else less
            told.append(f"{row['subject']} (BAD is {word}, separation (AUROC) {row['value']:.2f})")
    name = {"brightness": "Brightness", "area": "Sizes"}[measure]
    alone = {"brightness": "Brightness", "area": "The picture's size"}[measure]
    if told:
        words = f"{alone} alone tells GOOD from BAD: {some(told, 8)}. So {danger}; look whether "
        yield Finding(PROBLEM, name, words + "GOOD and BAD were taken in the same way.")
    elif judged and measure == "brightness":
        words = f"Brightness alone does not tell GOOD from BAD in any of {judged} types."
        yield Finding(OK, name, words)
