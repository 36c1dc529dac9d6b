"""Detection probability against the size of the defect (POD): a90 and a90/95."""

from collections.abc import Iterator
from contextlib import suppress

import pandas as pd

from backend.inspection.threshold import detection
from backend.inspection.threshold.detection import Sized
from backend.plots import thresholds as plots
from backend.records import UserError
from backend.sharing.report.acceptance.evidence import Evidence, Subject
from backend.sharing.report.items import Chart, Item, Table

TITLE = "Detection probability by size (POD)"


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
    size = f"{whole['a90']:.3g} [{detection.size(whole['low'])}, {detection.size(whole['high'])}]"
    bound = detection.size(whole["a90_95"])
    found = (
        f"Found with 90 % from {size} {known.measure.unit} on; a90/95 {bound}, from "
        f"{int(whole['n'])} BAD parts."
    )
    return Evidence(TITLE, found, " ".join(detection.missing(known)), items)


def _items(known: Sized, table: pd.DataFrame) -> Iterator[Item]:
    with suppress(UserError):  # the table says why there is no curve
        curve = detection.fitted(known.rows)
        points, unit = detection.drawn(curve), known.measure.unit
        a90 = float(table.iloc[0]["a90"]), float(table.iloc[0]["a90_95"])
        chart = plots.detection_probability(
            points, known.rows, a90, "Probability of detection", unit
        )
        yield Chart(
            "6-pod", TITLE, f"Size: {known.measure.words}. {detection.METHOD}", chart, points
        )
    title = f"Sizes found with 90 %, {known.measure.unit}"
    yield Table("6-sizes", title, detection.METHOD, detection.told(table))
