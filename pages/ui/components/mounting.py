"""What the components of this folder share: their files, and actions taken once each."""

import base64
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from backend.images import pictures

HERE = Path(__file__).parent
PARTS = {"box_editor": ("box_shapes", "box_dragging")}
REMEMBERED = 200  # tokens of actions; a browser sends an action again until it sees its token
Action = dict[str, Any]


@cache
def define(name: str) -> Callable[..., Any]:
    """The component of that name: its scripts and styles behind those that all share."""
    scripts = [f"{part}.js" for part in ("actions", *PARTS.get(name, ()), name)]
    js, css = (
        "\n".join((HERE / file).read_text(encoding="utf-8") for file in files)
        for files in (scripts, ["base.css", f"{name}.css"])
    )
    return st.components.v2.component(f"distillery_{name}", js=js, css=css)


def mount(name: str, key: str, data: dict[str, Any], handle: Callable[[Action], None]) -> None:
    """Show a component; `handle` is called once for each action, before the page is built."""
    done: list[str] = st.session_state.setdefault(f"{key}-done", [])

    def take() -> None:
        for action in st.session_state[key].get("actions") or []:
            if action["token"] not in done:
                done.append(action["token"])
                handle(action)
        del done[:-REMEMBERED]

    define(name)(key=key, data=data | {"done": list(done)}, on_actions_change=take)


def data_url(pixels: np.ndarray, kind: str = "jpeg") -> str:
    """uint8 [H, W, 3] as an address that needs no request."""
    coded = base64.b64encode(pictures.encoded(pixels, kind, quality=85))
    return f"data:image/{kind};base64,{coded.decode()}"
