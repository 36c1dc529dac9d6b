"""Image files: read safely from anywhere, and written. The one reader of both flows.

Pictures of more than 8 bits a channel are scaled by the bits in use, alike for a whole set
(`depth_of`): a camera's 12 bits in a 16-bit file would be black otherwise.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from backend.core import runs
from backend.records import UserError
from backend.wording import counted

# ultralytics replaces Image.open by one that, for a damaged file, looks for a HEIF reader.
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, ModuleNotFoundError)
MOST_PIXELS = 50_000_000
TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height
ORIENTATION, BITS_PER_SAMPLE, PLANAR = 0x0112, 258, 284
MANY = (".tif", ".tiff", ".gif", ".webp", ".avif")  # may hold several pictures
BITS = (8, 10, 12, 14, 16)  # that cameras have
JUST_OVER_1, LEAST_COUNTS = 1.1, 32.0  # of floats: what is between is neither 0 … 1 nor 0 … 255


@dataclass(frozen=True)
class Header:
    """What an image file says before it is decoded.

    width, height: px, as its EXIF turns it. deep: more than 8 bits a channel. pages: how many
    pictures the file holds.
    """

    width: int
    height: int
    deep: bool
    pages: int


@dataclass(frozen=True)
class Depth:
    """The values that are white in the deep pictures of a set: 4095 for 12 bits, 1 for floats.

    count: how many of its pictures are deep. most: the largest whole value found. padding: so many
    lowest bits are empty in pictures whose bits in use are the highest ones, as some cameras write
    them; 0 where none is so.
    """

    white: int = 255
    float_white: float = 1.0
    count: int = 0
    most: int = 0
    padding: int = 0

    def joined(self, other: "Depth") -> "Depth":
        """One depth for the pictures of both."""
        return Depth(
            max(self.white, other.white),
            max(self.float_white, other.float_white),
            self.count + other.count,
            max(self.most, other.most),
            max(self.padding, other.padding),
        )

    @property
    def words(self) -> str:
        """How the deep pictures are scaled."""
        what = (
            f"by the {self.white.bit_length()} bits in use (largest value {self.most})"
            if self.most
            else f"from 0 … {self.float_white:g}"
        )
        deep = counted(
            self.count, "picture of more than 8 bits is", "pictures of more than 8 bits are"
        )
        return f"{deep} scaled {what}, all alike."


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The file as Pillow opens it, nothing decoded.

    Raises UserError for a missing, damaged or huge file, also where decoding within finds out.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise UserError(
                    f"{path} has {image.width} × {image.height} px; 50 megapixels are the most."
                )
            yield image
    except Image.DecompressionBombError as error:
        raise UserError(f"'{path}' has too many px; 50 megapixels are the most.") from error
    except FileNotFoundError as error:
        runs.refuse_archived_file(path)
        raise UserError(f"There is no image file '{path}'.") from error
    except UNREADABLE as error:
        raise UserError(f"'{path}' is no readable image. Replace or remove it.") from error


def header(path: Path) -> Header:
    """The size and depth of an image; of a file that is as it was, remembered. Raises UserError as
    `opened` does."""
    try:
        now = path.stat()
    except (OSError, ValueError):
        return _header(path)
    return _header(path, now.st_ino, now.st_size, now.st_mtime_ns)


@lru_cache(65_536)
def _header(path: Path, *_: int) -> Header:
    with opened(path) as image:
        width, height = image.size
        # the base class's method: the one for PNG decodes the image; TIFF gives the turned size
        turned = Image.Image.getexif(image).get(ORIENTATION) in TURNED and image.format != "TIFF"
        size = (height, width) if turned else (width, height)
        return Header(*size, is_deep(image), getattr(image, "n_frames", 1))


def size(path: Path) -> tuple[int, int]:
    """Width and height of an image, px, as its EXIF turns it; it is not decoded."""
    found = header(path)
    return found.width, found.height


def is_deep(image: Image.Image) -> bool:
    """Has an opened image more than 8 bits a channel?"""
    if image.mode[0] in "IF":
        return True
    bits = getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, (8,))
    tiles = getattr(image, "tile", ())
    return max(bits, default=8) > 8 or any(";16" in str(tile[3]) for tile in tiles)


def read_rgb(path: Path, depth: Depth | None = None) -> np.ndarray:
    """An image as uint8 [H, W, 3], turned as its EXIF says; of several pages, the first.

    depth: of the picture's set; where it is not given, a deep picture is scaled by its own bits.
    Raises UserError for a missing, damaged or huge file; a huge one is not decoded.
    """
    with opened(path) as image:
        if is_deep(image):
            image = _scaled(path, image, depth or depth_of([path]))
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def read_upload(name: str, content: bytes | memoryview, depth: Depth | None = None) -> np.ndarray:
    """What was sent as an image of that file name, as `read_rgb` gives it, and not kept.

    Raises UserError where it is none.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            return read_rgb(path, depth)
        except UserError as error:
            raise UserError(str(error).replace(f"{folder}/", "")) from error


def _scaled(path: Path, image: Image.Image, depth: Depth) -> Image.Image:
    values = _values(path, image)
    white = depth.float_white
    if values.dtype.kind != "f":
        white = depth.white
        values = values >> _padding(values, depth.padding)
    shares = (values.astype(np.float32) / np.float32(white)).clip(0, 1)
    scaled = Image.fromarray((shares * 255).round().astype(np.uint8))
    if image.mode[0] not in "IF" and (turn := image.getexif().get(ORIENTATION)):
        scaled.getexif()[ORIENTATION] = turn
    return scaled


def _values(path: Path, image: Image.Image) -> np.ndarray:
    """A deep picture's numbers [H, W] or [H, W, 3].

    Pillow keeps 8 bits of a channel where there are three, so those are read by OpenCV. Raises
    UserError for numbers that are no brightness.
    """
    if image.mode[0] in "IF":
        values = np.asarray(ImageOps.exif_transpose(image))
    else:
        import cv2

        planar = getattr(image, "tag_v2", {}).get(PLANAR) == 2  # which OpenCV reads as noise
        found = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
        if planar or found is None or found.ndim != 3 or found.shape[2] not in (3, 4):
            raise UserError(f"'{path}' is no readable image. Save it as PNG with 8 or 16 bits.")
        values = found[..., 2::-1]
    whole = values.dtype.kind in "iu"
    if not np.isfinite(values).all() or values.min() < 0 or (whole and values.max() > 65535):
        raise UserError(
            f"'{path}' holds values below 0, over 65535, or that are no numbers. Save it with 8 or "
            "16 bits a channel."
        )
    return values


def depth_of(paths: Iterable[Path]) -> Depth:
    """How the deep pictures among these are to be scaled: all by the same bits.

    Only deep ones are decoded; files that cannot be read are passed over. Raises UserError for
    values that are no brightness.
    """
    float_most, found = 0.0, []
    for path in paths:
        try:
            if not header(path).deep:
                continue
        except UserError:
            continue  # named where it is read
        with opened(path) as image:
            values = _values(path, image)
        if values.dtype.kind == "f":
            float_most = max(float_most, float(values.max()))
            found.append((0, 0))
        else:
            found.append((int(values.max()), _empty_bits(values)))
    padding = max((empty for most, empty in found if most >> (16 - empty)), default=0)
    most = max((m >> padding if empty >= padding else m for m, empty in found), default=0)
    return Depth(_white(most), _float_white(float_most), len(found), most, padding)


def _float_white(most: float) -> float:
    """1, which resampling overshoots a little, or the bits in use. Raises UserError in between."""
    if JUST_OVER_1 < most < LEAST_COUNTS:
        raise UserError(
            f"The pictures of floating point go up to {most:g}: neither from 0 to 1 nor "
            "from 0 to 255. Save them with 8 or 16 bits a channel."
        )
    return 1.0 if most <= JUST_OVER_1 else float(_white(most))


def _empty_bits(values: np.ndarray) -> int:
    """How many of the lowest bits, 0, 2, 4 or 6, no value of a picture uses."""
    used = int(np.bitwise_or.reduce(values, axis=None))
    return next((16 - bits for bits in BITS[1:] if used % (1 << (16 - bits)) == 0), 0)


def _padding(values: np.ndarray, padding: int) -> int:
    """The set's padding where this picture has it too, else 0."""
    return padding if padding and _empty_bits(values) >= padding else 0


def told_of(paths: Iterable[Path], depth: Depth) -> list[str]:
    """Notes on deep pictures, and on files that hold more pictures than the one that is taken."""
    several, further = 0, 0
    for path in paths:
        if path.suffix.lower() in MANY:
            with suppress(UserError):  # named where it is read
                pages = header(path).pages
                several, further = several + (pages > 1), further + pages - 1
    notes = [depth.words] if depth.count else []
    if several:
        notes.append(
            f"{counted(several, 'file holds', 'files hold')} several pictures: the first of "
            f"each is taken, the {further} further ones are left out."
        )
    return notes


def _white(most: float) -> int:
    return next((2**bits - 1 for bits in BITS if most < 2**bits), 65535)


def read_mask(path: Path) -> np.ndarray:
    """A mask file as uint8 [H, W]: 255 where it is not black; in a JPEG, from half brightness."""
    with opened(path) as image:
        if image.mode[0] in "IF":
            return _white_where(np.asarray(ImageOps.exif_transpose(image)) > 0)
    least = 128 if path.suffix.lower() in (".jpg", ".jpeg", ".jfif", ".jpe") else 1
    return _white_where(read_rgb(path).max(axis=2) >= least)


def _white_where(mask: np.ndarray) -> np.ndarray:
    return mask.astype(np.uint8) * np.uint8(255)


def write(path: Path, pixels: np.ndarray) -> None:
    """Write a uint8 image [H, W] or [H, W, 3]; a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial" + path.suffix)
    Image.fromarray(pixels).save(partial, compress_level=1)
    partial.replace(path)
