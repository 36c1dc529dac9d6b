"""Files from the browser, kept in storage/uploads until somebody deletes them."""

import re
import secrets
import shutil
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from backend.core import runs
from backend.records import UserError

MOST_FILES = 5000
MOST_LETTERS, MOST_BYTES = 120, 200  # of a kept file's name


class Dropped(Protocol):
    """A file as the browser sent it."""

    @property
    def name(self) -> str: ...

    def getbuffer(self) -> bytes | memoryview: ...


def keep(folder: Path, files: Sequence[Dropped]) -> Path:
    """The files in a new folder within `folder`: the zip, or the folder of the images.

    Raises UserError for a mixture of a zip and other files, and where they cannot be written.
    """
    zipped = [file for file in files if file.name.lower().endswith(".zip")]
    if zipped and len(files) > 1:
        raise UserError("Upload one zip alone, or images without a zip.")
    if len(files) > MOST_FILES:
        raise UserError(f"Upload at most {MOST_FILES} files at once, or put them into one zip.")
    made = folder / f"{runs.now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    names = numbered([safe_name(file.name) for file in files])
    try:
        made.mkdir(parents=True)
        for file, name in zip(files, names, strict=True):
            with (made / name).open("xb") as target:
                target.write(file.getbuffer())
    except OSError as error:
        shutil.rmtree(made, ignore_errors=True)
        raise UserError(
            f"The files cannot be kept in {folder}: {error.strerror}. Make room there (page "
            "Storage), or name a folder on the server instead."
        ) from error
    return made / names[0] if zipped else made


def safe_name(name: str) -> str:
    """The last part of a file's name with nothing in it that a path could trip over.

    Composed letters (NFC); of a long name the end.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    cleaned = re.sub(r"[^\w.-]", "_", last)[-MOST_LETTERS:]
    return cleaned.encode()[-MOST_BYTES:].decode(errors="ignore").lstrip(".") or "file"


def numbered(names: Sequence[str]) -> list[str]:
    """The names with a number to each that an earlier one bears: 000.jpg, 000_2.jpg.

    Upper and lower case and forms of one letter (NFC, NFD) count as the same, for some drives take
    them so. A name that only one file bears stays.
    """
    taken = {_alike(name) for name in names}
    numbers: Counter[str] = Counter()
    found = []
    for name in names:
        key, new = _alike(name), name
        numbers[key] += 1
        while numbers[key] > 1 and _alike(new) in taken:
            new = f"{Path(name).stem}_{numbers[key]}{Path(name).suffix}"
            numbers[key] += _alike(new) in taken
        taken.add(_alike(new))
        found.append(new)
    return found


def _alike(name: str) -> str:
    """The same for all names that some file system takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
