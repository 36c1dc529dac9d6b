"""Images painted by a student as a set of their own."""

import json

import numpy as np
import pytest

from backend.core import runs, specs
from backend.images import curation, imagefiles, imageset
from backend.images.boxes import boxes_of
from backend.records import Cancelled, UserError
from backend.students.sample import job as sampling
from backend.students.sample.spec import Spec
from tests import tiny_student
from tests.tiny_student import quiet


def sample(folder, **values):
    run = runs.create(folder, "sample", values)
    result = sampling.run(specs.from_json(Spec, values), run.folder, quiet)
    return run.folder, result


def test_every_image_has_its_mask_and_boxes_around_it(tmp_path):
    student = tiny_student.student(tmp_path, tiny_student.teacher(tmp_path).id)
    folder, result = sample(tmp_path, student_run=student.id, count=20, class_name="crack")
    images, boxes = curation.kept(folder)
    assert (len(images), result.images, result.size) == (20, 20, 64)
    assert result.licence.startswith("CC BY 4.0 (run ")
    assert set(boxes["class_name"]) == {"crack"}
    for row in imageset.records(images):
        mask = imagefiles.read_rgb(folder / row["mask_path"])[..., 0] > 127
        wanted = [box.xyxy for box in boxes_of(mask, "crack")]
        assert [box.xyxy for box in imageset.boxes_of(boxes, row["image"])] == wanted


def test_an_image_depends_on_its_seed_alone_and_a_stopped_run_goes_on_alike(tmp_path):
    student = tiny_student.student(tmp_path)
    straight, _ = sample(tmp_path, student_run=student.id, count=20, seed=5)
    values = {"student_run": student.id, "count": 20, "seed": 5}
    stopped, calls = runs.create(tmp_path, "sample", values).folder, []

    def stop(fraction, message="", **kwargs):
        calls.append(message)
        if len(calls) == 8:
            raise Cancelled

    with pytest.raises(Cancelled):
        sampling.run(specs.from_json(Spec, values), stopped, stop)
    sampling.run(specs.from_json(Spec, values), stopped, quiet)
    for name in ("000003", "000019"):
        both = [
            imagefiles.read_rgb(f / f"artifacts/images/{name}.png") for f in (straight, stopped)
        ]
        assert np.array_equal(*both)


def test_images_of_another_size_have_masks_of_that_size(tmp_path):
    student = tiny_student.student(tmp_path)
    folder, result = sample(tmp_path, student_run=student.id, count=2, size=96)
    assert result.size == 96
    for layer in ("images", "masks"):
        assert imagefiles.read_rgb(folder / f"artifacts/{layer}/000000.png").shape[:2] == (96, 96)
    with pytest.raises(UserError, match="at least 32"):
        sample(tmp_path, student_run=student.id, size=8)


def test_a_student_without_masks_gives_images_that_nobody_labelled(tmp_path):
    student = tiny_student.student(tmp_path, masks=False)
    folder, result = sample(tmp_path, student_run=student.id, count=3)
    assert "Automatic labels" in result.notes[0]
    images, boxes = curation.kept(folder)
    assert not images["labelled"].any()
    assert boxes.empty
    assert json.loads(images.iloc[0]["params"])["student"] == student.id
