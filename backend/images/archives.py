"""Zip files from elsewhere, unpacked safely."""

import lzma
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from backend.images import words
from backend.images.folder import LABELS, SUFFIXES, UNREAD, composed, is_hidden, unread_notes
from backend.records import Progress, UserError

WANTED = (*SUFFIXES, *UNREAD, *LABELS)
UTF8 = 0x800  # the flag of a name in UTF-8; without it, the name is in the packer's code page
MOST_MEMBERS = 200_000
MOST_BYTES = 20_000_000_000
MOST_RATIO, RATIO_FROM = 200, 10_000_000  # a bomb: so much smaller packed, from so many bytes
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, NotImplementedError, ValueError),
)


def opened(path: Path, into: Path, progress: Progress) -> Path:
    """The folder to read: `path` itself, or what `unpack` makes of a zip, in place of what an
    interrupted run left in `into`. Raises UserError as that does."""
    if path.is_dir():
        return path
    shutil.rmtree(into, ignore_errors=True)

    def unpacking(fraction: float, message: str = "", **_: object) -> None:
        progress(0.0, message)

    return unpack(path, into, unpacking)


def check(archive: Path) -> None:
    """Raises UserError for a file called a zip that is none, or that lists what `unpack` refuses;
    other places are left to whoever reads them."""
    there = os.path.isfile(archive)  # noqa: PTH113 - no error where a name is too long
    if archive.suffix.lower() != ".zip" or not there:
        return
    with _opened(archive) as packed:
        _chosen(packed, archive.name)


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    """The zip to read. Raises UserError for whatever keeps it from being read."""
    try:
        with zipfile.ZipFile(archive) as packed:
            yield packed
    except FileNotFoundError as error:
        raise UserError(f"There is no file '{archive}'.") from error
    except DAMAGED as error:
        raise UserError(
            f"{archive.name} is no zip file, or a damaged one. Pack it again as zip."
        ) from error
    except OSError as error:
        raise UserError(f"Cannot unpack {archive.name}: {error.strerror or error}.") from error


def unpack(archive: Path, into: Path, progress: Progress | None = None) -> Path:
    """Unpack a zip's images and label files; gives its single top folder, else `into`.

    A top folder that says something (`train`, `good`) is kept as one.

    Other files and hidden ones are passed over. Raises UserError for a file that is no
    zip, damaged, encrypted, too large, or that would write outside `into`; nothing is left then.
    """
    fresh = not into.exists()
    try:
        with _opened(archive) as packed:
            chosen = _chosen(packed, archive.name)
            _check_room(chosen, into, archive.name)
            _extract(packed, chosen, into, progress)
    except BaseException:
        if fresh:
            shutil.rmtree(into, ignore_errors=True)
        raise
    inside = list(into.iterdir())
    wraps = len(inside) == 1 and inside[0].is_dir() and not _says_something(inside[0].name)
    return inside[0] if wraps else into


def _says_something(folder: str) -> bool:
    """Does a folder's name say what its files are: GOOD or BAD, a split, images, masks, labels?"""
    if words.verdict_of(folder) is not None or words.says_nothing(folder):
        return True
    return words.means_labels(folder)


def _chosen(packed: zipfile.ZipFile, name: str) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The members to unpack, by their place. Raises UserError for what is not safe."""
    members = packed.infolist()
    if len(members) > MOST_MEMBERS:
        raise UserError(f"{name} holds {len(members)} files; {MOST_MEMBERS} are the most.")
    chosen: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for member in members:
        if not member.filename:
            raise UserError(f"{name} holds a file without a name. Pack it again as zip.")
        place = _place(member, name)
        if member.is_dir() or not _is_wanted(place):
            continue
        _check_member(member, name)
        if place in chosen:
            raise UserError(f"{name} holds '{place}' twice. Pack it again.")
        chosen[place] = member
    if not any(place.suffix.lower() in SUFFIXES for place in chosen):
        others = " ".join(unread_notes(place.name for place in chosen))
        raise UserError(
            f"{name} holds no image ({', '.join(SUFFIXES)}). Pack the images into it. "
            f"{others}".rstrip()
        )
    return chosen


def _place(member: zipfile.ZipInfo, name: str) -> PurePosixPath:
    """Where a member goes, below the target folder. Some tools write backslashes."""
    place = PurePosixPath(composed(_spelled(member)))
    drive = bool(place.parts) and place.parts[0].endswith(":")
    if place.is_absolute() or ".." in place.parts or drive:
        raise UserError(
            f"{name} holds '{ascii(member.filename)[1:-1]}', which lies outside its folder. "
            "Pack it again with relative names."
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise UserError(f"{name} holds the link '{place}'. Pack the file itself.")
    return place


def _spelled(member: zipfile.ZipInfo) -> str:
    """A member's name. Macs and some tools write UTF-8 without the flag that says so."""
    if member.flag_bits & UTF8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def _is_wanted(place: PurePosixPath) -> bool:
    return place.suffix.lower() in WANTED and not is_hidden(place.as_posix())


def _check_member(member: zipfile.ZipInfo, name: str) -> None:
    if member.flag_bits & 0x1:
        raise UserError(f"{name} is encrypted. Pack it without a password.")
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > RATIO_FROM and ratio > MOST_RATIO:
        raise UserError(
            f"{name}: '{member.filename}' unpacks to {ratio:.0f} times its size. "
            "Such files are refused; pack it without compression."
        )


def _check_room(chosen: dict[PurePosixPath, zipfile.ZipInfo], into: Path, name: str) -> None:
    total = sum(member.file_size for member in chosen.values())
    if total > MOST_BYTES:
        raise UserError(
            f"{name} unpacks to {total / 1e9:.0f} GB; {MOST_BYTES / 1e9:.0f} GB are the most."
        )
    into.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(into).free
    if total > free:
        raise UserError(
            f"{name} needs {total / 1e9:.1f} GB; {free / 1e9:.1f} GB are free. Make room."
        )


def _extract(
    packed: zipfile.ZipFile,
    chosen: dict[PurePosixPath, zipfile.ZipInfo],
    into: Path,
    progress: Progress | None,
) -> None:
    """Write the members. `zipfile` gives no more bytes than a member declares, and checks them."""
    for number, (place, member) in enumerate(chosen.items(), start=1):
        target = into / place
        target.parent.mkdir(parents=True, exist_ok=True)
        with packed.open(member) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        if progress is not None:
            progress(number / len(chosen), f"file {number} of {len(chosen)} unpacked")
