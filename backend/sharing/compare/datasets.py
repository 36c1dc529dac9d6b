"""What changed from one set of images or parts to another: added, removed, relabelled.

An image is the same where its name is. Labels are those that count now, people's corrections among
them.
"""

import pandas as pd

from backend.core.runs import Run
from backend.images import curation
from backend.inspection.parts import relabelling
from backend.records import Label, UserError
from backend.sharing.report import general

KINDS = ("dataset", "generate", "composite", "label", "sample", "testset", "parts")
ADDED, REMOVED, RELABELLED = "added", "removed", "relabelled"
WORDS = (ADDED, REMOVED, RELABELLED)
COLUMNS = ("image", "change", "before", "after")


def changes(first: Run, second: Run) -> pd.DataFrame:
    """A row an image that is not the same in both: image, change, labels before and after.

    Raises UserError where these are no two sets of the same sort.
    """
    if {first.kind, second.kind} - set(KINDS) or (first.kind == "parts") != (
        second.kind == "parts"
    ):
        raise UserError("Choose two sets of images, or two of parts.")
    before, after = _labels(first), _labels(second)
    found = [(name, REMOVED, label, "–") for name, label in before.items() if name not in after]
    found += [(name, ADDED, "–", label) for name, label in after.items() if name not in before]
    found += [
        (name, RELABELLED, label, after[name])
        for name, label in before.items()
        if name in after and after[name] != label
    ]
    return pd.DataFrame(found, columns=list(COLUMNS))


def _labels(run: Run) -> dict[str, str]:
    """Image or part → its label in words."""
    if run.kind == "parts":
        parts = relabelling.applied(general.rows(run, "parts"), run.folder)
        triples = zip(parts["part"], parts["feature"], parts["label"], strict=True)
        return {str(part): f"{Label(label).name}, {feature}" for part, feature, label in triples}
    images, boxes = curation.images(run.folder), curation.boxes(run.folder)
    told: dict[str, list[str]] = {str(name): [] for name in images["image"]}
    for row in boxes[["image", "class_name", "x1", "y1", "x2", "y2"]].itertuples(index=False):
        corners = ", ".join(f"{float(str(value)):.0f}" for value in row[2:])
        told.setdefault(str(row[0]), []).append(f"{row[1]} ({corners})")
    return {name: "; ".join(sorted(each)) or "no box" for name, each in told.items()}
