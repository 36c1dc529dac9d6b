"""Small inputs that once gave wrong results, in every reader that meets their kind.

They lie in tests/cases, a folder each.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from backend.core import runs, specs
from backend.detection.dataset import job as dataset
from backend.detection.dataset.spec import Spec as DatasetSpec
from backend.detection.testset import job as frozen_test
from backend.detection.testset import test_images
from backend.detection.testset.spec import Result as TestsetResult
from backend.detection.testset.spec import Spec as TestsetSpec
from backend.images import imagefiles
from backend.images.folder import scan
from backend.images.formats import detect
from backend.images.labelled_image import LabelledSet
from backend.inspection.parts import job as parts
from backend.inspection.parts.crops import read_crops, read_parts
from backend.inspection.parts.spec import Spec as PartsSpec
from backend.records import UserError

CASES = Path(__file__).parents[2] / "cases"


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


def taken(place: str, out: Path):
    """The parts of a case, and their table by name."""
    spec = PartsSpec(source="folder", folder=str(CASES / place))
    specs.validate(spec)
    result = parts.run(spec, out, quiet)
    return result, read_parts(out).set_index("part")


def frozen(place: str, out: Path, intact: str = "") -> TestsetResult:
    spec = TestsetSpec(folder=str(CASES / place), intact_folder=intact)
    return frozen_test.run(spec, out, quiet)


def read(place: str) -> LabelledSet:
    return detect.read(CASES / place)


def marks(found: LabelledSet) -> Counter:
    return Counter(str(image.marks) for image in found.images)


# Masks are masks, whatever their layout calls them


@pytest.mark.parametrize(
    ("place", "feature", "good", "defect"),
    [
        ("anomalib-folder", "anomalib-folder", 6, ""),
        ("btad", "01", 9, ""),
        ("visa-raw", "candle", 6, ""),
        ("real-iad", "audiojack", 6, "HS"),
    ],
)
def test_masks_are_no_parts_and_belong_to_their_bad_parts(tmp_path, place, feature, good, defect):
    result, frame = taken(place, tmp_path)
    assert result.counts == {feature: [good, 3]}
    bad = frame[frame["label"] == 0]
    assert bad["mask_path"].notna().all() and set(bad["defect"]) == {defect}
    assert ((bad["area"] > 0) & (bad["area"] < 0.5)).all()
    assert "3 of 3 BAD parts have a mask" in " ".join(result.notes)


@pytest.mark.parametrize(
    ("place", "intact", "name"),
    [
        ("anomalib-folder", 6, "defect"),
        ("btad", 9, "defect"),
        ("visa-raw", 6, "defect"),
        ("real-iad", 6, "HS"),
    ],
)
def test_the_same_folders_are_labelled_images_with_masks(place, intact, name):
    found = read(place)
    assert found.layout == "masks" and found.classes == (name,)
    assert sum(bool(image.boxes) for image in found.images) == 3
    empty = [image.read_mask() for image in found.images if not image.boxes]
    assert len(empty) == intact and not any(mask.any() for mask in empty)


def test_views_of_one_specimen_are_a_group(tmp_path):
    _, frame = taken("real-iad", tmp_path)
    assert set(frame["group"]) >= {"audiojack/OK/S0000", "audiojack/NG/HS/S0002"}


def test_a_bad_part_without_its_mask_is_counted(tmp_path):
    import shutil

    copy = Path(shutil.copytree(CASES / "visa-raw", tmp_path / "visa"))
    (copy / "candle" / "Data" / "Masks" / "Anomaly" / "001.png").unlink()
    result = parts.run(PartsSpec(source="folder", folder=str(copy)), tmp_path / "run", quiet)
    assert result.n_bad == 3
    assert "1 BAD parts have no mask, the first is" in " ".join(result.notes)
    found = detect.read(copy)
    assert [i.path.name for i in found.images if i.marks == "unknown"] == ["001.JPG"]


# Boxes, names of classes, marks that are not read


def test_a_box_over_the_edge_is_cut_by_every_reader(tmp_path):
    found = read("box-outside")
    assert found.images[0].boxes[0].xyxy[2] == 64
    test = test_images.read_yolo(CASES / "box-outside")
    assert test.images[0].boxes[0].xyxy == found.images[0].boxes[0].xyxy
    assert "1 box reaches over the edge" in " ".join(frozen("box-outside", tmp_path).notes)


@pytest.mark.parametrize(
    "place", ["cvat-yolo11", "yaml-other-name", "labelimg-classes-train"], ids=str
)
def test_names_of_classes_are_found(place):
    found = read(f"class-names-lost/{place}")
    names = {box.class_name for image in found.images for box in image.boxes}
    assert names and not any(name.startswith("class ") for name in names)
    assert len(found.images) == 2 and all(image.boxes for image in found.images)


@pytest.mark.parametrize("place", ["coco-abs-windows", "coco-abs-posix-partial"])
def test_coco_files_with_places_of_another_computer_are_read(place):
    found = read(f"coco-absolute/{place}")
    assert all(image.boxes for image in found.images)
    assert "not there" not in " ".join(found.notes)


def test_a_lines_box_is_taken_and_no_marked_image_is_intact():
    found = read("labelme-linestrip/labelme-linestrip")
    assert [len(image.boxes) for image in found.images] == [1, 1]
    turned = read("labelme-linestrip/labelme-rotation").images[0]
    assert len(turned.boxes) == 1 and turned.read_mask().any()


@pytest.mark.parametrize("place", ["yolo-upper-labels", "yolo-images-mixed"])
def test_labels_are_found_beside_and_in_capitals(place):
    found = read(f"labels-beside/{place}")
    assert [len(image.boxes) for image in found.images] == [1, 1]
    assert not any("belong to no image" in note for note in found.notes)


def test_two_images_of_one_label_file_are_refused_by_both_names(tmp_path):
    words = "images/a.jpg and images/a.png have one name"
    with pytest.raises(UserError, match=words):
        read("stem-collision")
    with pytest.raises(UserError, match=words):
        frozen("stem-collision", tmp_path)


def test_intact_pictures_of_one_name_in_two_folders_stay_apart(tmp_path):
    intact = CASES / "stem-collision" / "intact"
    names = [image.name for image in test_images.read_intact(intact, "test").images]
    assert names == [f"intact/cam{c}/00{k}" for c in (1, 2) for k in (0, 1)]
    run = runs.create(tmp_path / "runs", "testset", {})
    spec = TestsetSpec(folder=str(CASES / "csv-semicolon"), intact_folder=str(intact))
    result = frozen_test.run(spec, run.folder, quiet)
    runs.finish(run.folder, runs.RunState.COMPLETED, result=specs.to_json(result))
    again = test_images.of_run(run.folder)
    assert again.hash == result.hash and len({image.name for image in again.images}) == 8


# Files: hidden ones, Unicode, formats


@pytest.mark.parametrize("place", ["yolo-ipynb", "yolo-appledouble"])
def test_hidden_files_are_no_images(place):
    found = read(f"hidden-files/{place}")
    assert sorted(image.path.name for image in found.images) == ["a.png", "b.png"]
    assert all(image.boxes for image in found.images)
    assert len(test_images.read_yolo(CASES / "hidden-files" / place).images) == 2


def test_thumbnails_of_a_network_drive_are_no_parts(tmp_path):
    assert (result := taken("hidden-files/parts-eadir", tmp_path)[0]).n_good == 12
    assert result.n_bad == 3


def test_names_written_by_a_mac_are_found(tmp_path):
    found = read("unicode-nfd/coco-nfd")
    assert sum(len(image.boxes) for image in found.images) == 1
    assert "not there" not in " ".join(found.notes)
    result, frame = taken("unicode-nfd/csv-nfd", tmp_path)
    assert (result.n_good, result.n_bad) == (3, 1)
    assert "crops/pr\u00fcf0.png" in frame.index


def test_formats_that_are_not_read_are_counted_and_the_others_read(tmp_path):
    found = read("unknown-formats/odd-formats")
    assert sorted(i.path.suffix for i in found.images) == [".avif", ".gif", ".jp2", ".png", ".tif"]
    told = " ".join(found.notes)
    assert "1 .heic file left out" in told and "the 2 further ones are left out" in told
    result, _ = taken("unknown-formats/parts-heic", tmp_path)
    assert "4 .heic files left out" in " ".join(result.notes)


# Bits


def test_twelve_bits_are_not_black_and_all_pictures_of_a_set_are_scaled_alike(tmp_path):
    found = read("twelve-bit/bits12-in-16")
    by_name = {image.path.name: image.read_rgb() for image in found.images}
    for k in range(3):
        low, high = by_name[f"cam_{k}.tif"], by_name[f"camp_{k}.png"]  # low and high bits in use
        assert high.max() == low.max() == round(3600 / 4095 * 255)
        assert np.abs(low.astype(int) - high).max() <= 1
    assert "scaled by the 12 bits in use (largest value 3600)" in " ".join(found.notes)


def test_parts_of_twelve_bits_are_kept_as_they_are_scaled(tmp_path):
    result, frame = taken("twelve-bit/parts-12bit", tmp_path)
    assert "12 pictures of more than 8 bits are scaled by the 12 bits" in " ".join(result.notes)
    crops = read_crops(frame, tmp_path, 32)
    assert crops.max() > 200 and frame["path"].str.startswith("artifacts/crops/").all()
    assert imagefiles.header(tmp_path / frame["path"].iloc[0]).deep is False


# Tables and configurations


def test_a_table_of_a_german_spreadsheet_is_read_by_every_reader(tmp_path):
    assert {image.group for image in read("csv-semicolon").images} == {"part1", "part2"}
    assert frozen("csv-semicolon", tmp_path).groups == 2


def test_groups_named_by_path_hold_in_data_sets(tmp_path):
    assert {image.group for image in read("groups-by-path").images} == {"part0", "part1"}
    images = test_images.read_yolo(CASES / "groups-by-path", "train").images
    assert Counter(image.group for image in images) == {"part0": 4, "part1": 4}
    spec = DatasetSpec(real_folder=str(CASES / "groups-by-path"), group_duplicates=False)
    out = tmp_path / "runs" / "set"
    out.mkdir(parents=True)
    result = dataset.run(spec, out, quiet)
    assert result.groups == 2
    from backend.core import facts

    rows = facts.read(out, "images")
    assert (rows.groupby("group")["split"].nunique() == 1).all()


def test_a_broken_or_foreign_data_yaml_is_told_or_read():
    with pytest.raises(UserError, match=r"data\.yaml, line 1.*Write Windows paths"):
        read("yaml-messages/yaml-windows-dq")
    assert all(image.boxes for image in read("yaml-messages/yaml-windows-abs").images)


def test_every_case_is_a_folder_that_can_be_scanned():
    for place in sorted(path for path in CASES.iterdir() if path.is_dir()):
        assert scan(place).images
