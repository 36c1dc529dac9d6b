"""Parts as data sets and people lay them out: masks are masks, labels count, files are told."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.detection.testset import test_images
from backend.images import imagefiles
from backend.images.folder import scan
from backend.images.formats import detect as labelled
from backend.images.masks import Masks
from backend.inspection.parts.importers import detect
from backend.records import UserError


def image(path: Path, seed: int = 0) -> Path:
    imagefiles.write(path, np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8))
    return path


def mask(path: Path, value: int = 255) -> Path:
    pixels = np.zeros((16, 16), np.uint8)
    pixels[4:9, 4:9] = value
    imagefiles.write(path, pixels)
    return path


def listed(root: Path) -> dict[str, tuple[str, int, int]]:
    """By name: type, label, number of masks."""
    entries = detect.read(root, "auto").entries
    return {one.name: (one.feature, one.label, len(one.masks)) for one in entries}


def notes(root: Path) -> str:
    return " ".join(detect.read(root, "auto").notes)


@pytest.mark.parametrize(
    "place",
    [
        *("bad/a_gt.png", "bad/a-mask.png", "bad/a_Mask.png", "bad/mask_a.png", "bad/GT_a.png"),
        *("bad/Mask/a.png", "Masks/bad/a_mask.png", "Annotations/bad/a.png", "masks/a.png"),
        *("bad/masks/a/0.png", "label/bad/a.png", "groundtruth/a.png", "bad_masks/a.png"),
        *("Ground Truth/bad/a.png", "bad/a_mask.jpg", "masks/bad/a.jpeg", "mask/NG/a.png"),
    ],
)
def test_a_mask_is_found_however_it_is_called(tmp_path, place):
    root = tmp_path / "gear"
    image(root / "good" / "b.png", 1), image(root / "bad" / "a.png", 2)
    mask(root / place.replace("NG", "bad"))
    assert listed(root) == {"bad/a.png": ("gear", 0, 1), "good/b.png": ("gear", 1, 0)}
    found = {i.name: len(i.boxes) for i in labelled.read(root).images}
    assert found == {"bad/a": 1, "good/b": 0}


def test_a_type_of_part_may_be_called_label(tmp_path):
    for number, kind in enumerate(("label", "cap")):
        (
            image(tmp_path / kind / "good" / "a.png", number),
            image(tmp_path / kind / "bad" / "b.png", 9),
        )
    assert {feature for feature, _, _ in listed(tmp_path).values()} == {"label", "cap"}


def test_pictures_named_like_masks_keep_theirs(tmp_path):
    (
        image(tmp_path / "images" / "bad" / "a_label.png"),
        image(tmp_path / "images" / "good" / "g.png"),
    )
    mask(tmp_path / "masks" / "bad" / "a_label.png")
    assert [masks for _, _, masks in listed(tmp_path).values()] == [1, 0]


def test_black_masks_of_good_parts_are_masks_and_those_of_bad_ones_mark_nothing(tmp_path):
    for number, verdict in enumerate(("good", "bad")):
        image(tmp_path / "images" / verdict / "a.png", number)
        mask(tmp_path / "masks" / verdict / "a.png", 0)
    assert len(listed(tmp_path)) == 2
    assert [str(i.marks) for i in labelled.read(tmp_path).images] == ["unknown", "known"]


def test_a_white_mask_of_a_good_picture_is_a_contradiction(tmp_path):
    image(tmp_path / "images" / "good" / "a.png"), image(tmp_path / "images" / "bad" / "b.png")
    mask(tmp_path / "masks" / "good" / "a.png"), mask(tmp_path / "masks" / "bad" / "b.png")
    assert [str(i.marks) for i in labelled.read(tmp_path).images] == ["known", "unknown"]


def test_a_black_mask_in_mvtecs_layout_marks_nothing(tmp_path):
    image(tmp_path / "train" / "good" / "a.png")
    for number, name in enumerate("bc"):
        image(tmp_path / "test" / "cut" / f"{name}.png", number)
        mask(tmp_path / "ground_truth" / "cut" / f"{name}_mask.png", 255 * number)
    assert [str(i.marks) for i in labelled.read(tmp_path).images] == ["unknown", "known", "known"]


@pytest.mark.parametrize("above", ["", "mvtec/", "data/mvtec/"])
def test_categories_are_found_however_deep_and_with_public_tests(tmp_path, above):
    root = tmp_path / "all"
    for kind in ("can", "nut"):
        image(root / f"{above}{kind}/train/good/a.png")
        image(root / f"{above}{kind}/validation/good/b.png", 1)
        image(root / f"{above}{kind}/test_public/bad/c.png", 2)
        mask(root / f"{above}{kind}/test_public/ground_truth/bad/c_mask.png")
    found = listed(root)
    assert {feature for feature, _, _ in found.values()} == {"can", "nut"}
    assert sorted(found.values()) == [
        *[("can", 0, 1), ("can", 1, 0), ("can", 1, 0)],
        *[("nut", 0, 1), ("nut", 1, 0), ("nut", 1, 0)],
    ]


def test_pictures_of_one_stem_are_two_parts_or_refused_by_name(tmp_path):
    image(tmp_path / "good" / "a.png"), image(tmp_path / "bad" / "b.png", 1)
    image(tmp_path / "good" / "a.jpg", 2)
    with pytest.raises(UserError, match=r"good/a\.jpg and good/a\.png"):
        listed(tmp_path)
    names = [i.name for i in test_images.read_intact(tmp_path / "good", "test").images]
    assert names == ["intact/a.jpg", "intact/a.png"]


def test_files_of_systems_are_no_parts_also_below_a_hidden_folder(tmp_path):
    root = tmp_path / ".cache" / "set"
    image(root / "good" / "a.png")
    for name in (".ipynb_checkpoints/a-checkpoint", "._a", "@eaDir/a", "#recycle/a", "__MACOSX/a"):
        image(root / "good" / f"{name}.png")
    (root / "good" / "Thumbs.db").write_bytes(b"x")
    (root / "good" / "x.HEIC").write_bytes(b"x")
    assert list(listed(root)) == ["good/a.png"] and "1 .heic file left out" in notes(root)
    assert "1 .heic file left out" in " ".join(test_images.read_intact(root / "good", "test").notes)


# Tables of parts


def test_a_table_in_the_only_folder_below_is_read_with_words_and_commas(tmp_path):
    image(tmp_path / "set" / "crops" / "a.png"), image(tmp_path / "set" / "crops" / "b.png", 1)
    rows = "file_name;feature;label;x1;y1;x2;y2\nC:\\set\\crops\\A.png;e;i.O.;0,5;1;8,5;9\n"
    (tmp_path / "set" / "Metadata.CSV").write_text(rows + 'crops\\b.png;e;"n.i.O.";;;;\n')
    entries = detect.read(tmp_path, "auto").entries
    assert [(one.label, one.box) for one in entries] == [(1, (0.5, 1, 8.5, 9)), (0, None)]


def test_all_wrong_rows_are_told_at_once(tmp_path):
    image(tmp_path / "cam1" / "a.png"), image(tmp_path / "cam2" / "a.png", 1)
    rows = "file_name,feature,label\na.png,e,1\ncam1/a.png,e,perhaps\ncam2/a.png,,1\n"
    (tmp_path / "metadata.csv").write_text(rows + "cam2/a.png,e,1\n" * 2)
    with pytest.raises(UserError, match="4 things are wrong") as error:
        listed(tmp_path)
    for words in ("could be cam1/a.png or cam2/a.png", "'perhaps'", "row 4", "row 6"):
        assert words in str(error.value)


# Bits


def tiff(path: Path, values: np.ndarray) -> Path:
    Image.fromarray(values).save(path)
    return path


@pytest.mark.parametrize(
    ("most", "white"), [(1.0, 1.0), (1.02, 1.0), (200.0, 255.0), (4000.0, 4095.0), (1.0e-2, 1.0)]
)
def test_floats_are_taken_from_0_to_1_or_by_the_bits_in_use(tmp_path, most, white):
    values = np.linspace(0, most, 64, dtype=np.float32).reshape(8, 8)
    path = tiff(tmp_path / "a.tif", values)
    depth = imagefiles.depth_of([path])
    assert depth.float_white == white
    wanted = np.round((values / white).clip(0, 1) * 255)
    assert np.abs(imagefiles.read_rgb(path, depth)[..., 0] - wanted).max() <= 1


@pytest.mark.parametrize(
    "values",
    [
        np.full((4, 4), 7.5, np.float32),
        np.full((4, 4), -1.0, np.float32),
        np.full((4, 4), np.nan, np.float32),
        np.full((4, 4), 70000, np.int32),
        np.full((4, 4), -3, np.int16).astype(np.int32),
    ],
)
def test_values_that_are_no_brightness_are_refused_by_name(tmp_path, values):
    path = tiff(tmp_path / "a.tif", values)
    with pytest.raises(UserError, match=r"a\.tif|go up to 7\.5"):
        imagefiles.depth_of([path])


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_three_channels_of_twelve_bits_are_scaled_alike(tmp_path, suffix):
    import cv2

    values = np.random.default_rng(0).integers(0, 4096, (8, 8, 3)).astype(np.uint16)
    values[0, 0] = (4095, 2048, 16)  # red, green, blue
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), values[..., ::-1])
    found = labelled.read(tmp_path)
    pixels = found.images[0].read_rgb()
    assert np.abs(pixels - np.round(values / 4095 * 255)).max() <= 1
    assert "by the 12 bits in use" in " ".join(found.notes)


def test_dark_deep_pictures_are_not_taken_for_masks(tmp_path):
    values = np.random.default_rng(0).integers(0, 1024, (16, 16)).astype(np.uint16)
    (tmp_path / "bad").mkdir()
    tiff(tmp_path / "bad" / "a.tif", values)
    mask(tmp_path / "bad" / "a.png")
    found = Masks(scan(tmp_path))
    assert [p.name for p in found.chosen] == ["a.tif"] and len(found.of) == 1


# Masks in readers of other layouts


def test_masks_are_no_pictures_in_any_reader(tmp_path):
    root = tmp_path / "set"
    image(root / "a.png"), image(root / "b.png", 1)
    mask(root / "a_mask.png"), mask(root / "Masks" / "b.png", 0)
    names = ["a", "b"]
    for layout in ("none", "labelme", "voc"):
        assert [i.name for i in labelled.read(root, layout).images] == names
    (root / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    assert [i.name for i in labelled.read(root).images] == names
    (root / "data.yaml").write_text("train: .\nnames: [x]\n")
    assert [i.name for i in labelled.read(root).images] == names
    found = test_images.read_intact(root, "test").images
    assert [i.name for i in found] == ["intact/a", "intact/b"]


def test_where_masks_belong_to_no_image_none_is_intact(tmp_path):
    image(tmp_path / "pictures" / "a.png"), mask(tmp_path / "masks" / "IMG_1.png")
    found = labelled.read(tmp_path)
    assert [str(i.marks) for i in found.images] == ["unknown"]
    assert "1 mask belongs to no image" in " ".join(found.notes)
