"""How a generator learned: strips of pictures it made now and then, the same ones each time."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from backend.core.runs import Run

FOLDER = "film"


def strips(run: Run) -> dict[str, dict[int, Path]]:
    """What is filmed → step → picture, in order; files are named `<what>_<step>.png`."""
    found: dict[str, dict[int, Path]] = {}
    for path in sorted((run.artifacts / FOLDER).glob("*_*.png")):
        what, _, step = path.stem.rpartition("_")
        if step.isdigit():
            found.setdefault(what, {})[int(step)] = path
    return found


def show(run: Run, words: Mapping[str, str], step_name: str = "Step") -> None:
    """A slider through each strip. words: what is filmed → what its pictures show."""
    filmed = {what: frames for what, frames in strips(run).items() if what in words}
    if not filmed:
        return
    st.subheader("How it learned", anchor=False)
    for what, frames in filmed.items():
        steps = list(frames)
        step = steps[-1]
        if len(steps) > 1:
            step = st.select_slider(step_name, steps, value=step, key=f"film-{what}-{run.id}")
        st.image(
            str(frames[step]), width="stretch", caption=words[what], alt=f"{words[what]} ({step})"
        )


def newest(run: Run) -> None:
    """The newest strip of a run that still works."""
    frames = [path for frames in strips(run).values() for path in frames.values()]
    if frames:
        latest = max(frames, key=lambda path: path.stat().st_mtime)
        st.image(str(latest), caption="Newest pictures", alt="Newest pictures of the model")
