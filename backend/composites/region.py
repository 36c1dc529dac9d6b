"""Where in a photograph defects may lie: a rectangle, a mask image, or the object itself."""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from backend.images import imagefiles
from backend.records import UserError

FRAME = 0.04  # of the shorter side; this strip along the border is taken for background
PLAIN = 0.06  # of full scale; a border that varies more is no plain background


def parse(text: str) -> tuple[float, float, float, float]:
    """`x1 y1 x2 y2` in fractions of width and height; "" is the whole image.

    Raises UserError where it is no rectangle inside the image.
    """
    try:
        numbers = tuple(float(word) for word in text.replace(",", " ").split())
    except ValueError:
        numbers = ()
    if not text.strip():
        return 0.0, 0.0, 1.0, 1.0
    if len(numbers) == 4:
        x1, y1, x2, y2 = numbers
        if 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1:
            return x1, y1, x2, y2
    raise UserError(
        f"Region: '{text}' is no rectangle. Give left, top, right and bottom as fractions of the "
        "image, for example 0.1 0.2 0.9 0.8."
    )


def rectangle(text: str, height: int, width: int) -> np.ndarray:
    """The rectangle as bool [height, width]; at least one pixel."""
    x1, y1, x2, y2 = parse(text)
    inside = np.zeros((height, width), bool)
    top, left = int(y1 * height), int(x1 * width)
    inside[top : max(top + 1, round(y2 * height)), left : max(left + 1, round(x2 * width))] = True
    return inside


def from_file(path: Path) -> np.ndarray:
    """A mask image as bool [h, w], True where it is white. Raises UserError where nothing is."""
    allowed = imagefiles.read_rgb(path).max(2) >= 128
    if not allowed.any():
        raise UserError(
            f"Region file '{path}' has no white part. Paint white where defects may be."
        )
    return allowed


def fitted(mask: np.ndarray, height: int, width: int, squared: bool = False) -> np.ndarray:
    """A mask image at a photograph's size; squared: the photograph itself was made square.

    Raises UserError where the two differ in shape, or nothing is left of the mask.
    """
    if not squared and abs(mask.shape[1] / mask.shape[0] - width / height) > 0.02 * width / height:
        raise UserError(
            f"Region file: it has {mask.shape[1]} × {mask.shape[0]} px, a photograph {width} × "
            f"{height} px. Give a mask of the same proportions."
        )
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    small = np.asarray(image.resize((width, height), Image.Resampling.BOX)) >= 128
    if not small.any():
        raise UserError("Region file: nothing is white at this size. Mark a larger part.")
    return small


def object_of(pixels: np.ndarray) -> np.ndarray | None:
    """The object before a plain background as bool [H, W]; None where there is no such thing.

    The colour of the border is the background's; what differs from it by more than Otsu's
    threshold (IEEE SMC 9, 1979) is the object, its rim left out.
    """
    height, width = pixels.shape[:2]
    strip = max(2, round(FRAME * min(height, width)))
    border = np.ones((height, width), bool)
    border[strip:-strip, strip:-strip] = False
    colours = pixels[border].astype(np.float32)
    colour = np.median(colours, axis=0)
    if np.percentile(np.abs(colours - colour).max(1), 75) > PLAIN * 255:
        return None
    far = np.abs(pixels.astype(np.float32) - colour).max(2)
    far = ndimage.gaussian_filter(far, max(1.0, min(height, width) / 200))
    found = _largest(far > max(_otsu(far), PLAIN * 255))
    share = float(found.mean())
    rim = max(1, round(min(height, width) / 100))
    found = ndimage.binary_erosion(found, iterations=rim, border_value=1)
    return found if 0.03 <= share <= 0.97 and found.any() else None


def _otsu(values: np.ndarray) -> float:
    """The threshold that parts the values into two classes of least variance."""
    counts, edges = np.histogram(values, 128)
    middle = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(middle[int(np.nanargmax(apart[:-1]))])


def _largest(mask: np.ndarray) -> np.ndarray:
    """The parts of a mask at least a tenth as large as its largest, without their specks; a hole
    of more than a two-hundredth of them shows the background and stays."""
    labelled, count = ndimage.label(mask)
    if not count:
        return mask
    sizes = np.bincount(labelled.ravel())[1:]
    found = np.isin(labelled, np.flatnonzero(sizes >= sizes.max() / 10) + 1)
    holes, _ = ndimage.label(ndimage.binary_fill_holes(found) & ~found)
    areas = np.bincount(holes.ravel())
    areas[0] = found.size
    return np.asarray(found | (areas <= found.sum() / 200)[holes])
