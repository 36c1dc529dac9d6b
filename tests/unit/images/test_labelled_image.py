"""The record of a labelled image: its size, class, hash, and what it shows at another size."""

from dataclasses import replace

import numpy as np
import pytest

from backend.images import imagefiles
from backend.images.imagefiles import Depth
from backend.images.labelled_image import LabelledImage, LabelledSet, Marks, bare
from backend.images.vocabulary import INTACT
from backend.records import Box, UserError

PIXELS = np.zeros((20, 40, 3), np.uint8)


def boxes(*found: tuple[str, tuple[float, float, float, float]]) -> tuple[Box, ...]:
    return tuple(Box(name, corners) for name, corners in found)


def test_size_and_pixels_are_those_of_the_file_or_of_the_memory(tmp_path):
    path = tmp_path / "a.png"
    imagefiles.write(path, PIXELS + np.uint8(7))
    for image in (LabelledImage(path), LabelledImage(PIXELS + np.uint8(7))):
        assert image.size == (40, 20)
        assert (image.read_rgb() == 7).all()
    assert bare(path, "val") == LabelledImage(path, split="val", marks=Marks.NONE)


def test_the_class_is_that_of_the_largest_box_of_several_the_last():
    found = boxes(("a", (0, 0, 9, 2)), ("b", (0, 0, 3, 6)), ("c", (0, 0, 1, 1)))
    assert LabelledImage(PIXELS, boxes=found).main_class == "b"
    assert LabelledImage(PIXELS).main_class == INTACT


def test_boxes_follow_the_picture_to_another_size_and_the_mask_does_not():
    found = boxes(("a", (10, 4, 20, 8)))
    image = LabelledImage(PIXELS, "x", found, np.zeros((20, 40), np.uint8), name="n")
    small = image.at_size_of(PIXELS[::2, ::4])
    assert (small.size, small.boxes, small.mask) == ((10, 10), boxes(("a", (2.5, 2, 5, 4))), None)
    assert (small.name, small.source) == ("n", "x")


def test_a_mask_of_another_size_is_named():
    image = LabelledImage(PIXELS, mask=np.zeros((20, 20), np.uint8), name="n")
    with pytest.raises(UserError, match="image n has 20 × 20 px, the image 40 × 20"):
        image.read_mask()


def test_the_hash_changes_with_the_image_and_with_its_mask(tmp_path):
    files = [tmp_path / "a.png", tmp_path / "mask.png"]
    for path in files:
        imagefiles.write(path, PIXELS)
    image = LabelledImage(files[0], mask=files[1])
    found = {image.hash}
    for path in files:
        imagefiles.write(path, PIXELS + np.uint8(1))
        found.add(image.hash)
    assert len(found) == 3


def test_sets_that_are_joined_scale_their_deep_pictures_alike():
    plain, deep = LabelledImage(PIXELS), LabelledImage(PIXELS, depth=Depth(1023, count=2))
    other = replace(deep, depth=Depth(4095, count=1))
    joined = LabelledSet((plain, deep), notes=("a",)) + LabelledSet((other,), notes=("b",))
    assert [i.depth and i.depth.white for i in joined.images] == [None, 4095, 4095]
    assert joined.notes == ("a", "b")
