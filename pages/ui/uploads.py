"""Files from the browser, kept in storage/uploads until somebody deletes them."""

import re
import secrets
import shutil
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from backend.core import runs
from backend.core.specs import Param
from backend.records import UserError
from backend.settings import settings

MOST_FILES = 5000
MOST_LETTERS, MOST_BYTES = 120, 200  # of a kept file's name
TOLD = 5  # renamed files that are named


def widget(p: Param, value: str, key: str, help_text: str) -> Any:
    """A place on the server, or files dropped here: the text, or the files if there are any."""
    path = st.text_input(
        p.label, value, key=key, help=help_text, placeholder=f"{p.path} on the server"
    )
    files = st.file_uploader(
        "or upload", type=[kind.lstrip(".") for kind in p.upload], key=f"{key}-files",
        accept_multiple_files=True, help="One zip, or any number of images.",
    )  # fmt: skip
    return files or (path or "").strip()


def is_waiting(value: Any) -> bool:
    """Is the value files that were dropped, and are not kept yet?"""
    return isinstance(value, list) and bool(value) and hasattr(value[0], "getbuffer")


def kept(values: dict[str, Any]) -> dict[str, Any]:
    """The values with every upload written to disk and replaced by its path.

    Raises UserError for a mixture of a zip and other files, and where they cannot be written.
    """
    return {name: _keep(v) if is_waiting(v) else v for name, v in values.items()}


def renamed(values: dict[str, Any]) -> str:
    """Which of the files dropped get another name than theirs, for it is taken; "" where none."""
    found = []
    for files in filter(is_waiting, values.values()):
        cleaned = [safe_name(file.name) for file in files]
        pairs = zip(files, cleaned, numbered(cleaned), strict=True)
        found += [f"{file.name} → {new}" for file, old, new in pairs if old != new]
    if not found:
        return ""
    more = f" and {len(found) - TOLD} more" if len(found) > TOLD else ""
    return (
        f"{len(found)} of the uploaded files had a name that another has too, so they were "
        f"numbered: {', '.join(found[:TOLD])}{more}. Nothing was overwritten."
    )


def _keep(files: list[Any]) -> str:
    zipped = [file for file in files if file.name.lower().endswith(".zip")]
    if zipped and len(files) > 1:
        raise UserError("Upload one zip alone, or images without a zip.")
    if len(files) > MOST_FILES:
        raise UserError(f"Upload at most {MOST_FILES} files at once, or put them into one zip.")
    folder = settings().uploads / f"{runs.now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    names = numbered([safe_name(file.name) for file in files])
    try:
        folder.mkdir(parents=True)
        for file, name in zip(files, names, strict=True):
            with (folder / name).open("xb") as target:
                target.write(file.getbuffer())
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise UserError(
            f"The files cannot be kept in {folder.parent}: {error.strerror}. Make room there (page "
            "Storage), or name a folder on the server instead."
        ) from error
    return str(folder / names[0] if zipped else folder)


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
