"""Try a part: drop pictures or use the camera, and see score, verdict and map. Nothing is kept."""

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from backend.core import runs, uploads
from backend.core.runs import Run
from backend.deployment.package import contract, limits, takeaway
from backend.deployment.package.contract import Package
from backend.deployment.package.spec import Spec
from backend.images import imagefiles
from backend.inspection import inspect_part
from backend.settings import settings
from pages.ui import caveats, charts, dropped, links, resources, run_choice, run_view
from pages.ui.layout import header, plain_errors

EDGE = 260  # px
ICONS = {
    "GOOD": ":green-badge[:material/check: GOOD]",
    "review": ":orange-badge[:material/visibility: a person looks]",
    "BAD": ":red-badge[:material/close: BAD]",
    "": "",
}


def show() -> None:
    header(
        "Try a part",
        "Drop pictures of single parts or hold one before the camera: its score, what the limits "
        "in force make of it, and where it looks unusual. Nothing is kept.",
    )
    options = run_choice.holding("package", "anomaly model")
    if not options:
        st.info("No anomaly model is packed yet. Pack one first:", icon=":material/arrow_back:")
        links.to_kind("package")
        return
    run = resources.supervisor().find(run_view.choose_run(("package",), options))
    caveats.alike(run)
    runs.refuse_archived(run.folder)
    if takeaway.is_older(run):
        st.info("An earlier version exported this. Pack its model again to try it.")
        links.to_kind("package", "Pack it again", source=runs.spec(run, Spec).model_run)
        return
    package = _package(str(run.folder))
    feature = str(st.selectbox("Feature type", package.names, key=f"try-feature-{run.id}"))
    _limits_told(run, feature)
    shots = dropped.pictures(
        "part", "Pictures of single parts", "Cut out as the parts were that the model learned from."
    )
    for name, picture in shots:
        with plain_errors():
            _look(run, package, feature, name, picture)


def _limits(run: Run, feature: str) -> inspect_part.Limits | None:
    """The type's limits in force; None where those of another model are, or none."""
    told = limits.told(settings().storage, runs.spec(run, Spec).model_run)
    return limits.by_type(told).get(feature, (None, None)) if told else None


@st.cache_resource(max_entries=3, show_spinner="Opening the package …")
def _package(folder: str) -> Package:
    """Read once: its files' hashes and operators are checked."""
    return contract.read(contract.folder_of(Path(folder)))


def _limits_told(run: Run, feature: str) -> None:
    known = _limits(run, feature)
    if known is None:
        st.info(
            "No limits of this model are in force, so there is a score, but no verdict.",
            icon=":material/toggle_off:",
        )
        links.to_kind("threshold", "Put limits in force")
        return
    alarm, review = (charts.number(limit) for limit in known)
    st.caption(f"In force: BAD above {alarm}, a person looks above {review}.")


@st.cache_resource(max_entries=3, show_spinner="Loading the model …")
def _session(folder: str) -> Any:
    return contract.session(_package(folder), threads=settings().threads)


def _look(run: Run, package: Package, feature: str, name: str, file: Any) -> None:
    """One picture beside its map, with score and verdict."""
    pixels = imagefiles.read_upload(uploads.safe_name(file.name), file.getbuffer())
    crop = inspect_part.crop_of(Image.fromarray(pixels), package.size)
    session = _session(str(run.folder))
    scores, maps = package.answers(session, package.feed(crop[None], [feature]))
    score, found = float(scores[0]), maps[0]
    known = _limits(run, feature)
    called = inspect_part.verdict(score, known) if known else ""
    with st.container(border=True):
        st.markdown(f"**{charts.plain(name)}** · score {score:.2f} {ICONS[called]}")
        with st.container(horizontal=True):
            st.image(crop, width=EDGE, caption="as the model sees it", alt=f"Part {name}")
            st.image(
                np.asarray(inspect_part.overlay(crop, found)),
                width=EDGE,
                caption="orange: where it looks unusual",
                alt=f"Anomaly map over part {name}",
            )
        st.caption(
            f"The most unusual patch has a z-score of {float(found.max()):.1f}: so many standard "
            "deviations above what GOOD parts show there."
        )


show()
