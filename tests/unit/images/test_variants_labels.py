"""Labelled folders as other tools and people leave them: every mark is read, or told."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from backend.detection.testset import test_images
from backend.images import archives, imagefiles
from backend.images.formats import detect
from backend.images.words import among_masks, split_named, verdict_of
from backend.records import Label, UserError

LINE = "0 0.5 0.5 0.5 0.5\n"


def image(path: Path, seed: int = 0, size: int = 16) -> Path:
    imagefiles.write(path, np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8))
    return path


def write(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding=encoding)
    return path


def marks(root: Path, layout: str = "auto") -> dict[str, str]:
    """By name of the image: how many boxes it has, or why none."""
    return {
        i.name: str(len(i.boxes)) if i.boxes else str(i.marks)
        for i in detect.read(root, layout).images
    }


def told(root: Path) -> str:
    return " ".join(detect.read(root).notes)


# Where label files lie


@pytest.mark.parametrize(
    ("picture", "label"),
    [
        ("images/train/a.png", "Label/train/a.txt"),
        ("Images/train/a.png", "labels/train/A.TXT"),
        ("images/a.png", "annotations/a.txt"),
        ("train/images/a.png", "labels/train/a.txt"),
        ("train/a.png", "labels/train/a.txt"),
        ("a.png", "labels/a.txt"),
        ("img/a.JFIF", "ann/a.txt"),
        ("images/x/images/a.png", "images/x/labels/a.txt"),
        ("JPEGImages/a.png", "labels/a.txt"),
    ],
)
def test_a_text_file_is_found_whatever_its_folder_is_called(tmp_path, picture, label):
    image(tmp_path / "p.png").rename(_parent(tmp_path / picture))
    write(tmp_path / label, LINE)
    write(tmp_path / "labels" / "classes.txt", "crack\n")
    assert list(marks(tmp_path).values()) == ["1"]


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_cameras_with_pictures_of_one_name_keep_their_own_labels(tmp_path):
    for number, cam in enumerate(("cam1", "cam2")):
        image(tmp_path / "JPEGImages" / cam / "000.png", number)
        box = "".join(f"<{w}>{number + 3}</{w}>" for w in ("xmin", "ymin"))
        box += "<xmax>9</xmax><ymax>9</ymax>"
        name = f"<object><name>{cam}</name><bndbox>{box}</bndbox></object>"
        write(tmp_path / "Annotations" / cam / "000.xml", f"<annotation>{name}</annotation>")
    found = detect.read(tmp_path)
    assert [(i.name, i.boxes[0].class_name) for i in found.images] == [
        ("JPEGImages/cam1/000", "cam1"),
        ("JPEGImages/cam2/000", "cam2"),
    ]


def test_an_xml_file_of_another_name_labels_the_image_it_names(tmp_path):
    image(tmp_path / "IMG_5.png")
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    content = f"<filename>IMG_5.png</filename><object><name>a</name>{box}</object>"
    write(tmp_path / "0001.xml", f"<annotation>{content}</annotation>")
    assert marks(tmp_path) == {"IMG_5": "1"}


def test_links_inside_the_set_are_read_by_their_own_name_and_others_refused(tmp_path):
    root = tmp_path / "set"
    image(root / "all" / "images" / "a.png")
    (root / "images" / "train").mkdir(parents=True)
    (root / "images" / "train" / "b.png").symlink_to(root / "all" / "images" / "a.png")
    write(root / "labels" / "train" / "b.txt", LINE)
    write(root / "train.txt", "./images/train/b.png\n")
    write(root / "data.yaml", "train: train.txt\nnames: [crack]\n")
    assert marks(root) == {"images/train/b": "1"}
    (root / "images" / "train" / "c.png").symlink_to(image(tmp_path / "else.png"))
    with pytest.raises(UserError, match=r"images/train/c\.png.*link.*outside"):
        detect.read(root)


def test_darknets_lists_give_the_splits(tmp_path):
    for number, split in enumerate(("train", "valid")):
        image(tmp_path / f"obj_{split}_data" / "a.png", number)
        write(tmp_path / f"obj_{split}_data" / "a.txt", LINE)
        write(tmp_path / f"{split}.txt", f"data/obj_{split}_data/a.png\n")
    write(tmp_path / "obj.names", "crack\n")
    lines = "classes = 1\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n"
    write(tmp_path / "obj.data", lines)
    assert [i.split for i in detect.read(tmp_path).images] == ["train", "val"]


# Names of classes


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ("names: [yes, no, 1, null, 0.5]", ("yes", "no", "1", "null", "0.5")),
        ("names: {0: a, 3: d}", ("a", "d")),
        ("names:\n  - 'on'\n  - off", ("on", "off")),
        ("nc: 2", ("class 0",)),
    ],
)
def test_names_are_the_text_they_are_and_a_number_of_classes_is_enough(tmp_path, names, classes):
    image(tmp_path / "images" / "a.png")
    write(tmp_path / "labels" / "a.txt", LINE)
    write(tmp_path / "data.yaml", f"train: images\n{names}\n")
    found = detect.read(tmp_path)
    assert found.classes == classes and found.images[0].boxes[0].class_name == classes[0]
    assert ("No names of classes" in " ".join(found.notes)) == names.startswith("nc")


def test_an_empty_line_among_names_keeps_the_numbers_behind_it(tmp_path):
    image(tmp_path / "a.png")
    write(tmp_path / "a.txt", LINE.replace("0", "2", 1))
    write(tmp_path / "obj.names", "a\n\nc\n")
    assert detect.read(tmp_path).images[0].boxes[0].class_name == "c"


# Lines and boxes


def test_turned_boxes_are_outlines_and_equal_lines_count_once(tmp_path):
    image(tmp_path / "a.png")
    turned = "0 0.25 0 0.75 0.25 0.5 0.75 0 0.5\n"
    write(tmp_path / "a.txt", turned + LINE + LINE)
    found = detect.read(tmp_path)
    assert [b.xyxy for b in found.images[0].boxes] == [(0, 0, 12, 12), (4, 4, 12, 12)]
    assert "1 label occurs twice in its image: taken once" in " ".join(found.notes)


@pytest.mark.parametrize("content", ["", "\n", " \r\n"])
def test_an_empty_text_file_says_that_there_is_no_defect(tmp_path, content):
    image(tmp_path / "a.png")
    write(tmp_path / "a.txt", content)
    assert marks(tmp_path) == {"a": "known"}


def test_numbers_of_key_points_are_no_outline(tmp_path):
    image(tmp_path / "images" / "a.png")
    write(tmp_path / "labels" / "a.txt", "0 0.5 0.5 0.5 0.5 0.1 0.9 2 0.9 0.1 2\n")
    write(tmp_path / "data.yaml", "train: images\nkpt_shape: [2, 3]\nnames: [a]\n")
    assert detect.read(tmp_path).images[0].boxes[0].xyxy == (4, 4, 12, 12)


@pytest.mark.parametrize("line", ["0 8 8 4 4", "0 0.5 0.5 0.5", "0 1.9 0.5 0.2 0.2", "0 x 1 1 1"])
def test_all_wrong_lines_are_told_at_once_up_to_twenty(tmp_path, line):
    image(tmp_path / "a.png")
    write(tmp_path / "a.txt", LINE + f"{line}\n" * 23)
    with pytest.raises(UserError, match="23 things are wrong") as error:
        detect.read(tmp_path)
    text = str(error.value)
    assert "line 2:" in text and "line 21:" in text and "line 22:" not in text
    assert "and 3 more" in text


# Marks that are not read


CVAT = '<annotations><image name="a.png"><box label="x" xtl="1"/></image></annotations>'
STUDIO = json.dumps([{"data": {"image": "/data/upload/1/8f3c-other.png"}, "annotations": [{}]}])


@pytest.mark.parametrize(
    ("name", "content", "left"),
    [
        ("annotations.xml", CVAT, ["unknown", "none"]),
        ("tasks.json", STUDIO, ["unknown", "unknown"]),
        ("boxes.csv", "filename,xmin\na.png,3\n", ["unknown", "none"]),
        ("a.xml", "<annotations/>", ["unknown", "none"]),
        ("camera.json", '{"exposure": 3}', ["none", "none"]),
        ("metadata.csv", "file_name;group\na.png;1\n", ["none", "none"]),
    ],
)
def test_images_of_which_an_unread_file_speaks_are_not_intact(tmp_path, name, content, left):
    image(tmp_path / "a.png"), image(tmp_path / "b.png", 1)
    write(tmp_path / name, content)
    assert list(marks(tmp_path).values()) == left
    assert (f"does not read ({name})" in told(tmp_path)) == ("unknown" in left)
    assert list(marks(tmp_path, "none").values()) == ["none", "none"]


def test_half_a_set_labelled_elsewhere_is_not_intact(tmp_path):
    for number, name in enumerate("abc"):
        image(tmp_path / f"{name}.png", number)
    write(tmp_path / "a.txt", LINE)
    write(tmp_path / "b.json", json.dumps({"shapes": [{"points": []}]}))
    assert marks(tmp_path) == {"a": "1", "b": "unknown", "c": "none"}


def test_a_bad_picture_whose_labels_mark_nothing_is_not_intact(tmp_path):
    image(tmp_path / "images" / "NG" / "a.png"), image(tmp_path / "images" / "OK" / "b.png", 1)
    write(tmp_path / "labels" / "NG" / "a.txt", "")
    write(tmp_path / "labels" / "OK" / "b.txt", "")
    assert list(marks(tmp_path).values()) == ["unknown", "known"]


def test_regions_of_crowds_alone_do_not_make_an_image_intact(tmp_path):
    image(tmp_path / "a.png")
    mark = {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "iscrowd": 1,
        "segmentation": [[1, 1, 5, 1, 5, 5]],
    }
    content = {"images": [{"id": 1, "file_name": "A.PNG"}], "annotations": [mark]}
    content["categories"] = [{"id": 1, "name": "x"}]
    write(tmp_path / "c.json", json.dumps(content))
    assert marks(tmp_path) == {"a": "unknown"}


# Tables


def test_tables_in_folders_below_and_names_in_other_capitals_count(tmp_path):
    image(tmp_path / "set" / "images" / "a.png"), image(tmp_path / "set" / "images" / "b.png", 1)
    write(tmp_path / "set" / "data.yaml", "test: images\ntrain: images\nnames: [a]\n")
    write(tmp_path / "set" / "labels" / "a.txt", LINE)
    rows = "FILE_NAME;Group\r\n.\\images\\A.PNG;p\r\nC:\\x\\set\\images\\b.png;p\r\ngone.png;q\r\n"
    write(tmp_path / "set" / "Metadata.csv", rows, "utf-16")
    found = detect.read(tmp_path)
    assert {i.group for i in found.images} == {"p"} and "gone.png" in " ".join(found.notes)
    test = test_images.read_yolo(tmp_path)
    assert {i.group for i in test.images} == {"p"}


def test_intact_pictures_take_groups_and_splits_of_either_table(tmp_path):
    for number, name in enumerate(("cam1/0.png", "cam2/0.png", "cam2/1.png")):
        image(tmp_path / "intact" / name, number)
    rows = "file_name;group;split\nintact\\cam1\\0.png;p;test\ncam2/0.png;p;test\n0.png;q;test\n"
    for place in (tmp_path / "intact.csv", tmp_path / "intact" / "metadata.csv"):
        write(place, rows, "utf-8-sig")
        found = test_images.read_intact(tmp_path / "intact", "test")
        assert [i.group for i in found.images] == ["p", "p"]
        notes = " ".join(found.notes)
        assert "1 image of" in notes and "without a split" in notes and "several (0.png)" in notes
        place.unlink()


# Words, zips


@pytest.mark.parametrize(
    ("word", "label"),
    [
        *((w, Label.GOOD) for w in ("GOOD", "i. O.", "OK_parts", "defect free", "Defect-Free")),
        *((w, Label.GOOD) for w in ("no_defects", "anomaly-free", "Gutteile", "PASS", "ok1")),
        *((w, Label.BAD) for w in ("n.i.O.", "NIO", "not ok", "K.O.", "NOK parts", "Fehlerhaft")),
        *((w, Label.BAD) for w in ("nicht i.O.", "Ausschuß", "bad_parts", "Fail", "不良")),
        *((w, None) for w in ("goodyear", "scratch", "1", "", "label", "testing")),
    ],
)
def test_the_usual_words_for_good_and_bad(word, label):
    assert verdict_of(word) is label


def test_words_for_splits_and_masks():
    assert [split_named(n) for n in ("train2017", "Test_public", "val set", "trainer")] == [
        *("train", "test", "val", ""),
    ]
    assert among_masks("bad_masks/a.png") and among_masks("images/Labels/a.png")
    assert not among_masks("label/images/a.png") and not among_masks("masks.png")


@pytest.mark.parametrize("top", ["train", "NG", "images", "set"])
def test_a_zips_only_folder_stays_where_its_name_says_something(tmp_path, top):
    picture = image(tmp_path / "a.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(f"{top}\\deep\\a.png", picture)
        packed.writestr(f"{top}/deep/b.heic", b"")
    found = archives.unpack(tmp_path / "a.zip", tmp_path / "out")
    assert (found / ("deep" if top == "set" else top)).is_dir()
    assert "1 .heic file left out" in told(found)


def test_a_zip_of_phone_pictures_alone_counts_them(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("a.HEIC", b"")
    with pytest.raises(UserError, match=r"holds no image.*1 \.heic file left out"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out")
