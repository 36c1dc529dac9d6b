"""What a recording holds, and which there are.

    recording.json         parts with what was said of them, alarms, and who judged
    frames/<number>.<kind>  the pictures as they were taken in, byte for byte

On its way out the packages join it, as `package/<hash>/`. Packages lie once for all recordings of a
line beside them.
"""

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from backend.core import results
from backend.deployment.gate.spec import FP32
from backend.deployment.package.limits import Limits
from backend.line.recorder import reading
from backend.records import UserError

FORMAT = 1
HEAD = "recording.json"
FOLDER, PACKAGES = "recordings", "packages"
NAMED = re.compile(r"\d{8}T\d{6}-\d+-\d+\.zip")  # others are somebody else's


@dataclass(frozen=True)
class Recorded:
    """A part and what was said of it. frame: its file, "" where it had no picture; sha256: of that.
    judge: by which `Judge` it was judged."""

    epoch: int
    sequence: int
    serial: str
    feature: str
    captured: float
    fault: str
    verdict: str
    score: float | None
    reason: str
    ms: float
    package: str
    thresholds: int
    judge: str
    frame: str
    sha256: str


@dataclass(frozen=True)
class Judge:
    """Who judged. config: the hash that verdicts bear. package: SHA-256 of its model. feature: the
    type of parts whose source does not tell. types, alarm, review: the limits a feature type, None
    where nothing is promised. computer: the fingerprint's id; versions: of libraries. variant: its
    name, of which variant_file is the SHA-256, "" for the package's own model. bits, box,
    box_review: see `judge.Setting`."""

    config: str
    package: str
    thresholds: int
    feature: str
    threads: int
    types: tuple[str, ...]
    alarm: tuple[float | None, ...]
    review: tuple[float | None, ...]
    computer: str
    versions: dict[str, str]
    variant: str = FP32
    variant_file: str = ""
    bits: int = 16
    box: float = 0.0
    box_review: float = 0.0

    @property
    def limits(self) -> dict[str, Limits]:
        pairs = zip(self.alarm, self.review, strict=True)
        return dict(zip(self.types, pairs, strict=True))


@dataclass(frozen=True)
class Alarm:
    """Why it was recorded. place: epoch and sequence of the part, () where none is to blame."""

    reason: str
    time: float
    place: tuple[int, ...] = ()


@dataclass(frozen=True)
class Recording:
    """time: UTC, seconds. parts: oldest first."""

    format: int
    line: str
    time: float
    alarms: tuple[Alarm, ...]
    judges: tuple[Judge, ...]
    parts: tuple[Recorded, ...]


def variant_path(package: Path, digest: str) -> Path:
    """Where a variant of this SHA-256 lies beside its package's files."""
    return package / f"variant-{digest}.onnx"


def files(line: Path) -> list[Path]:
    """The recordings of a line, the newest first."""
    found = (line / FOLDER).glob("*.zip")
    return sorted((path for path in found if NAMED.fullmatch(path.name)), reverse=True)


def kept(line: Path) -> list[Path]:
    """The recordings of a line and the packages that they need, for a backup."""
    packages = (line / FOLDER / PACKAGES).rglob("*")
    return [*files(line), *sorted(path for path in packages if path.is_file())]


def read(path: Path) -> Recording:
    """What a recording tells. Raises UserError where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as packed:
            return parsed(reading.head_of(packed, path.name, HEAD), path.name)
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{path.name} cannot be read ({error}). Choose another.") from error


def parsed(text: bytes, name: str) -> Recording:
    """recording.json with its types checked. Raises UserError naming what does not fit."""
    try:
        values = json.loads(text)
        found = results.from_json(Recording, values)
    except (ValueError, AttributeError, TypeError) as error:
        raise UserError(f"{name}: {HEAD} does not fit ({error}). {reading.CURE}") from error
    if found.format != FORMAT:
        raise UserError(
            f"{name} is of format {found.format!r}; this version reads {FORMAT}. {reading.CURE}"
        )
    return found
