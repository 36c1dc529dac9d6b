"""A run's images as a zip to take away."""

from pathlib import Path

import pandas as pd
import streamlit as st

from backend.core.runs import Run
from backend.images import curation, licences
from backend.images.formats import export
from backend.records import UserError
from backend.settings import settings
from pages.ui import charts

LAYOUTS = {"YOLO": "yolo", "COCO": "coco"}


def offer(run: Run) -> None:
    """Write the kept images and their labels as a zip, and download it."""
    with st.expander("Take away as a zip", icon=":material/folder_zip:"):
        licence = licences.licence(run.folder)
        st.markdown(
            "Images that are neither rejected nor deleted, with their boxes and masks, in a layout "
            f"that other programs read. Licence: {charts.plain(licence)}"
        )
        layout = st.segmented_control("Layout", list(LAYOUTS), default="YOLO", required=True)
        target = settings().exports / f"{run.id}-{layout.lower()}.zip"
        if st.button("Make the zip", icon=":material/archive:"):
            with st.spinner("Writing the zip …"):
                _write(run, target, LAYOUTS[layout], licence)
        if target.exists() and export.licence_in(target) != licence:
            st.info("The zip made earlier names other licences. Make it anew to download it.")
        elif target.exists():
            made = pd.Timestamp(target.stat().st_mtime, unit="s")
            st.download_button(
                f"Download ({target.stat().st_size / 1e6:.1f} MB, made {made:%d %b %H:%M} UTC)",
                lambda: target.open("rb"),
                file_name=f"{run.name or run.id}-{layout.lower()}.zip",
                mime="application/zip",
                icon=":material/download:",
                on_click="ignore",
            )


def _write(run: Run, target: Path, layout: str, licence: str) -> None:
    images, boxes = curation.kept(run.folder)
    if images.empty:
        raise UserError("Every image is rejected or deleted. Keep at least one.")
    target.parent.mkdir(parents=True, exist_ok=True)
    origin = {"run": run.id, "kind": run.kind, "spec": run.spec, "behind": licences.behind(run)}
    export.export(images, boxes, run.folder, target, layout, licence=licence, origin=origin)
