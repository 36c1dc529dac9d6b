"""The golden pictures of a package: does the model still give what package.json's maker saw?"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.core import runs
from backend.deployment.gate.checks import Check
from backend.deployment.package.contract import Package
from backend.images import imagefiles
from backend.wording import counted, tiny


def pictures(package: Package) -> Iterator[tuple[NDArray[np.uint8], Mapping[str, Any]]]:
    """Pixels [H, W, 3] of each, and its line of golden.json."""
    folder = package.folder / "golden"
    for one in runs.read_json(folder / "golden.json")["pictures"]:
        yield imagefiles.read_rgb(folder / one["file"]), one


def check(gaps: list[float], what: str, tolerance: float) -> Check:
    """gaps: how far each golden picture's result lies from what is promised. tolerance: what is
    left to processors, which round differently."""
    worst = max(gaps, default=float("nan"))
    passed = worst <= tolerance
    words = (
        f"{counted(len(gaps), 'golden picture')}: {what} differs by at most {tiny(worst)} from "
        f"what the package promises, {tiny(tolerance)} is allowed."
    )
    return Check("golden pictures", passed, words, worst, limit=tolerance, n=len(gaps))


def gap(wanted: float, found: float) -> float:
    """|a - b| / max(1, |a|)."""
    return abs(wanted - found) / max(1.0, abs(wanted))
