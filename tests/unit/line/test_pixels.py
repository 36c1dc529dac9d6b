"""Pixels of an industrial camera become the picture that was before its lens."""

import cv2
import numpy as np
import pytest

from backend.line.judge import opened
from backend.line.sources import pixels
from backend.records import UserError

WIDTH, HEIGHT = 32, 24
MOSAICS = {  # PFNC's name: channel (0 red, 1 green, 2 blue) of the pixels of a 2 × 2 square
    "BayerRG8": ((0, 1), (1, 2)),
    "BayerGR8": ((1, 0), (2, 1)),
    "BayerGB8": ((1, 2), (0, 1)),
    "BayerBG8": ((2, 1), (1, 0)),
}


@pytest.fixture
def scene():
    """A smooth picture in RGB with more red on the left, more blue at the bottom."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([200 - 4 * x, 90 + x, 40 + 6 * y], axis=2).astype(np.uint8)


def read(png):
    return np.asarray(opened(png, 16))


def mosaic(scene, square):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    channels = np.array(square)[y % 2, x % 2]
    return np.take_along_axis(scene, channels[..., None], axis=2)[..., 0]


@pytest.mark.parametrize("name", MOSAICS)
def test_a_mosaic_has_the_colours_of_its_scene(name, scene):
    values = mosaic(scene, MOSAICS[name]).ravel()
    found = read(pixels.png(values, HEIGHT, WIDTH, name)).astype(int)
    gap = np.abs(found - scene)[2:-2, 2:-2]
    assert gap.max() <= 8, "what lies between is interpolated"


@pytest.mark.parametrize(
    ("name", "order"),
    [("RGB8", (0, 1, 2)), ("BGR8", (2, 1, 0)), ("RGBa8", (0, 1, 2, 3)), ("BGRa8", (2, 1, 0, 3))],
)
def test_colours_keep_their_channels(name, order, scene):
    opaque = np.dstack([scene, np.full((HEIGHT, WIDTH), 255, np.uint8)])[..., order]
    assert (read(pixels.png(opaque.ravel(), HEIGHT, WIDTH, name)) == scene).all()


def test_what_fills_up_the_lines_is_passed_over(scene):
    padded = np.pad(scene.reshape(HEIGHT, -1), ((0, 0), (0, 5)), constant_values=7)
    assert (read(pixels.png(padded.ravel(), HEIGHT, WIDTH, "RGB8")) == scene).all()


def test_grey_of_12_bits_keeps_them():
    values = np.linspace(0, 4095, WIDTH * HEIGHT).astype(np.uint16)
    png = pixels.png(values.view(np.uint8), HEIGHT, WIDTH, "Mono12")
    kept = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert (kept.ravel() == values).all()
    assert np.asarray(opened(png, 12)).max() == 255, "and stands as bright as its camera meant"


@pytest.mark.parametrize(
    ("count", "name", "words"),
    [
        (WIDTH * HEIGHT * 2, "YUV422_8", "'YUV422_8' is not read here"),
        (WIDTH * HEIGHT - 1, "Mono8", "are no picture of 32 × 24 px"),
        (WIDTH * HEIGHT, "RGB8", "are no picture of 32 × 24 px"),
    ],
)
def test_what_is_no_picture_is_refused(count, name, words):
    with pytest.raises(UserError, match=words):
        pixels.png(np.zeros(count, np.uint8), HEIGHT, WIDTH, name)
