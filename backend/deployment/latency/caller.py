"""A package called as a line calls it: the bytes of a picture in, a verdict out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.core import runs
from backend.deployment.latency.first_verdict import decode
from backend.deployment.package import contract, limits
from backend.deployment.package.contract import Package
from backend.inspection.threshold.limits import verdicts
from backend.records import UserError

Fed = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Picture:
    """A part in front of the camera: its image file, and what the line knows of it."""

    file: Path
    data: bytes
    feature_type: str


def pictures(package: Package) -> list[Picture]:
    """The package's golden ones; none of a student. Raises UserError where there are none."""
    if package.kind == contract.STUDENT:
        return []
    golden = package.folder / "golden"
    rows = runs.read_json(golden / "golden.json")["pictures"]
    if not rows:
        raise UserError(f"{golden} holds no picture to time. Make the package again.")
    files = [golden / row["file"] for row in rows]
    return [
        Picture(file, file.read_bytes(), row.get("feature_type", ""))
        for file, row in zip(files, rows, strict=True)
    ]


class Caller:
    """What is done before and after the session, for the k-th call; the pictures are taken in turn.

    A student takes latents in place of pictures: drawn once, nothing is decoded or decided.
    """

    def __init__(self, package: Package) -> None:
        self.package, self.pictures = package, pictures(package)
        self.limits = limits.by_type(package.head.get("threshold"))
        self._drawn = {} if self.pictures else drawn(package.head["inputs"])

    def picture(self, k: int) -> Picture:
        return self.pictures[k % len(self.pictures)]

    def decoded(self, k: int, parts: int = 1) -> NDArray[np.uint8]:
        """Pixels [parts, H, W, 3]: one part's picture, decoded so many times."""
        if not self.pictures:
            return np.empty((parts, 0, 0, 3), np.uint8)
        return np.stack([decode(self.picture(k).data) for _ in range(parts)])

    def fed(self, k: int, pixels: NDArray[np.uint8]) -> Fed:
        """What the session takes."""
        if not self.pictures:
            return {name: np.repeat(one, len(pixels), 0) for name, one in self._drawn.items()}
        return self.package.feed(pixels, [self.picture(k).feature_type] * len(pixels))

    def decided(self, k: int, outputs: list[NDArray[Any]]) -> list[str]:
        """The verdict on each part; "" where nothing is decided."""
        if self.package.kind == contract.ANOMALY:
            known = self.limits.get(self.picture(k).feature_type)
            return list(verdicts(outputs[0], *known)) if known else [""] * len(outputs[0])
        if self.package.kind == contract.DETECTOR:
            least = self.package.head["confidence"]
            return ["BAD" if c.max(initial=0) >= least else "GOOD" for c in outputs[1]]
        return [""] * len(outputs[0])

    def whole(self, session: Any, k: int, parts: int = 1) -> list[str]:
        """From the bytes to the verdicts."""
        fed = self.fed(k, self.decoded(k, parts))
        return self.decided(k, session.run(None, fed))


def drawn(inputs: list[dict[str, Any]]) -> Fed:
    """One row of latents, normal numbers, for each input that package.json describes."""
    rng = np.random.default_rng(0)
    return {
        one["name"]: rng.standard_normal((1, *one["shape"][1:])).astype(one["dtype"])
        for one in inputs
    }
