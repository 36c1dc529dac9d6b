"""Pictures: safe reading, boxes from masks, sheets."""

import numpy as np
import pytest
from PIL import Image

from backend.images import imagefiles, pictures
from backend.images.boxes import boxes_of
from backend.records import UserError


def test_boxes_are_tight_and_one_a_region():
    mask = np.zeros((60, 80), dtype=bool)
    mask[5:15, 10:30] = True
    mask[40:50, 50:70] = True
    boxes = sorted(box.xyxy for box in boxes_of(mask, "crack"))
    assert boxes == [(10, 5, 30, 15), (50, 40, 70, 50)]


def test_a_broken_line_is_one_defect_and_noise_is_none():
    mask = np.zeros((40, 40), dtype=bool)
    mask[20, 2:10] = mask[20, 13:30] = True
    mask[2, 2] = True
    (box,) = boxes_of(mask, "crack")
    assert box.xyxy == (2, 20, 30, 21)


def test_an_empty_mask_has_no_box():
    assert boxes_of(np.zeros((8, 8), dtype=bool), "crack") == []


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n broken"])
def test_an_unreadable_image_is_named(tmp_path, content):
    path = tmp_path / "part.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"part\.png"):
        imagefiles.read_rgb(path)


def test_a_truncated_image_is_named(tmp_path):
    path = tmp_path / "part.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match=r"part\.png"):
        imagefiles.read_rgb(path)


def test_a_huge_image_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = tmp_path / "huge.png"
    Image.new("L", (60, 50)).save(path)
    monkeypatch.setattr(imagefiles, "MOST_PIXELS", 2999)
    with pytest.raises(UserError, match="60 × 50"):
        imagefiles.read_rgb(path)


@pytest.mark.parametrize("shape", [(30, 60, 3), (600, 1200, 3)])
def test_a_picture_is_scaled_to_an_edge_in_its_own_shape(shape):
    assert pictures.scaled(np.zeros(shape, np.uint8), 120).shape == (60, 120, 3)


def test_a_broken_line_leaves_gaps_and_a_whole_one_none():
    blank = np.zeros((100, 100, 3), np.uint8)
    edge = [
        pictures.annotated(blank, [pictures.Mark((10, 10, 90, 90), "#FFFFFF", dashed=dashed)])[10]
        for dashed in (False, True)
    ]
    whole, broken = ((row[10:91, 0] == 255).mean() for row in edge)
    assert whole == 1
    assert 0.3 < broken < 0.7


def test_a_sheet_tiles_all_images():
    tiles = [np.full((4, 6, 3), k, dtype=np.uint8) for k in range(5)]
    made = pictures.sheet(tiles, columns=2, gap=1)
    assert made.shape == (3 * 5 - 1, 2 * 7 - 1, 3)
    assert (made[10:14, 0:6] == 4).all()
    assert (made[10:14, 7:] == 255).all()


def test_a_written_image_reads_back_unchanged(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 255, (16, 16, 3), np.uint8)
    imagefiles.write(tmp_path / "deep" / "x.png", pixels)
    assert (imagefiles.read_rgb(tmp_path / "deep" / "x.png") == pixels).all()
    assert list((tmp_path / "deep").iterdir()) == [tmp_path / "deep" / "x.png"]


def test_a_photograph_is_turned_as_its_camera_says(tmp_path):
    image = Image.new("RGB", (30, 20))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "phone.jpg", exif=exif)
    assert imagefiles.read_rgb(tmp_path / "phone.jpg").shape == (30, 20, 3)


def test_sixteen_bit_grey_keeps_its_tones(tmp_path):
    grey = np.array([[0, 257 * 100, 65535]], dtype=np.uint16)
    Image.fromarray(grey).save(tmp_path / "deep.png")
    assert imagefiles.read_rgb(tmp_path / "deep.png")[0, :, 0].tolist() == [0, 100, 255]
