"""Try a detector: drop pictures or use the camera, and see what it finds. Nothing is kept."""

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
from backend.images import folder, imagefiles, pictures
from backend.records import RunState
from backend.settings import settings
from pages.ui import (
    charts,
    detections,
    forms,
    gallery,
    links,
    resources,
    run_view,
    thumbnails,
)
from pages.ui.layout import header, plain_errors

MOST_FILES, MOST_MEGABYTES = 20, 20
MOST_MEGAPIXELS = imagefiles.MOST_PIXELS // 1_000_000
SHOWN = 1000  # px of the longer edge, as drawn


def show() -> None:
    header(
        "Try a detector",
        "Drop pictures or hold a part before the camera. The pictures are looked at on this server "
        "and forgotten; nothing is kept.",
    )
    options = _options()
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


def _options() -> dict[str, str]:
    rows = resources.store().runs("detector", RunState.COMPLETED, limit=200).itertuples()
    return {row.id: forms.run_words(row.id, row.name) for row in rows}


@st.cache_resource(max_entries=3, show_spinner="Loading the detector …")
def _detector(path: str, changed: float) -> OnnxDetector:
    return OnnxDetector(Path(path), settings().threads)


def _scene(run: Run, detector: OnnxDetector, at: float) -> None:
    camera = st.toggle(
        "Use the camera",
        key="try-camera",
        help="A browser allows it over HTTPS, or where the server is this computer (localhost).",
    )
    if camera:
        shot = st.camera_input("Take a picture", key="try-shot")
        files = [shot] if shot else []
    else:
        files = st.file_uploader(
            "Pictures",
            type=[suffix.lstrip(".") for suffix in folder.SUFFIXES],
            accept_multiple_files=True,
            max_upload_size=MOST_MEGABYTES,
            key="try-files",
        )
        st.caption(
            f"At most {MOST_FILES} pictures, {MOST_MEGABYTES} MB and {MOST_MEGAPIXELS} megapixels "
            "each; one with a red mark is too large and is left out."
        )
    if len(files) > MOST_FILES:
        st.warning(f"The first {MOST_FILES} pictures are looked at.", icon=":material/info:")
    taken = files[:MOST_FILES]
    names = uploads.numbered([file.name for file in taken])
    rows = [_look(detector, file, name, at) for file, name in zip(taken, names, strict=True)]
    found = [row for row in rows if row is not None]
    if found:
        _sum_up(run, detector, found)


def _look(detector: OnnxDetector, file: Any, name: str, at: float) -> dict[str, Any] | None:
    """One picture with its boxes; what was found as a row, None where it cannot be read."""
    with plain_errors():
        pixels = imagefiles.read_upload(uploads.safe_name(file.name), file.getbuffer())
        sighting = detector.find(pixels, at)
        words = f"{len(sighting.boxes)} found · {sighting.milliseconds:.0f} ms"
        st.image(
            _drawn(pixels, sighting),
            caption=f"{charts.plain(name)} · {words}",
            alt=f"{name}: {words}",
        )
        return {"picture": name, "boxes": sighting.boxes, "ms": sighting.milliseconds}
    return None


def _drawn(pixels: np.ndarray, sighting: Sighting) -> np.ndarray:
    small = thumbnails.fitted(pixels, SHOWN)
    y, x = small.shape[0] / pixels.shape[0], small.shape[1] / pixels.shape[1]
    marks = [
        pictures.Mark(
            (a * x, b * y, c * x, d * y), gallery.MISS, f"{box.class_name} {box.confidence:.2f}"
        )
        for box in sighting.boxes
        for a, b, c, d in [box.xyxy]
    ]
    return pictures.annotated(small, marks)


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
