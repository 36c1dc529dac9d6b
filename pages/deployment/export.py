"""Export: the anomaly model as one ONNX file, checked against the original."""

import streamlit as st

from backend.runs import Run
from pages.ui import charts, links
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = run.result or {}
    entries = [
        (name.replace("_", " ").capitalize(), charts.words(value), "")
        for name, value in result.items()
        if isinstance(value, (int, float, str)) and len(str(value)) < 24
    ]
    charts.metrics(entries)
    for path in sorted(run.artifacts.glob("*.onnx")) + sorted(run.artifacts.glob("*.json")):
        with path.open("rb") as file:
            st.download_button(
                f"{path.name} ({path.stat().st_size / 2**20:.1f} MB)",
                file,
                file_name=path.name,
                icon=":material/download:",
                key=f"download-{run.id}-{path.name}",
            )
    links.to_kind("latency", "How fast is it here?")


kind_page(
    "export",
    "Write the whole way from picture to score as one ONNX file, preprocessing included, and check "
    "that its scores are those of the trained model.",
    show,
)
