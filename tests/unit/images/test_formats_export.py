"""Exported zips: what we and other people's readers get back."""

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pycocotools.coco import COCO

from backend.core import facts
from backend.images import archives, imagefiles, imageset
from backend.images.boxes import box_row
from backend.images.formats import detect, export
from backend.images.labelled_image import LabelledImage
from backend.records import Box, UserError

WIDTH, HEIGHT = 90, 61
BOXES = {
    "000000": [("scratch", (1 / 3, 2.5, 40.125, 37.7)), ("crack", (30.0, 20.0, 90.0, 61.0))],
    "000001": [],
    "intact/x y": [("crack", (5.0, 6.0, 9.0, 11.0))],
}


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def run_folder(tmp_path):
    """Three images: two of the run with masks, one absolute without."""
    folder = tmp_path / "run"
    for k, name in enumerate(("000000", "000001")):
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[10 : 30 if k == 0 else 10, 20:50] = 255
        mask[60:, 0] = 255 * (k == 0)  # a speck outside every box
        imagefiles.write(folder / f"artifacts/images/{name}.png", noise(k))
        imagefiles.write(folder / f"artifacts/masks/{name}.png", mask)
    imagefiles.write(tmp_path / "elsewhere" / "x y.png", noise(2))
    return folder


def images_of(run_folder: Path, splits: tuple[str | None, ...]) -> list[LabelledImage]:
    """The images as they come back from the run's facts."""
    rows: list[dict[str, Any]] = [
        {"image": name, "path": f"artifacts/images/{name}.png", "group": f"part, {name}"}
        | {"mask_path": f"artifacts/masks/{name}.png", "source": "rendered"}
        for name in ("000000", "000001")
    ]
    other = str(run_folder.parent / "elsewhere" / "x y.png")
    rows.append({"image": "intact/x y", "path": other, "group": None, "mask_path": None})
    for row, split in zip(rows, splits, strict=True):
        row["split"] = split
    facts.write(run_folder, "images", rows)
    boxes = [
        box_row(image, Box(class_name, xyxy, 0.75))
        for image, mine in BOXES.items()
        for class_name, xyxy in mine
    ]
    facts.write(run_folder, "boxes", boxes)
    return imageset.from_rows(
        run_folder, facts.read(run_folder, "images"), facts.read(run_folder, "boxes")
    )


def exported(run_folder: Path, layout: str, *splits: str | None) -> Path:
    """The unpacked export."""
    target = run_folder.parent / f"{layout}.zip"
    images = images_of(run_folder, splits or ("train", "val", "test"))
    origin = {"run": "abc", "seed": 3}
    export.export(images, target, layout, licence="CC0", origin=origin)
    return archives.unpack(target, run_folder.parent / layout)


@pytest.mark.parametrize("layout", export.LAYOUTS)
@pytest.mark.parametrize(
    "splits", [("train", "val", "test"), (None, None, None), ("train", None, "test")]
)
def test_what_was_exported_reads_back_the_same(run_folder, layout, splits):
    folder = exported(run_folder, layout, *splits)
    found = detect.read(folder)
    assert (found.layout, found.classes) == (layout, ("crack", "scratch"))
    by_file = {image.path.stem: image for image in found.images}
    back = {n: by_file[n.replace("/", "__").replace(" ", "_")] for n in BOXES}
    for k, (name, boxes) in enumerate(BOXES.items()):
        image = back[name]
        assert (image.split or None) == splits[k]
        assert [box.class_name for box in image.boxes] == [class_name for class_name, _ in boxes]
        for box, (_, xyxy) in zip(image.boxes, boxes, strict=True):
            assert np.abs(np.subtract(box.xyxy, xyxy)).max() < 1e-6
        assert np.array_equal(imagefiles.read_rgb(image.path), noise(k))
    assert back["000000"].group == "part, 000000"
    for name in ("000000", "000001"):
        mask = imagefiles.read_rgb(run_folder / f"artifacts/masks/{name}.png")[..., 0]
        assert np.array_equal(back[name].read_mask(), mask)
    assert back["intact/x y"].read_mask() is None


def test_images_are_copied_byte_for_byte_and_one_run_gives_one_zip(run_folder):
    images = images_of(run_folder, ("train", None, "test"))
    files = [run_folder.parent / name for name in ("a.zip", "b.zip")]
    for target in files:
        export.export(images, target, "yolo", licence="CC0", origin={})
    assert files[0].read_bytes() == files[1].read_bytes()
    original = (run_folder / "artifacts/images/000000.png").read_bytes()
    with zipfile.ZipFile(files[0]) as packed:
        assert packed.read("images/train/000000.png") == original
        assert packed.testzip() is None


@pytest.mark.parametrize("splits", [("train", "val", "test"), (None, None, None)])
def test_ultralytics_reads_the_same_boxes(run_folder, splits):
    from ultralytics.data.dataset import YOLODataset

    folder = exported(run_folder, "yolo", *splits)
    data = yaml.safe_load((folder / "data.yaml").read_text())
    found = {}
    for split in {*data} & {"train", "val", "test"}:
        place = str(folder / data[split])
        given = {"names": data["names"], "channels": 3, "nc": len(data["names"])}
        dataset = YOLODataset(img_path=place, data=given, task="detect", imgsz=64, augment=False)
        for label in dataset.get_labels():
            found[Path(label["im_file"]).stem] = label
    assert set(found) == {"000000", "000001", "intact__x_y"}
    assert found["000000"]["shape"] == (HEIGHT, WIDTH)
    assert len(found["000001"]["cls"]) == 0
    x, y, w, h = (found["000000"]["bboxes"] * (WIDTH, HEIGHT, WIDTH, HEIGHT)).T
    corners = np.stack((x - w / 2, y - h / 2, x + w / 2, y + h / 2), axis=1)
    names = [data["names"][int(number)] for number in found["000000"]["cls"][:, 0]]
    mine = dict(zip(names, corners, strict=True))
    for class_name, xyxy in BOXES["000000"]:
        assert np.abs(mine[class_name] - xyxy).max() < 1e-3


def test_pycocotools_reads_the_same_boxes_and_each_boxs_part_of_the_mask(run_folder, capsys):
    folder = exported(run_folder, "coco", None, None, None)
    theirs = COCO(str(folder / "annotations" / "instances.json"))
    names = {c["id"]: c["name"] for c in theirs.loadCats(theirs.getCatIds())}
    mask = imagefiles.read_rgb(run_folder / "artifacts/masks/000000.png")[..., 0] > 0
    first = next(i for i in theirs.imgs.values() if i["file_name"].endswith("000000.png"))
    assert (folder / first["file_name"]).is_file()
    marks = theirs.loadAnns(theirs.getAnnIds(imgIds=[first["id"]]))
    assert len(marks) == len(BOXES["000000"])
    for mark, (class_name, (x1, y1, x2, y2)) in zip(marks, BOXES["000000"], strict=True):
        assert names[mark["category_id"]] == class_name
        assert np.allclose(mark["bbox"], (x1, y1, x2 - x1, y2 - y1), atol=1e-6)
        inside = np.zeros_like(mask)
        inside[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))] = True
        assert np.array_equal(theirs.annToMask(mark) > 0, mask & inside)
        assert mark["area"] == (mask & inside).sum()


def test_licence_origin_and_groups_go_along(run_folder):
    folder = exported(run_folder, "coco")
    assert "Licence: CC0" in (folder / "README.txt").read_text()
    about = json.loads((run_folder.parent / "coco" / "PROVENANCE.json").read_text())
    assert about["origin"] == {"run": "abc", "seed": 3}
    assert (about["images"], about["boxes"], about["licence"]) == (3, 3, "CC0")
    with (folder / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["group"] for row in rows] == ["part, 000000", "part, 000001", "intact/x y"]


def test_names_that_would_be_one_file_stay_apart(run_folder):
    images = images_of(run_folder, (None, None, None))
    names = ("a/b", "a__b", "..//.a")
    images = [replace(image, name=name) for image, name in zip(images, names, strict=True)]
    target = run_folder.parent / "set.zip"
    export.export(images, target, "yolo", licence="", origin={})
    with zipfile.ZipFile(target) as packed:
        found = [name for name in packed.namelist() if name.startswith("images/")]
    assert found == ["images/a__b.png", "images/a__b_2.png", "images/____.a.png"]


@pytest.mark.parametrize("wrong", ["layout", "empty", "missing", "mask"])
def test_what_cannot_be_exported_is_named_and_leaves_no_file(run_folder, wrong):
    images = images_of(run_folder, (None, None, None))
    target = run_folder.parent / "set.zip"
    images = [] if wrong == "empty" else images
    if wrong == "missing":
        (run_folder / "artifacts/images/000000.png").unlink()
    if wrong == "mask":
        (run_folder / "artifacts/masks/000000.png").unlink()
    layout = "voc" if wrong == "layout" else "yolo"
    with pytest.raises(UserError):
        export.export(images, target, layout, licence="", origin={})
    assert list(target.parent.glob("set.zip*")) == []
