"""Files from the browser, kept in storage/uploads until somebody deletes them."""

import re
import secrets
from typing import Any

import streamlit as st

from backend import runs
from backend.records import UserError
from backend.settings import settings
from backend.specs import Param

MOST_FILES = 5000


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

    Raises UserError for a mixture of a zip and other files.
    """
    return {name: _keep(v) if is_waiting(v) else v for name, v in values.items()}


def _keep(files: list[Any]) -> str:
    zipped = [file for file in files if file.name.lower().endswith(".zip")]
    if zipped and len(files) > 1:
        raise UserError("Upload one zip alone, or images without a zip.")
    if len(files) > MOST_FILES:
        raise UserError(f"Upload at most {MOST_FILES} files at once, or put them into one zip.")
    folder = settings().uploads / f"{runs.now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    folder.mkdir(parents=True)
    for file in files:
        (folder / safe_name(file.name)).write_bytes(file.getbuffer())
    return str(folder / safe_name(zipped[0].name) if zipped else folder)


def safe_name(name: str) -> str:
    """The last part of a file's name with nothing in it that a path could trip over."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return re.sub(r"[^\w.-]", "_", last).lstrip(".")[-120:] or "file"
