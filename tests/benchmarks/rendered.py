"""The picture of rendered images in docs/results.md: `python -m tests.benchmarks.rendered`.

Where the renderer draws otherwise than before, a house test asks for it anew. Look at it then.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from backend.images import pictures
from backend.renderer import CLASSES, render
from backend.settings import PROJECT

PICTURE = PROJECT / "docs" / "rendered.jpg"
COUNT, COLUMNS, SIZE, SHOWN = 100, 10, 256, 128  # SIZE, SHOWN: edge as rendered and as shown, px
GAP = 1  # px between two of them


def tiles(seeds: Sequence[int]) -> list[np.ndarray]:
    """Images of these seeds as they are shown: uint8 [SHOWN, SHOWN, 3]."""
    made = (render(seed, SIZE, classes=CLASSES).image for seed in seeds)
    return [pictures.resized(image, SHOWN) for image in made]


def main() -> None:
    """Write the first images of a run with all kinds of defect on glass."""
    sheet = pictures.sheet(tiles(range(COUNT)), COLUMNS, GAP)
    Image.fromarray(sheet).save(PICTURE, quality=88)


if __name__ == "__main__":
    main()
