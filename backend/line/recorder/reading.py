"""A recording from elsewhere, read with suspicion: only files that one holds, none of them outside
of its folder, none that unpacks to much more than it is. Nothing in it is ever run or unpickled."""

import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from backend.records import UserError

MOST_MEMBERS, MOST_BYTES, MOST_HEAD = 5_000, 4_000_000_000, 50_000_000
MOST_RATIO, RATIO_FROM = 200, 10_000_000  # a bomb: so much smaller packed, from so many bytes
NAMES = re.compile(
    r"recording\.json|frames/\d{1,6}\.(png|jpg|bmp|webp|bin)"
    r"|package/[0-9a-f]{64}/(model\.onnx|variant-[0-9a-f]{64}\.onnx|package\.json|MODEL_CARD\.md|example\.py|thresholds\.json"
    r"|golden/(golden\.json|[0-9]{1,4}\.png))"
)
CURE = "Take the recording from its line again."


def unpack(path: Path, into: Path) -> None:
    """Write what a recording holds below `into`. Raises UserError for what is no recording,
    damaged, encrypted, too large, or holds anything else; nothing is left then."""
    try:
        with zipfile.ZipFile(path) as packed:
            members = _checked(packed, path.name, into)
            for member in members:
                target = into / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(member) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
    except FileNotFoundError as error:
        raise UserError(f"There is no file '{path}'.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        shutil.rmtree(into, ignore_errors=True)
        raise UserError(f"{path.name} is no zip file, or a damaged one. {CURE}") from error
    except OSError as error:
        shutil.rmtree(into, ignore_errors=True)
        raise UserError(f"Cannot unpack {path.name}: {error.strerror or error}.") from error


def head_of(packed: zipfile.ZipFile, name: str, head: str) -> bytes:
    """The content of the head alone. Raises UserError where it is missing or too large."""
    try:
        member = packed.getinfo(head)
    except KeyError as error:
        raise UserError(f"{name} is no recording: it lacks {head}. {CURE}") from error
    if member.file_size > MOST_HEAD:
        raise UserError(f"{name}: {head} is too large. {CURE}")
    return packed.read(member)


def _checked(packed: zipfile.ZipFile, name: str, into: Path) -> list[zipfile.ZipInfo]:
    members = packed.infolist()
    if len(members) > MOST_MEMBERS:
        raise UserError(f"{name} holds {len(members)} files; {MOST_MEMBERS} are the most.")
    seen: set[str] = set()
    for member in members:
        _check(member, name)
        if member.filename in seen:
            raise UserError(f"{name} holds '{member.filename}' twice. {CURE}")
        seen.add(member.filename)
    total = sum(member.file_size for member in members)
    into.mkdir(parents=True, exist_ok=True)
    room = min(MOST_BYTES, shutil.disk_usage(into).free)
    if total > room:
        raise UserError(f"{name} unpacks to {total / 1e6:.0f} MB; there is room for less.")
    return members


def _check(member: zipfile.ZipInfo, name: str) -> None:
    shown = ascii(member.filename)[1:-1]
    if not NAMES.fullmatch(member.filename) or stat.S_ISLNK(member.external_attr >> 16):
        raise UserError(f"{name} holds '{shown}', which no recording holds. {CURE}")
    if member.flag_bits & 0x1:
        raise UserError(f"{name} is encrypted. {CURE}")
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > RATIO_FROM and ratio > MOST_RATIO:
        raise UserError(f"{name}: '{shown}' unpacks to {ratio:.0f} times its size. {CURE}")
