"""A run's images as a zip to take away."""

import pandas as pd
import streamlit as st

from backend.actions import results
from backend.core.runs import Run
from backend.images import image_export, licences
from backend.images.formats import export
from backend.settings import settings
from pages.ui import charts, identity

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
        target = image_export.target(settings().exports, run, LAYOUTS[layout])
        barred = not identity.may("results.export_images")
        if st.button("Make the zip", icon=":material/archive:", disabled=barred):
            with st.spinner("Writing the zip …"):
                results.export_images(identity.actor(), settings(), run, LAYOUTS[layout])
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
