"""How likely a version's limits find a defect, by its size, from the parts that they rest on.

A defect counts as found where its part is not called GOOD: a machine or a person stops it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.core import facts, runs
from backend.inspection.model import defect_size
from backend.inspection.model.defect_size import Measure
from backend.inspection.model.spec import Spec as ModelSpec
from backend.inspection.threshold import limits
from backend.inspection.threshold.job import calibrated_on, called
from backend.inspection.threshold.spec import Spec
from backend.numeric import detection_probability
from backend.numeric.detection_probability import ADVISED, HitMiss
from backend.records import Label, UserError

ALL = "all types"
POINTS = 40  # of a curve
LEVELS = np.concatenate([np.linspace(0.05, 0.85, 9), [0.9, 0.95, 0.98]])  # of its bound
UNSIZED = (
    "Of none of the BAD parts behind these limits is the size of the defect known. Simulated parts "
    "tell it, and so do imported ones that bring masks of their defects: make parts, model and "
    "limits from such."
)
METHOD = (
    "Hit/miss after MIL-HDBK-1823A: a logistic curve over the log of the size, bounds by the "
    "likelihood ratio, corrected for few defects, in which a group counts as one part. Found: not "
    "called GOOD, by scores of models that never saw the part."
)
UNREACHED = (
    "Even the largest defect here ({largest:.3g}) is found with {reached:.0%} only, so 90 % is not "
    "reached. Lower the limits, improve the model, or bring larger defects."
)


@dataclass(frozen=True)
class Sized:
    """Known BAD parts with the size of their defect. rows: part, feature, group, size, found.
    unlimited: types left out, for limits of theirs are missing. unsized: BAD parts left out."""

    rows: pd.DataFrame
    measure: Measure
    unlimited: tuple[str, ...]
    unsized: int


def has_sizes(threshold_folder: Path) -> bool:
    """Is the size of some defect behind these limits known?"""
    try:
        return bool(defect_size.measures(facts.read(_parts_of(threshold_folder), "parts")))
    except UserError:
        return False


def sized(threshold_folder: Path) -> Sized:
    """The BAD parts of a finished threshold. Raises UserError where no size is known."""
    scores = calibrated_on(threshold_folder)
    bad = scores[scores["label"] == int(Label.BAD)]
    parts = facts.read(_parts_of(threshold_folder), "parts")
    known = defect_size.measures(parts)
    if not known:
        raise UserError(UNSIZED)
    measure = known[0]
    sizes = parts[["part", measure.column]].rename(columns={measure.column: "size"})
    joined = bad[["part", "feature", "group", "score"]].merge(sizes, on="part", how="left")
    word = called(joined["feature"], joined["score"], _limits(threshold_folder))
    found = (word != limits.GOOD).astype(object).where(word != "", None)
    judged = joined.assign(size=joined["size"] * measure.scale, found=found)
    limited = judged.dropna(subset=["found"])
    usable = limited[limited["size"] > 0].astype({"found": bool})
    if usable.empty:
        raise UserError(UNSIZED)
    without = sorted(set(judged["feature"]) - set(limited["feature"]))
    return Sized(usable, measure, tuple(without), len(limited) - len(usable))


def _parts_of(threshold_folder: Path) -> Path:
    spec = runs.spec(runs.read(threshold_folder), Spec)
    model = runs.sibling(threshold_folder, spec.inspect_run)
    return runs.sibling(threshold_folder, runs.spec(runs.read(model), ModelSpec).parts_run)


def _limits(threshold_folder: Path) -> dict[str, tuple[float, float]]:
    """Feature type → both limits, where it has both: else a person looks at whatever its score."""
    rows = facts.read(threshold_folder, "thresholds").dropna(subset=["alarm_limit", "review_limit"])
    pairs = zip(rows["alarm_limit"], rows["review_limit"], strict=True)
    return dict(zip(rows["feature"].map(str), pairs, strict=True))


def fitted(rows: pd.DataFrame) -> HitMiss:
    """The curve of some rows of `Sized`. Raises UserError where there is none."""
    return detection_probability.fit(rows["size"], rows["found"], rows["group"])


def by_type(found: Sized) -> pd.DataFrame:
    """subject, n, hits, a90, low, high, a90_95, words (why there is no curve): of all types
    together, then of each where there are several."""
    names = sorted(found.rows["feature"].map(str).unique())
    some = [(ALL, found.rows)]
    if len(names) > 1:
        some += [(name, found.rows[found.rows["feature"] == name]) for name in names]
    return pd.DataFrame([_row(name, rows) for name, rows in some])


def _row(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    counts = {"subject": name, "n": len(rows), "hits": int(rows["found"].sum())}
    none = dict.fromkeys(("a90", "low", "high", "a90_95"), np.nan)
    try:
        curve = fitted(rows)
    except UserError as error:
        return counts | none | {"words": str(error)}
    largest = float(rows["size"].max())
    if curve.size() > largest:
        reached = float(curve.probability(largest))
        return counts | none | {"words": UNREACHED.format(largest=largest, reached=reached)}
    low, high = curve.interval()
    sizes = {"a90": curve.size(), "low": low, "high": high, "a90_95": curve.upper()}
    return counts | sizes | {"words": ""}


def told(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `by_type` as people read them."""
    triples = zip(table["a90"], table["low"], table["high"], strict=True)
    return pd.DataFrame(
        {
            "of": table["subject"],
            "BAD parts": table["n"].astype(str),
            "found": table["hits"].astype(str),
            "a90 [95 % interval]": [
                "–" if math.isnan(a) else f"{a:.3g} [{size(low)}, {size(high)}]"
                for a, low, high in triples
            ],
            "a90/95": [size(value) for value in table["a90_95"]],
            "why not": table["words"].replace("", "–"),
        }
    )


def size(value: float) -> str:
    """A size, or in words that there is none."""
    if math.isnan(value):
        return "–"
    return f"{value:.3g}" if math.isfinite(value) else "no bound"


def missing(known: Sized) -> Iterator[str]:
    """What the curve lacks, a sentence each."""
    if len(known.rows) < ADVISED:
        yield f"The handbook asks for {ADVISED} defects; here are {len(known.rows)}. Bring more."
    if known.unlimited:
        yield f"Left out, for they have no limits: {', '.join(known.unlimited)}."
    if known.unsized:
        yield f"Left out, for their size is not known: {known.unsized} BAD parts."


def drawn(curve: HitMiss) -> pd.DataFrame:
    """Points of a curve and of its bound: line (curve, bound), size, probability."""
    sizes = np.geomspace(np.exp(curve.x.min()), np.exp(curve.x.max()), POINTS)
    upper = pd.DataFrame({"size": [curve.upper(float(p)) for p in LEVELS], "probability": LEVELS})
    plain = pd.DataFrame({"size": sizes, "probability": curve.probability(sizes)})
    inside = upper[upper["size"] <= 1.5 * sizes[-1]]
    return pd.concat([plain.assign(line="curve"), inside.assign(line="bound")], ignore_index=True)
