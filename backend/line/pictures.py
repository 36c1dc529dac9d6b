"""Crops that are kept: all that are not GOOD, a sample of the GOOD ones, and those to review.

They are the first to go where room runs out, oldest first; verdicts stay.
"""

import hashlib
import json
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.line.part import Part, Verdict
from backend.line.review import draw
from backend.records import Box

FOLDER = "pictures"
KINDS = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"BM": ".bmp", b"RIFF": ".webp"}
MAP = ".map.png"  # in place of a crop's ending: its map
BOXES = ".boxes.json"  # and its boxes
MOST_Z = 12.0  # a map's brightest
MORE = 0.2  # share of parts drawn for review, at least, while new limits wait for them


@dataclass(frozen=True)
class Limits:
    """share: of GOOD parts that are kept. bytes, files: the most there may be. blind: share of all
    parts that a person is to look at."""

    share: float
    bytes: int
    files: int
    blind: float = 0.0


class Pictures:
    """The kept crops of a line. trouble: why one could not be kept, "" while all is well.

    suspended: the promise of its limits does not hold, and reviewed parts are to make new ones.
    """

    def __init__(self, home: Path, line: str, limits: Limits) -> None:
        self.home, self.line, self.limits = home, line, limits
        self.trouble, self.suspended = "", False
        self._kept = deque(sorted(_kept(home / FOLDER)))
        self._bytes = sum(size for *_, size in self._kept)
        self._key = draw.key_of(home)

    def keep(
        self,
        part: Part,
        verdict: Verdict,
        anomaly_map: NDArray[np.float32] | None,
        boxes: Sequence[Box] = (),
    ) -> str:
        """Where a part's crop lies now within the line's folder, "" where it was not kept."""
        picture = part.captured.picture
        if not picture:
            return ""
        if verdict is Verdict.GOOD and not self._is_sample(part) and not self.blind(part, verdict):
            return ""
        day = time.strftime("%Y%m%d", time.gmtime(part.captured.captured))
        path = Path(FOLDER, day, f"{part.epoch}-{part.sequence}{ending(picture)}")
        target = self.home / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._write(target, picture)
            if anomaly_map is not None:
                self._write(target.with_suffix(MAP), _as_png(anomaly_map))
            if boxes:
                told = json.dumps({"boxes": [asdict(box) for box in boxes]})
                self._write(target.with_suffix(BOXES), told.encode())
        except OSError as error:
            self.trouble = f"Pictures cannot be kept ({error.strerror}). Make room on that disk."
            return ""
        self.trouble = ""
        return str(path)

    def blind(self, part: Part, verdict: Verdict) -> float:
        """The share with which a judged part was drawn for review, 0 where it was not."""
        share = self.limits.blind
        share = max(share, MORE) if share and self.suspended else share
        seen = verdict is not Verdict.UNINSPECTED
        return share if seen and draw.is_drawn(self._key, part.epoch, part.sequence, share) else 0.0

    def _is_sample(self, part: Part) -> bool:
        """By its key alone: nothing about the part decides whether it is looked at."""
        key = f"{self.line}/{part.epoch}/{part.sequence}".encode()
        drawn = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) / 2**64
        return drawn < self.limits.share

    def _write(self, target: Path, content: bytes) -> None:
        """Raises OSError where it cannot be written whole; then nothing is left of it."""
        try:
            target.write_bytes(content)
        except OSError:
            target.unlink(missing_ok=True)
            raise
        self._kept.append((*_key(target), str(target), len(content)))
        self._bytes += len(content)

    def tidy(self) -> int:
        """Delete the oldest crops beyond the limits; how many."""
        gone = 0
        while self._kept and (
            self._bytes > self.limits.bytes or len(self._kept) > self.limits.files
        ):
            *_, path, size = self._kept.popleft()
            Path(path).unlink(missing_ok=True)
            self._bytes -= size
            gone += 1
            if not self._kept or Path(self._kept[0][2]).parent != Path(path).parent:
                _remove_if_empty(Path(path).parent)
        return gone


def _kept(folder: Path) -> Iterator[tuple[int, int, str, int]]:
    """Epoch, sequence number, path and size of each file that an earlier start left."""
    for path in folder.glob("*/*"):
        yield *_key(path), str(path), path.stat().st_size


def _key(path: Path) -> tuple[int, int]:
    """A part's epoch and sequence number, by which crops are old or new whatever the clock says."""
    epoch, _, rest = path.name.partition("-")
    sequence = rest.partition(".")[0]
    return (int(epoch), int(sequence)) if epoch.isdecimal() and sequence.isdecimal() else (0, 0)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def ending(picture: bytes) -> str:
    """That of a file of this content."""
    return next((end for start, end in KINDS.items() if picture.startswith(start)), ".bin")


def _as_png(anomaly_map: NDArray[np.float32]) -> bytes:
    """A map [G, G] of z-scores as a grey picture: black at 0, white at MOST_Z and above."""
    from io import BytesIO

    grey = np.nan_to_num(np.clip(anomaly_map / MOST_Z, 0, 1)) * 255
    target = BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(target, "PNG")
    return target.getvalue()
