"""A field that takes files from the browser."""

from typing import Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from backend.actions import work
from backend.core.specs import Param
from backend.core.uploads import MOST_FILES, numbered, safe_name
from backend.settings import settings
from pages.ui import identity

TOLD = 5  # renamed files that are named


def widget(p: Param, value: str, key: str, help_text: str) -> Any:
    """A place on the server, or files dropped here: the text, or the files if there are any."""
    path = st.text_input(
        p.label, value, key=key, help=help_text, placeholder=f"{p.path} on the server"
    )
    most = f"{settings().upload_megabytes} MB and {MOST_FILES} files at most"
    files = st.file_uploader(
        "or upload", type=[kind.lstrip(".") for kind in p.upload], key=f"{key}-files",
        accept_multiple_files=True,
        help=f"{'One zip' if p.upload == ('.zip',) else 'One zip, or images'}, {most}. A larger "
        "set: put it into a folder of the server, and name that above.",
    )  # fmt: skip
    return files or (path or "").strip()


def is_waiting(value: Any) -> bool:
    """Is the value files that were dropped, and are not kept yet?"""
    return isinstance(value, list) and bool(value) and hasattr(value[0], "getbuffer")


def kept(values: dict[str, Any]) -> dict[str, Any]:
    """The values with every upload written to disk and replaced by its path.

    Raises UserError for a mixture of a zip and other files, and where they cannot be written.
    """
    actor, where = identity.actor(), settings()
    return {
        name: str(work.keep_uploads(actor, where, v)) if is_waiting(v) else v
        for name, v in values.items()
    }


def let_go(values: dict[str, Any]) -> None:
    """Free the memory that uploads take; once they are kept, and the form was sent."""
    here = get_script_run_ctx()
    holder = here.uploaded_file_mgr if here else None
    if here is None or not isinstance(holder, MemoryUploadedFileManager):
        return
    for files in filter(is_waiting, values.values()):
        for file in files:
            holder.remove_file(here.session_id, file.file_id)


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
