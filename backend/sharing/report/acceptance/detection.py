"""Detection probability against the size of the defect (POD): a90 and a90/95."""

import math
from collections.abc import Iterator
from contextlib import suppress

import pandas as pd

from backend.inspection.threshold import detection
from backend.inspection.threshold.detection import Sized
from backend.numeric.detection_probability import ADVISED
from backend.plots import thresholds as plots
from backend.records import UserError
from backend.sharing.report.acceptance.evidence import Evidence, Subject
from backend.sharing.report.items import Chart, Item, Table

TITLE = "Detection probability by size (POD)"
METHOD = (
    "Hit/miss after MIL-HDBK-1823A: a logistic curve over the log of the size, bounds by the "
    "likelihood ratio, corrected for few defects, in which a group counts as one part. Found: not "
    "called GOOD, by scores of models that never saw the part."
)


def evidence(about: Subject) -> Evidence:
    """a90 of all types together, the curve, and a90 of each type."""
    if not about.used.threshold_run:
        raise UserError("Without limits nothing is found or missed. Make limits first.")
    known = detection.sized(about.run(about.used.threshold_run).folder)
    table = detection.by_type(known)
    whole = table.iloc[0]
    items = tuple(_items(known, table))
    if whole["words"]:
        return Evidence(TITLE, missing=str(whole["words"]), items=items)
    size = f"{whole['a90']:.3g} [{_size(whole['low'])}, {_size(whole['high'])}]"
    found = (
        f"Found with 90 % from {size} {known.measure.unit} on; a90/95 {_size(whole['a90_95'])}, "
        f"from {int(whole['n'])} BAD parts."
    )
    return Evidence(TITLE, found, " ".join(_missing(known)), items)


def _items(known: Sized, table: pd.DataFrame) -> Iterator[Item]:
    with suppress(UserError):  # the table says why there is no curve
        curve = detection.fitted(known.rows)
        points, unit = detection.drawn(curve), known.measure.unit
        a90 = float(table.iloc[0]["a90"]), float(table.iloc[0]["a90_95"])
        chart = plots.detection_probability(
            points, known.rows, a90, "Probability of detection", unit
        )
        yield Chart("6-pod", TITLE, f"Size: {known.measure.words}. {METHOD}", chart, points)
    title = f"Sizes found with 90 %, {known.measure.unit}"
    yield Table("6-sizes", title, METHOD, _shown(table))


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    triples = zip(table["a90"], table["low"], table["high"], strict=True)
    return pd.DataFrame(
        {
            "of": table["subject"],
            "BAD parts": table["n"].astype(str),
            "found": table["hits"].astype(str),
            "a90 [95 % interval]": [
                "–" if math.isnan(a) else f"{a:.3g} [{_size(low)}, {_size(high)}]"
                for a, low, high in triples
            ],
            "a90/95": [_size(value) for value in table["a90_95"]],
            "why not": table["words"].replace("", "–"),
        }
    )


def _size(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.3g}" if math.isfinite(value) else "no bound"


def _missing(known: Sized) -> Iterator[str]:
    if len(known.rows) < ADVISED:
        yield f"The handbook asks for {ADVISED} defects; here are {len(known.rows)}. Bring more."
    if known.unlimited:
        yield f"Left out, for they have no limits: {', '.join(known.unlimited)}."
    if known.unsized:
        yield f"Left out, for their size is not known: {known.unsized} BAD parts."
