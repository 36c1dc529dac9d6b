"""A set of images on disk: written once, resumable, read back as people left it."""

import numpy as np
import pytest

from backend.core import facts, runs
from backend.images import curation, imageset
from backend.images.labelled_image import LabelledImage, Marks, Origin, opened
from backend.records import Box, Cancelled, UserError


def quiet(*args, **kwargs):
    pass


def picture(k: int) -> LabelledImage:
    mask = np.zeros((32, 40), np.uint8)
    mask[4:8, 4:8] = 255
    return LabelledImage(
        np.full((32, 40, 3), k, np.uint8),
        "rendered",
        boxes=(Box("crack", (4, 4, 8, 8)),) if k else (),
        mask=mask if k else np.zeros_like(mask),
        origin=Origin(
            100 + k,
            {"prompt": f"p{k}"},
            original=np.zeros((32, 40, 3), np.uint8),
            arrays={"noise": np.full((2, 3), k, np.float32)},
        ),
    )


@pytest.fixture
def folder(tmp_path):
    return runs.create(tmp_path / "runs", "generate", {}).folder


def test_what_is_written_is_what_is_read(folder):
    totals = imageset.write(folder, 3, picture, quiet)
    assert (totals.images, totals.intact, totals.boxes) == (3, 1, 2)
    assert totals.mask_share == pytest.approx(2 / 3 * 16 / (32 * 40))
    for k, image in enumerate(imageset.read(folder)):
        wanted = picture(k)
        assert (image.name, image.group, image.source) == (f"{k:06d}", f"{k:06d}", "rendered")
        assert (image.boxes, image.marks, image.size) == (wanted.boxes, wanted.marks, (40, 32))
        assert (image.origin.seed, image.origin.params) == (100 + k, {"prompt": f"p{k}"})
        assert (image.read_rgb() == k).all()
        assert (image.read_mask() == wanted.mask).all()
        assert (opened(image.origin.original) == 0).all()
        assert (image.origin.array("noise") == k).all()
        assert image.origin.array("attention") is image.origin.full is None
    assert (folder / "artifacts" / "sheet.png").exists()


def test_a_damaged_array_is_named(folder):
    imageset.write(folder, 1, picture, quiet)
    (folder / "artifacts" / "noise" / "000000.npy").write_bytes(b"torn")
    (image,) = imageset.read(folder)
    with pytest.raises(UserError, match=r"000000\.npy\. Make the images again"):
        image.origin.array("noise")


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


def test_images_of_shards_that_were_done_are_not_made_again(folder):
    asked = []

    def counted(k):
        asked.append(k)
        return picture(k)

    file = folder / "checkpoint" / "shards" / "images-000002.jsonl"
    file.parent.mkdir(parents=True)
    imageset._shard((folder, lambda: counted), range(2, 4), file, lambda *_: None)
    totals = imageset.write(folder, 5, counted, quiet)
    assert asked == [2, 3, 0, 1, 4]
    assert totals.images == 5
    names = [f"{k:06d}" for k in range(5)]
    assert facts.read(folder, "images")["image"].tolist() == names


def test_an_image_nobody_has_labelled_is_told_apart_from_an_intact_one(folder):
    def make(k):
        return LabelledImage(
            np.zeros((8, 8, 3), np.uint8),
            "imported",
            marks=Marks.UNKNOWN if k == 1 else Marks.KNOWN,
        )

    imageset.write(folder, 3, make, quiet)
    assert [image.name for image in imageset.read(folder) if image.labelled] == ["000000", "000002"]
    curation.record(folder, "intact, says a person", [curation.Edit("000001", boxes=())])
    assert all(image.labelled for image in imageset.read(folder))


def test_rejected_images_are_not_read(folder):
    imageset.write(folder, 3, picture, quiet)
    curation.record(folder, "rejected", [curation.Edit("000001", verdict="rejected")])
    images = imageset.read(folder)
    assert [(image.name, len(image.boxes)) for image in images] == [("000000", 0), ("000002", 1)]
