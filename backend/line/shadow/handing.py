"""Parts handed from a line to its shadow's process: a head in JSON, then the picture's bytes."""

import json
import struct
from dataclasses import asdict, dataclass
from typing import IO, Any

from backend.core import results
from backend.line.part import Captured, Judgement, Part

SIZES = struct.Struct(">II")  # bytes of the head, and of the picture


@dataclass(frozen=True)
class Handed:
    """A part with what the active judge said of it. picture: its kept crop's path."""

    id: int
    epoch: int
    sequence: int
    serial: str
    feature: str
    captured: float
    fault: str
    active: str
    active_score: float | None
    picture: str


def packed(part: Part, said: Judgement) -> bytes:
    """A part as it goes through the pipe."""
    one = part.captured
    head = Handed(
        *(part.id, part.epoch, part.sequence, one.serial, one.feature, one.captured, one.fault),
        *(said.verdict.value, said.score, said.picture),
    )
    text = json.dumps(asdict(head)).encode()
    return SIZES.pack(len(text), len(one.picture)) + text + one.picture


def unpacked(pipe: IO[bytes]) -> tuple[Handed, Captured] | None:
    """The next part, None at the end of the pipe."""
    sizes = pipe.read(SIZES.size)
    if len(sizes) < SIZES.size:
        return None
    text, picture = (pipe.read(size) for size in SIZES.unpack(sizes))
    values: dict[str, Any] = json.loads(text)
    head = results.from_json(Handed, values)
    return head, Captured(picture, head.feature, head.captured, head.serial, fault=head.fault)
