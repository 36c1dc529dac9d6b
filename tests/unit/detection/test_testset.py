"""Real test sets: YOLO folders, good and broken, and leaks into training."""

from pathlib import Path

import numpy as np
import pytest

from backend.core import facts, runs
from backend.detection import leaks
from backend.detection.testset import test_images
from backend.images import imagefiles, imageset, pictures
from backend.images.labelled_image import LabelledImage, Origin
from backend.records import Shortage, UserError


@pytest.fixture
def folder(tmp_path):
    """A sound YOLO folder of two test images of one specimen, one of them intact."""
    root = tmp_path / "glass"
    (root / "labels").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in ("a_1", "a_2"):
        pixels = random.integers(0, 255, (40, 80, 3), np.uint8)
        imagefiles.write(root / "images" / f"{name}.png", pixels)
    (root / "labels" / "a_1.txt").write_text("1 0.5 0.5 0.25 0.5\n")
    (root / "test.txt").write_text("images/a_1.png\nimages/a_2.png\n")
    (root / "data.yaml").write_text("test: test.txt\nnames: {0: crack, 1: scratch}\n")
    (root / "metadata.csv").write_text("file_name,group\na_1.png,a\na_2.png,a\n")
    return root


def test_boxes_come_in_pixels_with_class_and_group(folder):
    first, second = test_images.read_yolo(folder).images
    assert first.boxes[0].xyxy == (30, 10, 50, 30)
    assert first.boxes[0].class_name == "scratch"
    assert second.boxes == ()
    assert first.group == second.group == "a"


@pytest.mark.parametrize(
    "line", ["1 0.5 0.5", "7 0.5 0.5 0.1 0.1", "1 2 0.5 0.1 0.1", "one 0.5 0.5 0.1 0.1"]
)
def test_a_label_that_does_not_fit_is_named_with_its_line(folder, line):
    (folder / "labels" / "a_1.txt").write_text(f"1 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(UserError, match=r"a_1\.txt, line 2"):
        test_images.read_yolo(folder)


def test_a_list_that_leaves_the_folder_is_refused(folder):
    (folder / "test.txt").write_text("../../../etc/passwd\n")
    with pytest.raises(UserError, match=r"etc/passwd.*Put them back"):
        test_images.read_yolo(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [("names: {0: crack}\n", "no 'test'"), ("test: test.txt\n", "lacks 'names'"), ("{", "line 1")],
)
def test_a_data_yaml_that_lacks_something_is_named(folder, content, words):
    (folder / "data.yaml").write_text(content)
    with pytest.raises(UserError, match=words):
        test_images.read_yolo(folder)


def test_a_missing_image_is_named(folder):
    (folder / "images" / "a_2.png").unlink()
    with pytest.raises(UserError, match=r"a_2\.png"):
        test_images.read_yolo(folder)


def test_a_csv_beside_a_folder_assigns_its_splits(folder):
    (folder / "images.csv").write_text("file_name,split\na_1.png,train\na_2.png,test\n")
    for split, name in (("test", "a_2.png"), ("train", "a_1.png")):
        found = test_images.read_intact(folder / "images", split).images
        assert [image.path.name for image in found] == [name]


def test_the_hash_names_images_and_boxes(folder, tmp_path):
    before = test_images.load(str(folder), "", tmp_path, 64).hash
    assert test_images.load(str(folder), "", tmp_path, 64).hash == before
    (folder / "labels" / "a_1.txt").write_text("1 0.5 0.5 0.25 0.4\n")
    assert test_images.load(str(folder), "", tmp_path, 64).hash != before


def dataset_of(folder: Path, pixels: np.ndarray, **spec: object) -> Path:
    """A finished data set run of one image."""
    run = runs.create(folder / "runs", "dataset", spec)
    imagefiles.write(run.folder / "artifacts" / "copy.png", pixels)
    facts.write(run.folder, "images", [{"image": "copy", "path": "artifacts/copy.png"}])
    return run.folder


@pytest.mark.parametrize("size", [None, 32])
def test_a_test_image_among_the_training_images_is_refused_at_any_size(folder, tmp_path, size):
    test = test_images.load(str(folder), "", tmp_path, 64)
    copied = imagefiles.read_rgb(folder / "images" / "a_2.png")
    copied = copied if size is None else pictures.resized(copied, size)
    with pytest.raises(UserError, match=r"copy\.png is test image images/a_2"):
        leaks.refuse_leaks(test, [dataset_of(tmp_path, copied)], tmp_path)


def test_a_test_image_behind_a_teachers_defects_is_refused(folder, tmp_path):
    test = test_images.load(str(folder), "", tmp_path, 64)
    photograph = imagefiles.read_rgb(folder / "images" / "a_2.png")
    composite = runs.create(tmp_path / "runs", "composite", {})
    made = LabelledImage(photograph // 2, "composite", origin=Origin(original=photograph))
    imageset.write(composite.folder, 1, lambda k: made, lambda *_, **__: None)
    student = runs.create(tmp_path / "runs", "distill", {"teacher_run": composite.id})
    other = np.zeros((64, 64, 3), np.uint8)
    trained_on = [dataset_of(tmp_path, other, source_run=student.id)]
    with pytest.raises(UserError, match="is test image"):
        leaks.refuse_leaks(test, trained_on, tmp_path)
    runs.write_json(composite.folder / runs.ARCHIVED, {"url": "s3://plant"})
    (composite.folder / "artifacts").rename(tmp_path / "away")
    with pytest.raises(Shortage, match="archived at s3://plant"):
        leaks.refuse_leaks(test, trained_on, tmp_path)


def test_other_images_pass(folder, tmp_path):
    test = test_images.load(str(folder), "", tmp_path, 64)
    leaks.refuse_leaks(test, [dataset_of(tmp_path, np.zeros((64, 64, 3), np.uint8))], tmp_path)


def test_intact_images_are_groups_of_their_own(folder, tmp_path):
    for k in range(3):
        imagefiles.write(tmp_path / "good" / f"IMG_{k}.png", np.full((8, 8, 3), k, np.uint8))
    test = test_images.load(str(folder), str(tmp_path / "good"), tmp_path, 64)
    assert len({image.group for image in test.images if not image.boxes}) == 3 + 1


def test_a_test_set_without_any_box_is_refused(folder, tmp_path):
    (folder / "labels" / "a_1.txt").unlink()
    with pytest.raises(UserError, match="labels"):
        test_images.load(str(folder), "", tmp_path, 64)


def test_names_with_spaces_and_tables_from_a_spreadsheet_are_read(folder):
    (folder / "images" / "a_2.png").rename(folder / "images" / "part 2.png")
    (folder / "test.txt").write_text("images/a_1.png\nimages/part 2.png\n")
    (folder / "metadata.csv").write_text("file_name,group\npart 2.png,b\n", encoding="utf-8-sig")
    assert test_images.read_yolo(folder).images[1].group == "b"


def test_a_table_without_file_names_is_named(folder):
    (folder / "metadata.csv").write_text("name;group\na;b\n")
    with pytest.raises(UserError, match="'file_name'"):
        test_images.read_yolo(folder)


def test_a_csv_that_assigns_nothing_is_refused(folder):
    (folder / "images.csv").write_text("file_name,split\na_1.png,other\n")
    with pytest.raises(UserError, match=r"images\.csv"):
        test_images.read_intact(folder / "images", "test")


def test_the_shared_glass_set_reads_as_its_readme_counts_it(shared_data):
    images = test_images.read_yolo(shared_data / "glass").images
    assert len(images) == 134
    counts: dict[str, int] = {}
    for box in (box for image in images for box in image.boxes):
        counts[box.class_name] = counts.get(box.class_name, 0) + 1
    assert counts == {"crack": 10, "contusion": 94, "scratch": 108, "spot": 118}
    train = {i.group for i in test_images.read_yolo(shared_data / "glass", "train").images}
    assert not train & {i.group for i in images}
