"""Student export: ONNX in FP32 and INT8, the model card, and all of it as one zip."""

import io
import zipfile

import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.images import licences
from backend.students.export.spec import Result
from pages.ui import charts, links
from pages.ui.run_view import kind_page

FILES = ("student.onnx", "student_int8.onnx", "student.json", "latents.npz")
CARDS = ("MODEL_CARD.md", "model_card.json")


def show(run: Run) -> None:
    result = runs.result(run, Result)
    (st.success if result.int8_passes else st.warning)(
        result.int8,
        icon=":material/check_circle:" if result.int8_passes else ":material/warning:",
    )
    if not result.measured:
        st.info(
            "No similarity run was given, so the card has no measures. Export again with one.",
            icon=":material/info:",
        )
        links.to_kind("similarity", "Measure the student")
    charts.metrics(_entries(result))
    licence = licences.licence(run.folder)
    st.caption(f"One thread of {result.computer}. Licences: {charts.plain(licence)}")
    if result.licence == licences.OURS != licence:
        st.warning(
            "The card was written by an earlier version, which overlooked licences of others. "
            "LICENCE.txt in the zip names them all; export the student again for a card that does.",
            icon=":material/copyright:",
        )
    st.download_button(
        "Download all as a zip",
        lambda: zipped(run),
        file_name=f"{run.name or run.id}.zip",
        mime="application/zip",
        icon=":material/folder_zip:",
        type="primary",
        on_click="ignore",
    )
    with st.expander("Model card", icon=":material/description:"), st.container(height=640):
        st.markdown((run.artifacts / "MODEL_CARD.md").read_text(encoding="utf-8"))
    links.to_kind("sample", "Let it paint images")


def _entries(result: Result) -> list[tuple[str, str, str]]:
    found = [
        ("FP32 file", f"{result.megabytes:.1f} MB", "Full precision"),
        ("FP32, images/s", f"{result.images_a_second:.0f}", "On one core, 8 at a time"),
    ]
    if result.int8_passes:
        found += [
            ("INT8 file", f"{result.int8_megabytes:.1f} MB", "In whole numbers"),
            ("INT8, images/s", f"{result.int8_images_a_second:.0f}", "On one core"),
        ]
    return found


def zipped(run: Run) -> bytes:
    """The student's files and cards as one zip, with the licences as they are known now."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name in (*FILES, *CARDS):
            if (run.artifacts / name).exists():
                file.write(run.artifacts / name, name)
        file.writestr("LICENCE.txt", licences.licence(run.folder) + "\n")
    return buffer.getvalue()


kind_page(
    "student-export",
    "Take a student away as files that run without this program: its network as ONNX in full "
    "precision (FP32) and in whole numbers (INT8, smaller), what it learned of each image, and a "
    "model card. INT8 is kept only if it paints what FP32 paints.",
    show,
)
