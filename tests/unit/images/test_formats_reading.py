"""Folders labelled elsewhere: every layout, sound and broken."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as pycoco

from backend.images import imagefiles
from backend.images.formats import detect, files, geometry
from backend.images.labelled_image import LabelledImage, LabelledSet
from backend.records import UserError

WIDTH, HEIGHT = 80, 40


def image(path: Path, width: int = WIDTH, height: int = HEIGHT) -> Path:
    imagefiles.write(path, np.full((height, width, 3), 90, np.uint8))
    return path


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def write_json(path: Path, content: Any) -> Path:
    return write(path, json.dumps(content))


def only(found: LabelledSet) -> LabelledImage:
    assert len(found.images) == 1
    return found.images[0]


def area(xyxy: tuple[int, int, int, int], value: int = 255) -> np.ndarray:
    """A mask of one rectangle."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    left, top, right, bottom = xyxy
    mask[top:bottom, left:right] = value
    return mask


# YOLO


@pytest.fixture
def yolo(tmp_path):
    """Three images in train, val and test, the last without a text file."""
    for split, name in (("train", "a"), ("val", "b"), ("test", "c")):
        image(tmp_path / "images" / split / f"{name}.png")
    write(tmp_path / "labels" / "train" / "a.txt", "1 0.5 0.5 0.25 0.5\n")
    write(tmp_path / "labels" / "val" / "b.txt", "")
    write(
        tmp_path / "data.yaml",
        "train: images/train\nval: [images/val]\ntest: images/test\nnames: [crack, scratch]\n",
    )
    return tmp_path


def test_yolo_splits_classes_and_boxes_are_read(yolo):
    found = detect.read(yolo)
    assert (found.layout, found.classes) == ("yolo", ("crack", "scratch"))
    assert {i.name: i.split for i in found.images} == {
        "images/train/a": "train",
        "images/val/b": "val",
        "images/test/c": "test",
    }
    box = next(i for i in found.images if i.boxes).boxes[0]
    assert (box.class_name, box.xyxy, box.source) == ("scratch", (30, 10, 50, 30), "imported")
    assert "Read as YOLO: 3 images, 1 box." in found.notes
    assert "1 image has no text file." in found.notes
    assert [i.marks for i in found.images] == ["none", "known", "known"]


def test_an_empty_text_file_is_a_known_empty_mask_and_a_missing_one_is_not(yolo):
    masks = {i.split: i.read_mask() for i in detect.read(yolo).images}
    assert masks["val"].shape == (HEIGHT, WIDTH) and not masks["val"].any()
    assert masks["test"] is None  # no text file
    assert masks["train"] is None  # boxes alone


def test_yolo_outlines_give_box_and_mask(yolo):
    corners = "0.25 0.25 0.5 0.25 0.5 0.75 0.25 0.75"
    write(yolo / "labels" / "train" / "a.txt", f"0 {corners}\n")
    found = next(i for i in detect.read(yolo).images if i.boxes)
    assert found.boxes[0].xyxy == (20, 10, 40, 30)
    assert np.array_equal(found.read_mask(), area((20, 10, 40, 30)))
    write(yolo / "labels" / "train" / "a.txt", f"0 {corners}\n0 0.5 0.5 0.1 0.1\n")
    mixed = detect.read(yolo)
    assert next(i for i in mixed.images if i.boxes).mask is None
    assert any("boxes among its outlines" in note for note in mixed.notes)


def test_yolo_without_a_data_yaml_takes_all_images_and_names_classes(tmp_path):
    image(tmp_path / "images" / "a.png")
    write(tmp_path / "labels" / "a.txt", "2.0 0.5 0.5 0.5 0.5\n")
    write(tmp_path / "labels" / "z.txt", "0 0.5 0.5 0.5 0.5\n")
    found = detect.read(tmp_path)
    assert only(found).boxes[0].class_name == "class 2"
    assert any("1 text files with labels belong to no image" in note for note in found.notes)
    assert any("they are called class 2" in note for note in found.notes)
    write(tmp_path / "classes.txt", "crack\nscratch\nchip\n")
    assert only(detect.read(tmp_path)).boxes[0].class_name == "chip"


def test_text_files_beside_the_images_are_yolo_too_also_below_a_folder_images(tmp_path):
    root = tmp_path / "images" / "set"
    image(root / "a.png")
    write(root / "a.txt", "0 0.5 0.5 0.5 0.5\n")
    assert only(detect.read(root)).boxes[0].class_name == "class 0"


def test_a_folder_one_level_too_high_and_one_that_is_not_there_are_forgiven(yolo):
    write(
        yolo / "data.yaml",
        "train: ../images/train\nval: ../images/val\ntest: ../no/test\nnames: [crack, scratch]\n",
    )
    found = detect.read(yolo)
    assert sorted(i.split for i in found.images) == ["train", "val"]
    assert any("'../no/test', which is not there" in note for note in found.notes)
    assert any("1 image is in no split" in note for note in found.notes)


def test_a_data_yaml_in_the_only_folder_below_counts(yolo, tmp_path_factory):
    above = tmp_path_factory.mktemp("above")
    yolo.rename(above / "set")
    write(above / "README.txt", "")
    assert {i.split for i in detect.read(above).images} == {"train", "val", "test"}
    write(above / "other" / "data.yaml", "names: [a]")
    with pytest.raises(UserError, match="all describe a YOLO set"):
        detect.read(above)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("train: {a: b}\nnames: [a]\n", "'train': name a folder"),
        ("train: 5\nnames: [a]\n", "'train'.*'5', which is not there"),
        ('train: "x\\0y"\nnames: [a]\n', "names 'x.y', which is not there"),
        (f"train: {'x' * 300}\nnames: [a]\n", "which is not there"),
        ("train: ../../etc\nnames: [a]\n", "'../../etc', which is not there"),
        ("train: gone.txt\nnames: [a]\n", "'gone.txt', which is not there"),
        ('train: "C:\\users"\nnames: [a]\n', "line 1.*Write Windows paths"),
        ("train: images\nnames: [a\n", "data.yaml, line 3"),
        ("train: images\nnames: {a: b}\n", "whole number"),
        ("train: images\nnames: [[a]]\n", "no name"),
        ("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nnames: *c\npath: *c\n", "no name"),
        ("[" * 1500, "nested too deeply"),
    ],
)
def test_a_broken_data_yaml_is_named(yolo, content, words):
    write(yolo / "data.yaml", content)
    with pytest.raises(UserError, match=words):
        detect.read(yolo)


def test_an_image_in_train_and_val_has_no_split_and_one_in_val_and_test_is_a_tests(yolo):
    write(
        yolo / "data.yaml",
        "train: images/train\nval: [images/train, images/val]\ntest: images/val\nnames: [a, b]\n",
    )
    found = detect.read(yolo)
    assert {i.path.stem: i.split for i in found.images} == {"a": "", "b": "test"}
    assert any("1 image is in 'train' and in another split" in note for note in found.notes)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 0.1", "line 2.*not 'class x y"),
        ("9 0.5 0.5 0.1 0.1", "line 2.*no class has the number 9"),
        ("-1 0.5 0.5 0.1 0.1", "line 2.*no class has the number -1"),
        ("0.5 0.5 0.5 0.1 0.1", "line 2.*no class has the number 0.5"),
        ("0 nan 0.5 0.1 0.1", "line 2.*must lie in 0…1"),
        ("0 1.2 0.5 0.2 0.1", "line 2.*leaves the image of 80 × 40"),
        ("0 0.1 0.1 0.2 0.1 0.2 9", "line 2.*outline must lie in 0…1"),
        ("0 0.1 0.1 0.1 0.2 0.1 0.3", "line 2.*no area"),
        ("x 1 1 1 1", "line 2.*not 'class x y"),
    ],
)
def test_a_broken_yolo_line_is_named(yolo, line, words):
    write(yolo / "labels" / "train" / "a.txt", f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(UserError, match=words):
        detect.read(yolo)


def test_a_box_that_reaches_over_the_edge_is_cut_there_and_told(yolo):
    write(yolo / "labels" / "train" / "a.txt", "0 0.95 0.5 0.2 0.5\n0 0.5 0.5 1.0 1.001\n")
    found = detect.read(yolo)
    boxes = next(i for i in found.images if i.boxes).boxes
    assert boxes[0].xyxy == pytest.approx((68, 10, 80, 30)) and boxes[1].xyxy == (0, 0, 80, 40)
    assert "1 box reaches over the edge of its image: cut off there." in found.notes


def test_a_box_up_to_a_pixel_outside_is_cut(yolo):
    write(yolo / "labels" / "train" / "a.txt", "0 0.5 0.5 1.0 1.001\n")
    found = next(i for i in detect.read(yolo).images if i.boxes)
    assert found.boxes[0].xyxy == (0, 0, 80, 40)


def test_a_label_that_is_no_text_is_named(yolo):
    (yolo / "labels" / "train" / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"a\.txt is no text in UTF-8"):
        detect.read(yolo)


# metadata.csv, sizes and names, for all layouts


def test_the_table_keeps_views_of_one_part_together_and_assigns_splits(yolo):
    write(
        yolo / "metadata.csv",
        "file_name,group,split\na.png,part 1,test\nimages/val/b.png,part 1,valid\nz.png,part 2,\n",
    )
    found = detect.read(yolo)
    assert {i.path.stem: (i.group, i.split) for i in found.images} == {
        "a": ("part 1", "test"),
        "b": ("part 1", "val"),
        "c": ("images/test/c", "test"),
    }
    assert "1 group has images in more than one split." in found.notes
    assert "metadata.csv names 1 image that is not there (z.png)." in found.notes


def test_a_split_that_is_none_is_named(yolo):
    write(yolo / "metadata.csv", "file_name,split\na.png,learn\n")
    with pytest.raises(UserError, match=r"a\.png'.*train, val or test; got 'learn'"):
        detect.read(yolo)


def test_images_that_differ_in_the_suffix_alone_are_refused(tmp_path):
    image(tmp_path / "a.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    with pytest.raises(UserError, match=r"a\.jpg and a\.png have one name"):
        detect.read(tmp_path)


def test_images_alone_have_neither_boxes_nor_masks(tmp_path):
    image(tmp_path / "train" / "a.png")
    image(tmp_path / ".trash" / "b.png")
    found = detect.read(tmp_path)
    assert (found.layout, only(found).boxes, only(found).read_mask()) == ("none", (), None)
    assert only(found).split == "train"


def test_the_size_is_the_one_of_the_upright_image_and_nothing_is_decoded(tmp_path, monkeypatch):
    turned = Image.Exif()
    turned[0x0112] = 6
    for name in ("a.jpg", "b.png"):
        Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / name, exif=turned)
    shapes = [imagefiles.read_rgb(tmp_path / name).shape[:2] for name in ("a.jpg", "b.png")]
    monkeypatch.setattr(Image.Image, "load", None)
    sizes = [i.size[::-1] for i in detect.read(tmp_path, "none").images]
    assert sizes == shapes == [(WIDTH, HEIGHT)] * 2


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_an_unreadable_image_is_named(tmp_path, content):
    image(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(content)
    with pytest.raises(UserError, match=r"b\.png' is no readable image"):
        detect.read(tmp_path)


def test_a_huge_image_and_too_many_images_are_refused(tmp_path, monkeypatch):
    image(tmp_path / "a.png")
    image(tmp_path / "b.png")
    with monkeypatch.context() as less, pytest.raises(UserError, match=r"a\.png has 80 × 40 px"):
        less.setattr(imagefiles, "MOST_PIXELS", 1000)
        detect.read(tmp_path)
    monkeypatch.setattr(files, "MOST_IMAGES", 1)
    with pytest.raises(UserError, match="2 images"):
        detect.read(tmp_path)


def test_a_missing_folder_an_empty_one_and_an_unknown_layout_are_named(tmp_path):
    for folder, words in ((tmp_path / "gone", "no folder"), (tmp_path, "holds no image")):
        with pytest.raises(UserError, match=words):
            detect.read(folder)
    with pytest.raises(UserError, match="got 'xml'"):
        detect.read(tmp_path, "xml")


# COCO

OUTLINE = [[10, 5, 30, 5, 30, 20, 10, 20]]


def coco_set(root: Path, *marks: dict[str, Any], name: str = "train.json") -> Path:
    """One image and its annotations."""
    image(root / "images" / "a.png")
    content = {
        "images": [{"id": 7, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": [
            {"id": k, "image_id": 7, "category_id": 3} | m for k, m in enumerate(marks)
        ],
        "categories": [{"id": 3, "name": "crack"}, {"id": 5, "name": "chip"}],
    }
    return write_json(root / "annotations" / name, content)


def test_coco_boxes_polygons_and_the_split_of_the_files_name_are_read(tmp_path):
    coco_set(
        tmp_path, {"bbox": [10, 5, 20, 15], "segmentation": OUTLINE}, {"segmentation": OUTLINE}
    )
    found = detect.read(tmp_path)
    assert (found.layout, found.classes, only(found).split) == ("coco", ("crack", "chip"), "train")
    assert [box.xyxy for box in only(found).boxes] == [(10, 5, 30, 20)]
    assert "1 label occurs twice in its image: taken once." in found.notes
    assert np.array_equal(only(found).read_mask(), area((10, 5, 30, 20)))


@pytest.mark.parametrize("seed", range(4))
def test_coco_run_lengths_of_pycocotools_are_read_compressed_and_not(tmp_path, seed):
    random = np.random.default_rng(seed)
    mask = (random.random((HEIGHT, WIDTH)) < (0.5, 0.001, 0.0, 1.0)[seed]).astype(np.uint8)
    mask[20:30, 5:70] |= seed < 2
    code = pycoco.encode(np.asfortranarray(mask))
    code["counts"] = code["counts"].decode()
    for counts in (code["counts"], geometry.runs_of(mask)):
        coco_set(
            tmp_path,
            {"bbox": [0, 0, 80, 40], "segmentation": {"size": [HEIGHT, WIDTH], "counts": counts}},
        )
        assert np.array_equal(only(detect.read(tmp_path)).read_mask(), mask * 255)


def test_polygons_are_filled_as_pycocotools_fills_them():
    """Both count pixel centres; pycocotools rounds to fifths of a pixel."""
    random = np.random.default_rng(0)
    for _ in range(20):
        angles = np.sort(random.uniform(0, 2 * np.pi, 9))
        radii = random.uniform(80, 140, 9)
        points = 150 + radii[:, None] * np.stack((np.cos(angles), np.sin(angles)), axis=1)
        code = pycoco.merge(pycoco.frPyObjects([points.ravel().tolist()], 300, 300))
        theirs = pycoco.decode(code) > 0
        ours = geometry.mask_of(300, 300, [geometry.polygon(points.ravel(), "")])() > 0
        assert (ours & theirs).sum() / (ours | theirs).sum() > 0.985


def test_crowds_are_in_the_mask_but_are_no_boxes_and_marks_without_outline_leave_no_mask(tmp_path):
    coco_set(tmp_path, {"bbox": [10, 5, 20, 15], "segmentation": OUTLINE, "iscrowd": 1})
    found = detect.read(tmp_path)
    assert only(found).boxes == () and only(found).read_mask().any()
    assert any("'iscrowd'" in note for note in found.notes)
    coco_set(tmp_path, {"bbox": [1, 1, 5, 5]}, {"bbox": [10, 5, 20, 15], "segmentation": OUTLINE})
    found = detect.read(tmp_path)
    assert len(only(found).boxes) == 2 and only(found).mask is None
    assert any("without an outline" in note for note in found.notes)


def test_coco_images_that_are_not_there_or_not_listed_are_told(tmp_path):
    path = coco_set(tmp_path)
    content = json.loads(path.read_text())
    content["images"].append({"id": 8, "file_name": "../../etc/passwd"})
    write_json(path, content)
    image(tmp_path / "images" / "b.png")
    found = detect.read(tmp_path)
    assert only(found).path.name == "a.png"
    assert any("1 image that is listed is not there" in note for note in found.notes)
    assert "1 image is in no JSON file: passed over." in found.notes


def test_coco_files_of_splits_find_their_own_image_of_one_name(tmp_path):
    for split in ("train2017", "val2017"):
        image(tmp_path / split / "1.png")
        content = {"images": [{"id": 1, "file_name": "1.png"}], "annotations": [], "categories": []}
        write_json(tmp_path / "annotations" / f"instances_{split}.json", content)
    found = detect.read(tmp_path)
    assert {i.name: i.split for i in found.images} == {"train2017/1": "train", "val2017/1": "val"}


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ({"bbox": [81, 0, 9, 5]}, "annotation 0.*leaves the image"),
        ({"bbox": [0, 0, 0, 5]}, "annotation 0.*no area"),
        ({"bbox": [0, 0, "x", 5]}, "annotation 0: 'bbox'"),
        ({"bbox": [0, 0, float("inf"), 5]}, "annotation 0.*four numbers"),
        ({}, "annotation 0 has neither"),
        ({"bbox": [0, 0, 5, 5], "category_id": 9}, "annotation 0.*category.*9"),
        ({"bbox": [0, 0, 5, 5], "image_id": 1}, "image 1, which is not listed"),
        ({"bbox": [0, 0, 5, 5], "image_id": [1]}, "'id' is missing"),
        ({"segmentation": [[1, 2, 3, 4]]}, "annotation 0.*three points"),
        ({"segmentation": [[1, 2, 3]]}, "annotation 0.*x, y pairs"),
        ({"segmentation": 5}, "annotation 0.*neither polygons"),
        ({"segmentation": {"size": [1, 2], "counts": "0"}}, "annotation 0.*'size'"),
        ({"segmentation": {"size": [40, 80], "counts": [3200, 1]}}, "annotation 0.*does not fill"),
        ({"segmentation": {"size": [40, 80], "counts": [-1, 3201]}}, "annotation 0.*does not fill"),
        ({"segmentation": {"size": [40, 80], "counts": [2**62] * 4 + [3200]}}, "does not fill"),
        ({"segmentation": {"size": [40, 80], "counts": [3200.0]}}, "annotation 0.*does not fill"),
        ({"segmentation": {"size": [40, 80], "counts": "o"}}, "annotation 0.*run-length"),
        ({"segmentation": {"size": [40, 80], "counts": "ooooooooo0"}}, "annotation 0.*run-length"),
        ({"segmentation": {"size": [40, 80], "counts": "é"}}, "annotation 0.*run-length"),
        ({"segmentation": {"size": [40, 80]}}, "annotation 0.*counts"),
    ],
)
def test_a_broken_coco_annotation_is_named(tmp_path, mark, words):
    coco_set(tmp_path, mark)
    with pytest.raises(UserError, match=words):
        detect.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"images": [],\n "annotations": [}', "line 2: no valid JSON"),
        ('{"images": 1, "annotations": [], "categories": []}', "'images' must be a list"),
        ('{"images": [1], "annotations": [], "categories": []}', "'images' must be a list"),
        ('{"images": [{"id": 1}], "annotations": [], "categories": []}', "'file_name'.*no name"),
        ('{"images": [], "annotations": [], "categories": [{"id": 1}]}', "is no name"),
        ('{"images": [], "annotations": [], "categories": []}', "No JSON file"),
        ("[" * 100_000, "no valid JSON"),
    ],
)
def test_a_broken_coco_file_is_named(tmp_path, content, words):
    write(coco_set(tmp_path), content)
    with pytest.raises(UserError, match=words):
        detect.read(tmp_path, "coco")


def test_labels_made_on_an_image_of_another_size_are_refused(tmp_path):
    coco_set(tmp_path)
    image(tmp_path / "images" / "a.png", HEIGHT, WIDTH)
    with pytest.raises(UserError, match=r"'a\.png': made for 80 × 40 px, but .* 40 × 80"):
        detect.read(tmp_path)


# Pascal VOC


def voc_xml(corners: tuple[Any, ...] = (1, 1, 80, 40), name: str = "crack", head: str = "") -> str:
    words = ("xmin", "ymin", "xmax", "ymax")
    box = "".join(f"<{w}>{c}</{w}>" for w, c in zip(words, corners, strict=True))
    return (
        f"{head}<annotation><filename>a.png</filename>"
        f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
        f"<object><name>{name}</name><bndbox>{box}</bndbox></object></annotation>"
    )


@pytest.mark.parametrize(
    ("corners", "box"),
    [
        ((1, 1, 80, 40), (0, 0, 80, 40)),
        ((11, 6, 11, 6), (10, 5, 11, 6)),
        ((10.5, 6, 20.5, 9), (9.5, 5, 20.5, 9)),
        ((0, 0, 79, 39), (0, 0, 79, 39)),
    ],
)
def test_voc_counts_from_one_and_its_last_pixel_belongs_to_the_box(tmp_path, corners, box):
    image(tmp_path / "JPEGImages" / "a.png")
    write(tmp_path / "Annotations" / "a.xml", voc_xml(corners))
    write(tmp_path / "ImageSets" / "Main" / "val.txt", "a\n")
    found = detect.read(tmp_path)
    assert (found.layout, found.classes, only(found).split) == ("voc", ("crack",), "val")
    assert only(found).boxes[0].xyxy == box


def test_voc_files_beside_their_images_and_files_without_one(tmp_path):
    image(tmp_path / "a.png")
    image(tmp_path / "b.png")
    write(tmp_path / "a.xml", voc_xml())
    write(tmp_path / "z.xml", voc_xml())
    found = detect.read(tmp_path)
    assert [len(i.boxes) for i in found.images] == [1, 0]
    assert "1 XML file belongs to no image: passed over." in found.notes
    assert "1 image has no XML file." in found.notes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<annotation>", "no valid XML"),
        (voc_xml(head='<!DOCTYPE a [<!ENTITY b "c">]>'), "DOCTYPE"),
        (voc_xml((1, 1, "x", 5)), "object 1: 'xmax'"),
        (voc_xml((1, 1, 5, "")), "object 1: 'ymax'"),
        (voc_xml((82, 1, 90, 5)), "object 1.*leaves the image"),
        (voc_xml((9, 1, 5, 5)), "object 1.*no area"),
        (voc_xml(name=""), "object 1, 'name'"),
        (voc_xml().replace("<width>80", "<width>81"), "made for 81 × 40"),
    ],
)
def test_a_broken_voc_file_is_named(tmp_path, content, words):
    image(tmp_path / "a.png")
    write(tmp_path / "a.xml", content)
    with pytest.raises(UserError, match=words) as raised:
        detect.read(tmp_path, "voc")
    assert "a.xml" in str(raised.value)


def test_an_entity_hidden_in_another_encoding_is_refused(tmp_path):
    image(tmp_path / "a.png")
    hidden = voc_xml(head='<!DOCTYPE a [<!ENTITY b "c">]>', name="&b;")
    (tmp_path / "a.xml").write_bytes(hidden.encode("utf-16"))
    with pytest.raises(UserError, match="UTF-8"):
        detect.read(tmp_path)


# LabelMe


def shape(kind: str, points: Any, **more: Any) -> dict[str, Any]:
    return {"label": "crack", "shape_type": kind, "points": points, **more}


def labelme_set(root: Path, *shapes: Any) -> Path:
    image(root / "a.png")
    content = {"imagePath": "..\\elsewhere\\a.png", "imageData": "AAAA", "shapes": list(shapes)}
    return write_json(root / "a.json", content | {"imageWidth": WIDTH, "imageHeight": HEIGHT})


def coded(mask: np.ndarray) -> str:
    content = io.BytesIO()
    Image.fromarray(mask).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def test_labelme_polygons_circles_and_masks_give_boxes_and_one_mask(tmp_path):
    stamp = np.zeros((4, 6), np.uint8)
    stamp[1:3] = 1
    labelme_set(
        tmp_path,
        shape("polygon", [[10, 5], [30, 5], [30, 20], [10, 20]]),
        shape("circle", [[60, 20], [60, 28]]),
        shape("mask", [[40, 2], [45, 5]], mask=coded(stamp)),
    )
    found = detect.read(tmp_path)
    boxes = [box.xyxy for box in only(found).boxes]
    assert found.layout == "labelme"
    assert boxes == [(10, 5, 30, 20), (52, 12, 68, 28), (40, 2, 46, 6)]
    mask = only(found).read_mask() > 0
    disk = mask[:, 52:68].sum()
    assert abs(disk - np.pi * 8**2) < 10
    assert mask[2:6, 40:46].tolist() == (stamp > 0).tolist()
    assert mask.sum() == disk + 20 * 15 + 12


def test_labelme_rectangles_and_lines_have_no_mask_and_points_leave_an_image_unlabelled(tmp_path):
    labelme_set(
        tmp_path,
        shape("rectangle", [[30, 20], [10, 5]]),
        shape("rectangle", [[10, 5], [30, 5], [30, 20], [10, 20]]),
        shape("linestrip", [[1, 1], [5, 5]]),
        shape("point", [[1, 1]]),
    )
    found = detect.read(tmp_path)
    assert [box.xyxy for box in only(found).boxes] == [(10, 5, 30, 20), (1, 1, 5, 5)]
    assert only(found).mask is None and only(found).marks == "unknown"
    assert "1 label occurs twice in its image: taken once." in found.notes
    assert "1 shape is of the kind 'point', which is not read: not labelled." in found.notes


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (shape("polygon", [[1, 1], [2, 2]]), "shape 1.*three points"),
        (shape("polygon", [[101, 1], [102, 2], [200, 3]]), "shape 1.*leaves the image"),
        (shape("rectangle", [[1, 1]]), "shape 1 needs two points"),
        (shape("rectangle", "xx"), "shape 1: 'points'"),
        (shape("circle", [[1, 1], [float("nan"), 2]]), "shape 1 needs two points"),
        (shape("mask", [[1, 1], [2, 2]], mask="!"), "shape 1: 'mask'"),
        (shape("mask", [[1, 1], [2, 2]]), "shape 1: 'mask'"),
        (shape("mask", [[1, 1], [9, 9]], mask=coded(np.ones((2, 2), np.uint8))), "shape 1.*size"),
        (shape("rectangle", [[1, 1], [5, 5]]) | {"label": None}, "shape 1, 'label'"),
        ("text", "shape 1 is no object"),
    ],
)
def test_a_broken_labelme_shape_is_named(tmp_path, broken, words):
    labelme_set(tmp_path, broken)
    with pytest.raises(UserError, match=words):
        detect.read(tmp_path)


def test_a_labelme_file_without_its_image_is_told_and_its_copy_is_not_read(tmp_path):
    labelme_set(tmp_path).rename(tmp_path / "z.json")
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    found = detect.read(tmp_path)
    assert only(found).path.name == "b.png"
    assert "1 JSON file belongs to no image: passed over." in found.notes


# Masks


@pytest.mark.parametrize(
    ("picture", "mask"),
    [
        ("a.png", "a_mask.png"),
        ("7/image.png", "7/mask.png"),
        ("images/a.png", "masks/a.png"),
        ("images/train/a.png", "ground_truth/train/a_mask.png"),
        ("train/images/a.png", "train/labels/a.png"),
        ("train/a.png", "masks/train/a.png"),
        ("bottle/test/crack/000.png", "bottle/ground_truth/crack/000_mask.png"),
        ("test/crack/000.png", "ground_truth/crack/000_mask.png"),
    ],
)
def test_masks_are_found_where_they_lie_and_boxes_in_them(tmp_path, picture, mask):
    image(tmp_path / picture)
    imagefiles.write(tmp_path / mask, area((10, 5, 30, 20)))
    found = detect.read(tmp_path)
    box = only(found).boxes[0]
    assert found.layout == "masks" and only(found).path == tmp_path / picture
    assert (box.xyxy, box.source) == ((10, 5, 30, 20), "imported")
    assert box.class_name == ("crack" if "crack" in picture else "defect")
    assert np.array_equal(only(found).read_mask(), area((10, 5, 30, 20)))


def test_mvtecs_good_parts_are_intact_and_a_defect_without_mask_is_not_labelled(tmp_path):
    for place in ("train/good/000", "test/good/000", "test/crack/000", "test/crack/001"):
        image(tmp_path / f"{place}.png")
    imagefiles.write(tmp_path / "ground_truth" / "crack" / "000_mask.png", area((10, 5, 30, 20)))
    found = detect.read(tmp_path)
    assert {i.name: (i.split, len(i.boxes)) for i in found.images} == {
        "train/good/000": ("train", 0),
        "test/good/000": ("test", 0),
        "test/crack/000": ("test", 1),
        "test/crack/001": ("test", 0),
    }
    assert [i.name for i in found.images if i.marks == "unknown"] == ["test/crack/001"]
    good = next(i for i in found.images if i.split == "train")
    assert not good.read_mask().any()
    assert "1 image of a defect's folder has no mask: not labelled." in found.notes


@pytest.mark.parametrize("kind", ["ones", "palette", "16 bit", "one bit", "jpg"])
def test_masks_of_every_kind_are_read_as_black_and_white(tmp_path, kind):
    image(tmp_path / "images" / "a.png")
    place = tmp_path / "masks" / ("a.jpg" if kind == "jpg" else "a.png")
    place.parent.mkdir()
    ones = area((16, 8, 32, 24), 1)
    made = Image.fromarray(ones)
    if kind == "palette":
        made.putpalette([0, 0, 0, 0, 128, 0])
    elif kind == "16 bit":
        made = Image.fromarray(ones.astype(np.uint16))
    elif kind in ("one bit", "jpg"):
        made = Image.fromarray(ones * 255).convert("1" if kind == "one bit" else "L")
    made.save(place)
    assert np.array_equal(only(detect.read(tmp_path)).read_mask(), ones * 255)


def test_a_mask_of_specks_gets_one_box_and_lone_masks_are_told(tmp_path):
    image(tmp_path / "images" / "a.png")
    imagefiles.write(tmp_path / "masks" / "a.png", area((10, 5, 12, 6)))
    imagefiles.write(tmp_path / "masks" / "z.png", area((10, 5, 12, 6)))
    found = detect.read(tmp_path)
    assert [box.xyxy for box in only(found).boxes] == [(10, 5, 12, 6)]
    assert "1 mask holds only specks: one box is drawn around them." in found.notes
    assert "1 mask belongs to no image: passed over, the first is masks/z.png." in found.notes


def test_a_mask_of_another_size_is_named(tmp_path):
    image(tmp_path / "images" / "a.png")
    imagefiles.write(tmp_path / "masks" / "a.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(UserError, match=r"masks/a\.png has 8 × 8 px, its image 80 × 40"):
        detect.read(tmp_path)


def test_the_shared_sets_read_as_they_are_described(shared_data):
    cracks = detect.read(shared_data / "cracks")
    assert (cracks.layout, len(cracks.images)) == ("masks", 75)
    assert {i.split for i in cracks.images} == {"train", "val", "test"}
    assert all(i.boxes for i in cracks.images)
    glass = detect.read(shared_data / "glass")
    assert glass.layout == "yolo" and glass.classes == ("crack", "contusion", "scratch", "spot")
    tests = [i for i in glass.images if i.split == "test"]
    assert (len(tests), sum(len(i.boxes) for i in tests)) == (134, 330)


@pytest.mark.parametrize(
    ("suffix", "words"), [(".xml", "no valid XML"), (".json", "no valid JSON")]
)
def test_label_files_that_are_all_broken_are_all_named(tmp_path, suffix, words):
    for number in range(25):
        image(tmp_path / f"{number:02}.png")
        write(tmp_path / f"{number:02}{suffix}", "<annotation>")
    with pytest.raises(UserError) as told:
        detect.read(tmp_path)
    lines = str(told.value).splitlines()
    assert lines[0] == "25 things are wrong:"
    assert sum(words in line for line in lines) == 20
    assert "5 more" in lines[-1]
