"""Images and boxes in YOLO's layout."""

import json

import numpy as np
import pytest

from backend.detection import yolo_set
from backend.detection.testset import test_images
from backend.images.labelled_image import LabelledImage
from backend.records import Box, UserError


def items(*names: str) -> list[LabelledImage]:
    """A grey picture with one box of each class."""
    return [
        LabelledImage(
            np.full((40, 80, 3), 9 * k, np.uint8),
            "made",
            (Box(name, (20, 10, 40, 30)),),
            group=name,
        )
        for k, name in enumerate(names)
    ]


def test_a_set_is_read_back_as_it_was_written(tmp_path):
    wanted = items("crack", "spot")
    rows, boxes = yolo_set.write(tmp_path, wanted, ["train", "val"], names=("spot", "crack"))
    for split, item in zip(("train", "val"), wanted, strict=True):
        (read,) = test_images.read_yolo(tmp_path / "artifacts", split).images
        assert (read.read_rgb() == item.read_rgb()).all()
        assert [(box.class_name, box.xyxy) for box in read.boxes] == [
            (item.boxes[0].class_name, pytest.approx((20, 10, 40, 30)))
        ]
    assert [row["split"] for row in rows] == ["train", "val"]
    assert [row["class_name"] for row in boxes] == ["crack", "spot"]


def test_a_set_of_one_class_takes_every_defect_as_it(tmp_path):
    yolo_set.write(tmp_path, items("crack", "spot"), ["train", "val"])
    assert json.loads((tmp_path / "artifacts/data.yaml").read_text())["names"] == {"0": "defect"}
    for label in (tmp_path / "artifacts" / "labels").rglob("*.txt"):
        assert label.read_text().startswith("0 ")


def test_a_box_of_an_unknown_class_is_refused(tmp_path):
    with pytest.raises(UserError, match="'spot'"):
        yolo_set.write(tmp_path, items("spot"), ["train"], names=("crack", "scratch"))


def test_the_hash_changes_with_a_pixel_a_box_or_a_split(tmp_path):
    def digest(name: str, wanted: list[LabelledImage], splits: list[str]) -> str:
        folder = tmp_path / name
        return yolo_set.digest(folder, *yolo_set.write(folder, wanted, splits))

    first = digest("a", items("crack", "spot"), ["train", "val"])
    assert digest("b", items("crack", "spot"), ["train", "val"]) == first
    assert digest("c", items("crack", "spot"), ["val", "train"]) != first
    assert digest("d", items("crack", "crack"), ["train", "val"]) != first
    assert digest("e", items("x", "crack", "spot")[1:], ["train", "val"]) != first


@pytest.mark.parametrize(("height", "width"), [(9, 64), (64, 9), (1, 1)])
def test_an_image_that_ultralytics_would_pass_over_is_refused(tmp_path, height, width):
    item = LabelledImage(np.zeros((height, width, 3), np.uint8), "camera 1", group="part 7")
    with pytest.raises(UserError, match=f"part 7.* has {width} × {height} px; a detector takes 10"):
        yolo_set.write(tmp_path, [item], ["train"])
    yolo_set.check_edge("x", (10, 10))
