"""Feature maps on disk: the same pictures through the same backbone are computed once.

storage/cache/features/<key>.npz, float16; the key is the hash of the pictures and the backbone.
The oldest files go where all together take more than `LIMIT`. Deleting the folder does no harm.
"""

import hashlib
import json
import os
import time
import zipfile
from pathlib import Path

import numpy as np
from torch import nn

from backend.inspection.model import features
from backend.inspection.model.features import Crops, Tick, no_tick
from backend.inspection.model.scoring import Floats
from backend.numeric import backbones, scattering, vision

LIMIT = 2 * 2**30  # bytes


def extract(
    backbone: nn.Module, crops: Crops, folder: Path, tick: Tick = no_tick
) -> tuple[Floats, float]:
    """Feature maps [N, C, G, G], rounded to float16, and the seconds a part took to compute.

    Read from `folder` where an earlier run left them there; a damaged file is made anew.
    """
    file = folder / f"{key(backbone, crops)}.npz"
    kept = _read(file)
    if kept is not None:
        tick(1.0, "features from the cache")
        return kept
    started = time.monotonic()
    maps = features.extract(backbone, crops, tick).astype(np.float16)
    seconds = (time.monotonic() - started) / max(1, len(crops))
    _write(file, maps, seconds)
    return maps.astype(np.float32), seconds


def key(backbone: nn.Module, crops: Crops) -> str:
    """Hash of the pictures [N, S, S, 3] and of the backbone's layout and weights."""
    told = hashlib.sha256()
    for module in (features, backbones, scattering, vision):  # another version, other features
        told.update(Path(str(module.__file__)).read_bytes())
    told.update(json.dumps(features.describe(backbone), sort_keys=True).encode())
    for name, value in sorted(backbone.state_dict().items()):
        told.update(name.encode() + value.numpy().tobytes())
    told.update(str(crops.shape).encode() + np.ascontiguousarray(crops).tobytes())
    return told.hexdigest()[:32]


def _read(file: Path) -> tuple[Floats, float] | None:
    try:
        with np.load(file) as kept:
            found = kept["maps"].astype(np.float32), float(kept["seconds"])
        file.touch()
        return found
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(file: Path, maps: np.ndarray, seconds: float) -> None:
    """Whole or not at all: another process may look for it at the same time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    waiting = file.with_name(f"{file.stem}.{os.getpid()}.part")
    with waiting.open("wb") as stream:
        np.savez(stream, maps=maps, seconds=seconds)
    waiting.replace(file)
    _make_room(file.parent, file)


def _make_room(folder: Path, newest: Path) -> None:
    """Delete the files that were longest not used, until all fit into `LIMIT`."""
    files = sorted(folder.glob("*.npz"), key=lambda f: f.stat().st_mtime, reverse=True)
    total = 0
    for file in files:
        total += file.stat().st_size
        if total > LIMIT and file != newest:
            file.unlink(missing_ok=True)
