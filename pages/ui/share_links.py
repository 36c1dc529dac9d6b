"""A shared report's address and its code, to copy, to scan and to print."""

import io
from urllib.parse import urlsplit

import segno
import streamlit as st


def address(token: str) -> str:
    """The whole address, at the name by which this browser reached the dashboard."""
    here = urlsplit(st.context.url or "http://localhost")
    return f"{here.scheme}://{here.netloc}/share/{token}"


def show(token: str) -> None:
    """The address to copy, and its code."""
    whole = address(token)
    st.code(whole, language=None, wrap_lines=True)
    code = _code(whole)
    left, right = st.columns([1, 2], vertical_alignment="center")
    left.image(code, width=120, alt="QR code of the link")
    right.download_button(
        "QR code for the shop floor",
        code,
        file_name="link.svg",
        mime="image/svg+xml",
        icon=":material/qr_code_2:",
        on_click="ignore",
        key=f"code-{token}",
    )


def _code(words: str) -> str:
    """A QR code as SVG, dark on white with its quiet border, so that it is read in a dark theme."""
    made = io.BytesIO()
    segno.make(words, error="m").save(made, kind="svg", scale=6, light="white", xmldecl=False)
    return made.getvalue().decode()
