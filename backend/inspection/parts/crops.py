"""The parts of a finished run: their table, their pictures as crops, what is measured of each."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from backend.core import facts, runs
from backend.images import duplicates, imagefiles
from backend.inspection import inspect_part
from backend.inspection.parts import relabelling
from backend.records import UserError

COLUMNS = (
    *("part", "path", "feature", "label", "group", "defect"),
    *("image", "x1", "y1", "x2", "y2", "mask_path", "excess", "area", "given_group"),
)


Crops = NDArray[np.uint8]


def read_parts(run_folder: Path) -> pd.DataFrame:
    """The parts of a run as people left them, with the columns `COLUMNS`, in a fixed order."""
    return relabelling.applied(made_parts(run_folder), run_folder)


def made_parts(run_folder: Path) -> pd.DataFrame:
    """The parts as the run made them."""
    return _made(run_folder, runs.state_of(facts.path(run_folder, "parts"))).copy(deep=False)


@lru_cache(maxsize=4)
def _made(run_folder: Path, state: runs.FileState) -> pd.DataFrame:
    """As `made_parts`, sorted once for each state of the file."""
    return facts.read(run_folder, "parts").sort_values("part").reset_index(drop=True)


def read_crops(frame: pd.DataFrame, run_folder: Path, size: int) -> Crops:
    """RGB crops [N, size, size, 3] of the parts in `frame`, area-averaged where they shrink."""
    crops = [read_crop(run_folder / path, size) for path in frame["path"]]
    return np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)


def read_crop(path: Path, size: int) -> Crops:
    """One RGB crop [size, size, 3]. Raises UserError where the file is gone or damaged."""
    if not path.is_file():
        raise UserError(f"{path} is gone. Put the image back or import the parts again.")
    return inspect_part.crop_of(Image.fromarray(imagefiles.read_rgb(path)), size)


def measures_of(pixels: np.ndarray) -> dict[str, Any]:
    """Of uint8 [H, W, 3]: width and height in px, brightness and contrast (mean and standard
    deviation of the grey values, 0 to 255), sharpness and digest.

    sharpness: variance of the Laplacian (Pech-Pacheco et al., ICPR 2000), which grows with noise
    too. digest: see `duplicates.digest`.
    """
    grey = np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float32)
    return {
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "brightness": float(grey.mean()),
        "contrast": float(grey.std()),
        "sharpness": float(ndimage.laplace(grey).var()),
        "digest": duplicates.digest(pixels),
    }
