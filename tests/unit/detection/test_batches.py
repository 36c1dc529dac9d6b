"""Training batches as pictures, and a detector's judgement of its own validation images."""

from pathlib import Path

import numpy as np
import torch

from backend.core import facts, runs
from backend.core.runs import Run
from backend.detection import evaluation
from backend.detection.detector import batches, own_validation
from backend.images import imagefiles
from backend.images.labelled_image import LabelledImage
from backend.records import Box
from backend.settings import Settings


def test_boxes_are_drawn_on_the_image_they_belong_to() -> None:
    batch = {
        "img": torch.full((2, 3, 64, 64), 0.5),
        "bboxes": torch.tensor([[0.5, 0.5, 0.5, 0.5]]),
        "batch_idx": torch.tensor([1.0]),
    }
    drawn = batches.drawn(batch)
    first, second = drawn[:, :64], drawn[:, 66:]
    assert (first == 128).all()
    halo = np.argwhere((second != 128).any(2))
    line = np.argwhere(second.max(2) > 128)
    assert line.min(0).tolist() == [16, 16]
    assert line.max(0).tolist() == [48, 48]
    assert halo.min(0).tolist() == [15, 15]
    assert halo.max(0).tolist() == [49, 49]


def test_a_batch_without_boxes_is_a_picture_too() -> None:
    empty = {"bboxes": torch.zeros((0, 4)), "batch_idx": torch.zeros(0)}
    assert batches.drawn({"img": torch.zeros((1, 3, 32, 32)), **empty}).shape == (32, 32, 3)


def _detector(storage: Settings) -> tuple[Run, Path]:
    run = runs.create(storage.runs, "detector", {})
    return run, run.folder / "checkpoint" / "data"


def test_its_own_validation_is_read_as_it_was_judged(storage: Settings) -> None:
    run, copied = _detector(storage)
    dataset = storage.runs / "20260101T000000-dataset-000000"
    path = copied / "images/val/000000.png"
    imagefiles.write(dataset / "artifacts/images/val/000000.png", np.zeros((64, 64, 3), np.uint8))
    box = Box("defect", (10.0, 10.0, 30.0, 30.0))
    image = LabelledImage(path, "real", (box,), name="000000", group="a")
    found = np.array([[10, 10, 30, 31, 0.9], [40, 40, 50, 50, 0.4]])
    judged = evaluation.judge([image], [found])
    own_validation.keep(run.folder, dataset, [image], judged)
    read = own_validation.read(run, ("defect",))
    assert read is not None
    assert read.judged.ap50() == judged.ap50()
    assert read.judged.correct.tolist() == [True, False]
    assert (run.folder / str(read.images["path"][0])).resolve().is_file()
    assert len(facts.read(run.artifacts / own_validation.FOLDER, "predictions")) == 2


def test_a_detector_of_an_earlier_version_has_none(storage: Settings) -> None:
    run, _ = _detector(storage)
    assert own_validation.read(run, ("defect",)) is None
