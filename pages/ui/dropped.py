"""Pictures that are only looked at: dropped into the page, or taken with the camera."""

from typing import Any

import streamlit as st

from backend.core import uploads
from backend.images import folder

MOST_FILES, MOST_MEGABYTES = 20, 20


def pictures(
    key: str, label: str, help: str | None = None, note: str = ""
) -> list[tuple[str, Any]]:
    """Name and file of each. label, help: of the field they are dropped into; note: below it."""
    camera = st.toggle(
        "Use the camera",
        key=f"{key}-camera",
        help="A browser allows it over HTTPS, or where the server is this computer (localhost).",
    )
    if camera:
        shot = st.camera_input("Take a picture", key=f"{key}-shot")
        files = [shot] if shot else []
    else:
        files = st.file_uploader(
            label,
            type=[suffix.lstrip(".") for suffix in folder.SUFFIXES],
            accept_multiple_files=True,
            max_upload_size=MOST_MEGABYTES,
            key=f"{key}-files",
            help=help,
        )
        if note:
            st.caption(note)
    if len(files) > MOST_FILES:
        st.warning(f"The first {MOST_FILES} pictures are looked at.", icon=":material/info:")
    taken = files[:MOST_FILES]
    return list(zip(uploads.numbered([file.name for file in taken]), taken, strict=True))
