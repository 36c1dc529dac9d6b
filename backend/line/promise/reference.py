"""What the parts that the limits rest on are like: their scores, brightness, sharpness and size."""

from pathlib import Path

import pandas as pd
from PIL import Image

from backend.core import runs
from backend.images import imagefiles
from backend.inspection.inspect_part import crop_of
from backend.inspection.model.spec import Spec as ModelSpec
from backend.inspection.parts.crops import read_parts
from backend.inspection.threshold.job import calibrated_on
from backend.line import control, segments
from backend.line.judge import measured
from backend.line.promise.in_use import InUse
from backend.numeric import drift
from backend.numeric.drift import Reference
from backend.records import Label, UserError

SCORE = "score"
CAUSES = ("brightness", "sharpness", "edge")
QUANTITIES = (SCORE, *CAUSES)
FILE = "reference.parquet"  # in the line's folder: `parts` of the limits that are its key


def parts(home: Path, in_use: InUse) -> pd.DataFrame:
    """The GOOD parts that the limits rest on, one a group: feature and the QUANTITIES, NaN where a
    picture is gone. Read from their pictures once, then from a file. Raises UserError where they
    are gone."""
    kept = home / FILE
    before = segments.read(kept)
    if before is not None and set(before["key"]) == {in_use.key}:
        return before.drop(columns="key")
    found = _read(home, in_use)
    home.mkdir(parents=True, exist_ok=True)
    partial = kept.with_suffix(".partial")
    found.assign(key=in_use.key).to_parquet(partial, index=False)
    partial.replace(kept)
    return found


def _read(home: Path, in_use: InUse) -> pd.DataFrame:
    folder = control.runs_of(home)
    if not in_use.threshold_run:
        raise UserError("No limits are in use. Choose some on the page Lines.")
    rows = calibrated_on(runs.named(folder, in_use.threshold_run))
    good = rows[rows["label"] == int(Label.GOOD)].sort_values("part")
    alone = good.drop_duplicates(["feature", "group"])
    if not set(CAUSES) <= set(alone.columns):
        alone = alone.drop(columns=[c for c in CAUSES if c in alone])
        alone = alone.merge(_measured(folder, in_use, set(alone["part"])), on="part", how="left")
    return alone[["feature", *QUANTITIES]].reset_index(drop=True)


def _measured(folder: Path, in_use: InUse, wanted: set[str]) -> pd.DataFrame:
    """The CAUSES of the model's own parts, those that are there."""
    parts_run = runs.spec(runs.read(runs.named(folder, in_use.model_run)), ModelSpec).parts_run
    rows = read_parts(runs.named(folder, parts_run))
    found = []
    for row in rows[rows["part"].isin(wanted)].itertuples():
        try:
            image = Image.fromarray(imagefiles.read_rgb(folder / parts_run / str(row.path)))
        except UserError:
            continue
        found.append({"part": row.part, **measured(image, crop_of(image, in_use.size))})
    return pd.DataFrame(found, columns=["part", *CAUSES])


def references(found: pd.DataFrame, strange: float) -> dict[str, dict[str, Reference]]:
    """Feature type → quantity → its reference, where enough parts are known."""
    made: dict[str, dict[str, Reference]] = {}
    for feature, some in found.groupby("feature"):
        mine = {}
        for name in QUANTITIES:
            values = some[name].dropna()
            if len(values) >= drift.LEAST:
                mine[name] = Reference(values, strange)
        made[str(feature)] = mine
    return made
