"""Colours of classes: the same everywhere, and apart for every kind of colour vision."""

from itertools import combinations

import numpy as np
import pytest
from skimage.color import rgb2lab

from backend.images import palette

# linear RGB as each kind of colour vision sees it (Machado, Oliveira and Fernandes 2009)
VISION = {
    "usual": np.eye(3),
    "no green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no blue": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def seen(colour: str, vision: str) -> np.ndarray:
    parts = np.clip(np.array(VISION[vision]) @ linear(colour), 0, 1)
    shown = np.where(parts <= 0.0031308, parts * 12.92, 1.055 * parts ** (1 / 2.4) - 0.055)
    return rgb2lab(shown.reshape(1, 1, 3)).ravel()


@pytest.mark.parametrize("vision", VISION)
def test_any_two_colours_are_told_apart(vision):
    pairs = combinations([seen(colour, vision) for colour in palette.COLOURS], 2)
    assert min(np.linalg.norm(one - other) for one, other in pairs) > 15


def test_every_colour_is_seen_on_a_black_picture():
    luminance = [linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in palette.COLOURS]
    assert min((light + 0.05) / 0.05 for light in luminance) >= 3  # WCAG 2.2, 1.4.11


def test_a_class_keeps_its_colour_whatever_stands_beside_it():
    alone = palette.colours(["crack"])["crack"]
    assert palette.colours(["burr", "scratch", "crack", "zebra"])["crack"] == alone


def test_eight_classes_have_eight_colours_and_a_ninth_shares_one():
    names = [f"class {number}" for number in range(8)]
    assert len(set(palette.colours(names).values())) == 8
    assert palette.colours([*names, "ninth"])["ninth"] in palette.COLOURS


def test_no_defect_has_no_colour():
    assert palette.colours(["intact"]) == {}
