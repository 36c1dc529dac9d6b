"""One category: learned from its GOOD training pictures, judged on its test pictures. Heavy.

The model, its features and its figures are those of an anomaly model's test rounds, with the one
round that the set itself brings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from backend.core import facts
from backend.images import imagefiles
from backend.inspection import inspect_part
from backend.inspection.benchmark.categories import Category
from backend.inspection.benchmark.report import PRICE
from backend.inspection.model import (
    cross_validation,
    feature_sets,
    final_model,
    folds,
    localisation,
    operating_points,
    report,
)
from backend.inspection.model.feature_sets import Extracted
from backend.inspection.model.features import Choice
from backend.inspection.model.folds import Data, Fold, Scored
from backend.inspection.model.spec import Spec
from backend.inspection.parts.crops import COLUMNS
from backend.inspection.parts.importers import crop_reader
from backend.inspection.parts.importers.crop_reader import Intake, LeftOut
from backend.inspection.parts.importers.listing import Listing
from backend.records import Progress

MARGIN = 0.1  # around a box, of its longer side
TABLES = ("auroc", "localisation", "scores", "figures", "left_out")


@dataclass(frozen=True)
class Read:
    """A category's parts as data, which of them are for training [N], and what was noticed."""

    data: Data
    train: NDArray[np.bool_]
    left_out: list[LeftOut]
    notes: list[str]


def read(category: Category, size: int, skip: bool, folder: Path, progress: Progress) -> Read:
    """The pictures as crops. folder: where what is cut out or put together is written.

    Raises UserError where one cannot be read and none may be skipped.
    """
    listing = Listing(category.parts, "")
    pictures = dict.fromkeys(one.path for one in category.parts)
    depth = imagefiles.depth_of(pictures)
    left_out: list[LeftOut] = []
    notes = list(imagefiles.told_of(pictures, depth))
    intake = Intake(folder, MARGIN, skip, None, depth)
    rows, crops = [], []
    for row, pixels in crop_reader.take(listing, intake, left_out, [], notes, progress):
        rows.append(row)
        crops.append(inspect_part.crop_of(Image.fromarray(pixels), size))
    frame = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    learned = {one.name for one in category.train}
    data = folds.described(frame, np.stack(crops))
    return Read(data, frame["part"].isin(learned).to_numpy(bool), left_out, notes)


def measure(
    spec: Spec, read: Read, choices: Sequence[Choice], folder: Path, progress: Progress
) -> None:
    """Learn and judge; writes the tables `TABLES` into a folder."""
    data, train = read.data, np.flatnonzero(read.train)
    tick = cross_validation.part_of(progress, 0.0, 0.15)
    shared = feature_sets.shared(spec, choices, data, tick)
    fold = Fold(0, 0, train, np.flatnonzero(~read.train))
    sets = feature_sets.maps_of(shared)
    [scored] = cross_validation.score_folds(spec, data, [fold], sets, progress)
    tested = part_of(data, ~read.train)
    judged = replace(scored, fold=replace(fold, test=np.arange(len(tested.frame))))
    _judge(spec, tested, judged, folder, progress)
    price = _price(spec, part_of(data, read.train), shared, train, progress)
    row = {"subject": data.names[0], "metric": PRICE, "value": price, "n": len(train)}
    facts.write(folder, "figures", [row])
    facts.write(folder, "left_out", [vars(one) for one in read.left_out])


def part_of(data: Data, chosen: NDArray[np.bool_]) -> Data:
    """The chosen parts [N] alone."""
    frame = data.frame[chosen].reset_index(drop=True)
    types, good, crops = data.types[chosen], data.good[chosen], data.crops[chosen]
    return Data(frame, data.names, types, good, crops)


def _judge(spec: Spec, tested: Data, judged: Scored, folder: Path, progress: Progress) -> None:
    """How well GOOD and BAD come apart, and where the defects are."""
    table = report.write_scores(tested, [judged], folder)
    progress(0.85, "separation and places")
    scores = pd.DataFrame(judged.scores)
    rows = operating_points.rows(tested, scores, table, spec.mode, report.DRAWS, spec.seed)
    facts.write(folder, "auroc", list(rows))
    located = localisation.rows(tested, [judged], folder, report.DRAWS, spec.seed)
    facts.write(folder, "localisation", located)


def _price(
    spec: Spec,
    learned: Data,
    shared: Sequence[Extracted],
    train: NDArray[np.intp],
    progress: Progress,
) -> float:
    """Processor time of the whole model a part, ms: an untrained one is as fast."""
    mine = [replace(one, maps=one.maps[train]) for one in shared]
    tick = cross_validation.part_of(progress, 0.9, 1.0)
    model = final_model.fit(replace(spec, steps=0), learned, mine, tick)
    return final_model.prices(model, [], learned)["whole"]


def gathered(folders: Iterable[Path]) -> dict[str, pd.DataFrame]:
    """The tables of all categories as one each."""
    places = list(folders)
    return {table: _joined([facts.read(place, table) for place in places]) for table in TABLES}


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    full = [frame for frame in frames if len(frame)]
    return pd.concat(full, ignore_index=True) if full else frames[0]


def means(auroc: pd.DataFrame, located: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the table `figures`: a method's mean over categories of AUROC and AUPRO.

    Intervals: the categories' own, added as those of independent figures (Donner and Zou 2002).
    """
    found = []
    for metric, rows, value, ends in (
        ("mean AUROC", auroc, "auroc", ("low", "high")),
        ("mean AUPRO", located, "aupro_30", ("aupro_30_low", "aupro_30_high")),
    ):
        for method, mine in rows.groupby("method", sort=False):
            mean, (below, above) = mine[value].mean(), (_apart(mine, value, end) for end in ends)
            low, high = max(0.0, mean - below), min(1.0, mean + above)
            about = {"subject": method, "metric": metric, "n": len(mine)}
            found.append(about | {"value": mean, "low": low, "high": high})
    return found


def _apart(rows: pd.DataFrame, value: str, end: str) -> float:
    """How far an end of a mean's interval is from it."""
    return float(np.sqrt(np.square(rows[value] - rows[end]).sum()) / len(rows))
