"""Image files: read safely from anywhere, and written. The one reader of both flows."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from backend.records import UserError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
# ultralytics replaces Image.open by one that, for a damaged file, looks for a HEIF reader.
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, ModuleNotFoundError)
MOST_PIXELS = 50_000_000


def image_files(folder: Path) -> list[Path]:
    """Image files of a folder and below, sorted. Raises UserError where there is none."""
    if not folder.is_dir():
        raise UserError(f"There is no folder '{folder}' on this computer.")
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not files:
        raise UserError(f"'{folder}' holds no image ({', '.join(SUFFIXES)}).")
    return files


def read_rgb(path: Path) -> np.ndarray:
    """An image as uint8 [H, W, 3], turned as its EXIF says; 16-bit grey keeps its upper byte.

    Raises UserError for a missing, damaged or huge file; a huge one is not decoded.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise UserError(f"{path} has {width} × {height} px; 50 megapixels are the most.")
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):
                grey = np.asarray(upright).clip(0, 65535) // 257
                upright = Image.fromarray(grey.astype(np.uint8))
            return np.asarray(upright.convert("RGB"))
    except Image.DecompressionBombError as error:
        raise UserError(f"'{path}' has too many px; 50 megapixels are the most.") from error
    except FileNotFoundError as error:
        raise UserError(f"There is no image file '{path}'.") from error
    except UNREADABLE as error:
        raise UserError(f"'{path}' is no readable image. Replace or remove it.") from error


def write(path: Path, pixels: np.ndarray) -> None:
    """Write a uint8 image [H, W] or [H, W, 3]; a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial" + path.suffix)
    Image.fromarray(pixels).save(partial, compress_level=1)
    partial.replace(path)
