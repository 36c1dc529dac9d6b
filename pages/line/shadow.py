"""Shadow: what another model or other limits make of a line's parts."""

import streamlit as st

from pages.ui import again_view, line_view, shadow_view
from pages.ui.layout import header, plain_errors

VIEWS = {"A candidate beside the line": shadow_view.show, "The last weeks again": again_view.show}


def show() -> None:
    header(
        "Shadow",
        "What another model or other limits make of a line's parts, without a word of it to "
        "any machine. Ask it of the parts that come, or of those of the last weeks.",
    )
    chosen = line_view.choose()
    if chosen is None:
        return
    view = st.segmented_control(
        "View", list(VIEWS), default=next(iter(VIEWS)), required=True, label_visibility="collapsed"
    )
    with plain_errors():
        VIEWS[str(view)](*chosen)


show()
