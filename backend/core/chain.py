"""The chain of the journal of actions: no line can be changed or taken out unseen.

A line's `chain` is the SHA-256 of the line before's and of its own words. Name and address enter
by `person`, the SHA-256 of a salt and both: without salt, name and address the chain still holds,
so that people can be forgotten. What a journal held before its first link is covered by that.

Lines cut off at the end leave no trace in the file: whoever keeps the newest link elsewhere can
ask whether it is still there.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

TAIL = 64 * 1024  # bytes in which the line before is found at once
FORGOTTEN = "forgotten"  # in place of a name
OF_PEOPLE = ("actor", "address", "salt", "chain")  # not in the words that are linked


@dataclass(frozen=True)
class Verified:
    """lines: that are linked. newest: the last link, "" where there is none."""

    lines: int
    newest: str
    problems: tuple[str, ...]


def linked(file: BinaryIO, entry: dict[str, Any]) -> dict[str, Any]:
    """The entry of an action with its link to what the open journal holds."""
    salt = secrets.token_hex(8)
    entry |= {"person": _person(salt, entry), "salt": salt}
    return entry | {"chain": _link(_last(file), entry)}


def without_name(raw: bytes, before: str) -> bytes:
    """A line without its name and address, where it is linked and older than `before`; else as it
    is. before: UTC, ISO 8601."""
    entry = _entry(raw)
    if "chain" not in entry or not entry.get("salt") or str(entry.get("time", before)) >= before:
        return raw
    entry |= {"actor": FORGOTTEN, "address": "", "salt": ""}
    return json.dumps(entry).encode() + b"\n"


def verify(path: Path, against: str = "") -> Verified:
    """Follows the chain. against: a link kept elsewhere, which has to be in it."""
    data = path.read_bytes() if path.exists() else b""
    before, count, place = "", 0, 0
    known: set[str] = set()
    problems: list[str] = []
    for number, raw in enumerate(data.splitlines(keepends=True), start=1):
        entry = _entry(raw)
        if "chain" in entry:
            before = before or _start(data[:place])
            problems += [f"Line {number} {what}" for what in _wrong(before, entry)]
            before, count = str(entry["chain"]), count + 1
            known.add(before)
        elif before and raw.strip():
            problems.append(f"Line {number} is cut short, or bears no link.")
        place += len(raw)
    if against and against not in known:
        problems.append("The link kept elsewhere is not in the journal: lines were taken out.")
    return Verified(count, before, tuple(problems))


def _wrong(before: str, entry: dict[str, Any]) -> Iterator[str]:
    if entry["chain"] != _link(before, entry):
        yield "was changed, or a line before it was changed or taken out."
    elif not _is_forgotten(entry) and entry.get("person") != _person(entry.get("salt"), entry):
        yield "names somebody else than it did."


def _is_forgotten(entry: dict[str, Any]) -> bool:
    """Whether it is as `without_name` left it; any other name has to be the one it was linked
    with."""
    return [entry.get(name) for name in ("salt", "actor", "address")] == ["", FORGOTTEN, ""]


def _person(salt: Any, entry: dict[str, Any]) -> str:
    words = json.dumps([salt, entry.get("actor"), entry.get("address")])
    return hashlib.sha256(words.encode()).hexdigest()


def _link(before: str, entry: dict[str, Any]) -> str:
    words = {key: value for key, value in entry.items() if key not in OF_PEOPLE}
    text = json.dumps([before, words], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _last(file: BinaryIO) -> str:
    """The link of the newest whole line, or the start of a chain over all that is there."""
    end = file.seek(0, 2)
    for begin in (max(0, end - TAIL), 0):
        file.seek(begin)
        data = file.read()
        for raw in reversed(data.splitlines()):
            if link := _entry(raw).get("chain"):
                return str(link)
    return _start(data)


def _start(data: bytes) -> str:
    return hashlib.sha256(data.rstrip(b"\n")).hexdigest()


def _entry(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
