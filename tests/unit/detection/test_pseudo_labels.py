"""A detector's sure boxes as labels: how sure, on which photographs, and what stays unlabelled."""

from dataclasses import replace

import numpy as np
import pytest

from backend.core import runs
from backend.detection import evaluation
from backend.detection.onnx_detector import Sighting
from backend.detection.pseudo_labels import job
from backend.detection.pseudo_labels.spec import Spec
from backend.images import imageset
from backend.images.labelled_image import LabelledImage, Marks
from backend.records import Box, RunState, UserError


def quiet(*args, **kwargs):
    pass


def judged(right):
    """A judgement in which the k-th surest of the boxes fits where `right[k]` says so."""
    truth = (10.0, 10.0, 30.0, 30.0)
    images, found = [], []
    for k, fits in enumerate(right):
        images.append(LabelledImage(np.zeros((64, 64, 3), np.uint8), "photograph",
                                    (Box("defect", truth),), group=f"g{k}"))  # fmt: skip
        box = truth if fits else (40.0, 40.0, 60.0, 60.0)
        found.append(np.array([[*box, 0.95 - 0.04 * k]]))
    return evaluation.judge(images, found)


def test_the_confidence_is_the_lowest_at_which_enough_boxes_fit():
    right = [True] * 12 + [False] * 8
    assert job.sure_at(judged(right), 1.0) == pytest.approx(0.95 - 0.04 * 12 + 0.001, abs=1e-9)
    assert job.sure_at(judged(right), 0.85) < job.sure_at(judged(right), 1.0)


def test_a_detector_that_is_never_sure_enough_labels_nothing():
    with pytest.raises(UserError, match="smaller share"):
        job.sure_at(judged([False] * 20), 0.9)
    with pytest.raises(UserError, match="no 10 boxes"):
        job.sure_at(judged([True] * 9), 0.9)
    with pytest.raises(UserError, match="earlier version"):
        job.sure_at(None, 0.9)


@pytest.fixture
def photographs(tmp_path):
    """One labelled photograph, and three that nobody labelled; the number is its grey value."""
    run = runs.create(tmp_path / "runs", "generate", {"teacher": "folder"})

    def picture(k):
        pixels = np.full((48, 48, 3), 10 * k, np.uint8)
        made = LabelledImage(pixels, "photograph", group=f"g{k}")
        return made if k == 0 else replace(made, marks=Marks.UNKNOWN)

    imageset.write(run.folder, 4, picture, quiet)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return run


class Seeing:
    """In place of a trained detector: sure of the second photograph alone."""

    def __init__(self, path):
        self.path = path

    def find(self, pixels, confidence):
        box = Box("crack", (4.0, 4.0, 20.0, 20.0), 0.97, source="detector")
        return Sighting((box,) if pixels[0, 0, 0] == 20 and confidence <= 0.97 else (), 1.0)


def test_only_unlabelled_photographs_are_labelled_and_nothing_found_is_not_intact(
    photographs, tmp_path, monkeypatch
):
    maker = runs.create(tmp_path / "runs", "detector", {})
    runs.finish(maker.folder, RunState.COMPLETED, result={})
    monkeypatch.setattr(job, "OnnxDetector", Seeing)
    monkeypatch.setattr(job, "_judged", lambda run: judged([True] * 20))
    spec = Spec(detector_run=maker.id, images_run=photographs.id)
    out = runs.create(tmp_path / "runs", "pseudo-label", {}).folder
    result = job.run(spec, out, quiet)
    runs.finish(out, RunState.COMPLETED, result={})
    assert (result.images, result.without, result.boxes) == (3, 2, 1)
    assert result.precision == 1.0 and result.validation_boxes == 20
    made = imageset.read(out)
    assert [image.labelled for image in made] == [False, True, False]
    assert [box.source for image in made for box in image.boxes] == ["detector"]
    assert made[1].group == "g2"


def test_a_set_that_is_labelled_already_is_refused(photographs, tmp_path):
    maker = runs.create(tmp_path / "runs", "detector", {})
    done = runs.create(tmp_path / "runs", "generate", {"teacher": "folder"})
    imageset.write(
        done.folder,
        1,
        lambda k: LabelledImage(np.zeros((48, 48, 3), np.uint8), "photograph"),
        quiet,
    )
    runs.finish(done.folder, RunState.COMPLETED, result={})
    out = runs.create(tmp_path / "runs", "pseudo-label", {}).folder
    with pytest.raises(UserError, match="labelled already"):
        job.run(Spec(detector_run=maker.id, images_run=done.id), out, quiet)
    with pytest.raises(UserError, match="labelled already"):
        job.check_inputs(Spec(detector_run=maker.id, images_run=done.id), out.parent)
