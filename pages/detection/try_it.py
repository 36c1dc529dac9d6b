"""Try a detector: drop pictures or use the camera, and see what it finds. Nothing is kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from backend.core import runs, uploads
from backend.core.runs import Run
from backend.detection import standing
from backend.detection.detector.spec import Result
from backend.detection.onnx_detector import OnnxDetector, Sighting
from backend.images import imagefiles, marks, palette, pictures
from backend.images.boxes import box_row
from backend.records import RunState
from backend.settings import settings
from pages.ui import (
    charts,
    detections,
    dropped,
    gallery,
    links,
    resources,
    run_choice,
    run_view,
)
from pages.ui.layout import header, plain_errors

MOST_MEGAPIXELS = imagefiles.MOST_PIXELS // 1_000_000
ROW = ("class_name", "x1", "y1", "x2", "y2", "confidence")
SHOWN = 1000  # px of the longer edge, as drawn


def show() -> None:
    header(
        "Try a detector",
        "Drop pictures or hold a part before the camera. The pictures are looked at on this server "
        "and forgotten; nothing is kept.",
    )
    options = run_choice.ended("detector", RunState.COMPLETED)
    if not options:
        st.info("No detector is finished yet. Train one first:", icon=":material/arrow_back:")
        links.to_kind("detector")
        return
    run = resources.supervisor().find(run_view.choose_run(("detector",), options))
    model = run.artifacts / "detector.onnx"
    if not model.exists():
        st.info(
            "This detector was trained by an earlier version, which kept no ONNX file. Train it "
            "again to try it.",
            icon=":material/info:",
        )
        return
    result = runs.result(run, Result)
    if not standing.has_learned(result):
        st.warning(charts.plain(standing.verdict(result)), icon=":material/model_training:")
    at = detections.confidence(
        result.confidence,
        key=f"try-{run.id}",
        help="From how sure on a box is drawn. It starts where the detector was judged.",
        least=0.001,
    )
    detector = _detector(str(model), model.stat().st_mtime)
    _scene(run, detector, at)


@st.cache_resource(max_entries=3, show_spinner="Loading the detector …")
def _detector(path: str, changed: float) -> OnnxDetector:
    return OnnxDetector(Path(path), settings().threads)


def _scene(run: Run, detector: OnnxDetector, at: float) -> None:
    shots = dropped.pictures(
        "try",
        "Pictures",
        note=f"At most {dropped.MOST_FILES} pictures, {dropped.MOST_MEGABYTES} MB and "
        f"{MOST_MEGAPIXELS} megapixels each; one with a red mark is too large and is left out.",
    )
    every = st.toggle(f"Show all boxes, not the {marks.MOST} surest on a picture", key="try-all")
    gallery.legend(palette.colours(detector.names))
    rows = [_look(detector, file, name, at, every) for name, file in shots]
    found = [row for row in rows if row is not None]
    if found:
        _sum_up(run, detector, found)


def _look(
    detector: OnnxDetector, file: Any, name: str, at: float, every: bool
) -> dict[str, Any] | None:
    """One picture with its boxes; what was found as a row, None where it cannot be read."""
    with plain_errors():
        pixels = imagefiles.read_upload(uploads.safe_name(file.name), file.getbuffer())
        sighting = detector.find(pixels, at)
        words = f"{len(sighting.boxes)} found · {sighting.milliseconds:.0f} ms"
        st.image(
            _drawn(pixels, sighting, palette.colours(detector.names), every),
            caption=f"{charts.plain(name)} · {words}",
            alt=f"{name}: {words}",
        )
        return {"picture": name, "boxes": sighting.boxes, "ms": sighting.milliseconds}
    return None


def _drawn(
    pixels: np.ndarray, sighting: Sighting, colours: Mapping[str, str], every: bool
) -> np.ndarray:
    small = pictures.fitted(pixels, SHOWN)
    scale = small.shape[1] / pixels.shape[1], small.shape[0] / pixels.shape[0]
    rows = pd.DataFrame([box_row("", box) for box in sighting.boxes], columns=ROW)
    found = rows.assign(correct=True)
    truths = rows.iloc[:0].assign(missed=False)
    most = None if every else marks.MOST
    return pictures.annotated(small, marks.of_judged(truths, found, colours, scale, most))


def _sum_up(run: Run, detector: OnnxDetector, found: list[dict[str, Any]]) -> None:
    times = [row["ms"] for row in found]
    st.caption(
        f"{np.median(times):.0f} ms a picture (median, n = {len(found)}), looked at as "
        f"{detector.size} × {detector.size} px on this server's processor."
    )
    rows = [
        {
            "picture": row["picture"],
            "class": box.class_name,
            "confidence": box.confidence,
            **dict(zip(("x1", "y1", "x2", "y2"), box.xyxy, strict=True)),
        }
        for row in found
        for box in row["boxes"]
    ]
    if not rows:
        st.info("Nothing is found this surely. Lower the confidence to see weaker boxes.")
    else:
        table = pd.DataFrame(rows)
        st.dataframe(table, hide_index=True, alt="What was found, in px of each picture")
        charts.csv(table, f"found-{run.id}")


show()
