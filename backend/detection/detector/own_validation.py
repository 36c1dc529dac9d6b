"""A detector judged on its data set's own validation images, as source A judges it: no evidence,
but what its curves and pictures show."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from backend.core import facts
from backend.core.runs import Run
from backend.detection import evaluation
from backend.detection.evaluation import Judged
from backend.detection.testset import test_images
from backend.images.labelled_image import LabelledImage

FOLDER = "own"


@dataclass(frozen=True)
class Judgement:
    """images, boxes: rows as of the tables of those names, in the order of `judged`."""

    images: pd.DataFrame
    boxes: pd.DataFrame
    judged: Judged


def keep(out_dir: Path, dataset: Path, images: Sequence[LabelledImage], judged: Judged) -> None:
    """Write images, boxes and predictions below `artifacts/own`; pictures stay in the data set."""
    copied = out_dir / "checkpoint" / "data"
    home = [
        replace(image, data=dataset / "artifacts" / image.path.relative_to(copied))
        for image in images
    ]
    folder = out_dir / "artifacts" / FOLDER
    test_images.write_rows(home, out_dir, folder)
    facts.write(folder, "predictions", evaluation.prediction_rows(home, judged))


def read(run: Run, names: tuple[str, ...]) -> Judgement | None:
    """What a finished detector did there; None where an earlier version kept nothing.

    names: its classes. Raises UserError where a file is damaged.
    """
    folder = run.artifacts / FOLDER
    if not folder.exists():
        return None
    images, boxes, found = (facts.read(folder, t) for t in ("images", "boxes", "predictions"))
    return Judgement(images, boxes, evaluation.from_rows(images, boxes, found, names))
