"""A set of images on disk: written once, resumable, read back as people left it."""

import numpy as np
import pytest

from backend.core import facts, runs
from backend.images import curation, imagefiles, imageset
from backend.images.imageset import Picture
from backend.records import Box, Cancelled


def quiet(*args, **kwargs):
    pass


def picture(k: int) -> Picture:
    mask = np.zeros((32, 40), np.uint8)
    mask[4:8, 4:8] = 255
    return Picture(
        np.full((32, 40, 3), k, np.uint8),
        "rendered",
        boxes=(Box("crack", (4, 4, 8, 8)),) if k else (),
        mask=mask if k else np.zeros_like(mask),
        original=np.zeros((32, 40, 3), np.uint8),
        arrays={"noise": np.full((2, 3), k, np.float32)},
        seed=100 + k,
        params={"prompt": f"p{k}"},
    )


@pytest.fixture
def folder(tmp_path):
    return runs.create(tmp_path / "runs", "generate", {}).folder


def test_what_is_written_is_what_is_read(folder):
    totals = imageset.write(folder, 3, picture, quiet)
    assert (totals.images, totals.intact, totals.boxes) == (3, 1, 2)
    assert totals.mask_share == pytest.approx(2 / 3 * 16 / (32 * 40))
    images, boxes = imageset.read(folder)
    assert list(images["seed"]) == [100, 101, 102]
    assert (imagefiles.read_rgb(folder / images["path"][2]) == 2).all()
    assert np.load(folder / "artifacts" / "noise" / "000002.npy").max() == 2
    assert imageset.boxes_of(boxes, "000001") == (Box("crack", (4, 4, 8, 8)),)
    assert (folder / "artifacts" / "sheet.png").exists()


def test_an_interrupted_set_goes_on_behind_its_last_image(folder):
    asked = []

    def stop_after_two(fraction, message=""):
        if fraction > 0.4:
            raise Cancelled

    def counted(k):
        asked.append(k)
        return picture(k)

    with pytest.raises(Cancelled):
        imageset.write(folder, 5, counted, stop_after_two)
    record = folder / "checkpoint" / "made.jsonl"
    record.write_bytes(record.read_bytes() + b'{"torn')
    imageset.write(folder, 5, counted, quiet)
    assert asked == [0, 1, 2, 3, 4]
    assert len(facts.read(folder, "images")) == 5


def test_an_image_nobody_has_labelled_is_told_apart_from_an_intact_one(folder):
    def make(k):
        return Picture(np.zeros((8, 8, 3), np.uint8), "imported", labelled=k != 1)

    imageset.write(folder, 3, make, quiet)
    images, _ = imageset.read(folder)
    assert list(imageset.labelled(images)["image"]) == ["000000", "000002"]
    curation.record(folder, "intact, says a person", [curation.Edit("000001", boxes=())])
    assert len(imageset.labelled(imageset.read(folder)[0])) == 3


def test_rejected_images_are_not_read(folder):
    imageset.write(folder, 3, picture, quiet)
    curation.record(folder, "rejected", [curation.Edit("000001", verdict="rejected")])
    images, boxes = imageset.read(folder)
    assert list(images["image"]) == ["000000", "000002"]
    assert set(boxes["image"]) == {"000002"}
