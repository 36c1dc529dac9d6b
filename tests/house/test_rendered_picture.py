"""The picture of rendered images in the documents shows what the renderer draws now."""

import numpy as np
from PIL import Image

from tests.benchmarks import rendered

LEAST = 20  # grey values: a defect drawn otherwise differs by more, a JPEG by 12
BLOCK = 4  # px over which both are averaged


def test_the_picture_is_of_the_renderer_as_it_is():
    shown = np.asarray(Image.open(rendered.PICTURE))
    seeds = range(0, rendered.COUNT, 4)
    for seed, drawn in zip(seeds, rendered.tiles(seeds), strict=True):
        row, column = divmod(seed, rendered.COLUMNS)
        step = rendered.SHOWN + rendered.GAP
        there = shown[row * step :, column * step :][: rendered.SHOWN, : rendered.SHOWN]
        away = abs(_blocks(there) - _blocks(drawn)).max()
        assert away < LEAST, (
            f"image {seed} of {rendered.PICTURE.name} differs by {away:.0f}: "
            "make it anew with `python -m tests.benchmarks.rendered`, and look at it"
        )


def _blocks(image: np.ndarray) -> np.ndarray:
    """[S, S, 3] averaged over squares of `BLOCK` px."""
    parts = len(image) // BLOCK
    return image.reshape(parts, BLOCK, parts, BLOCK, 3).mean((1, 3))
