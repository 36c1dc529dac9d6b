"""Export: the anomaly model as one ONNX file, checked against the original."""

import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.deployment.export.spec import Result
from pages.ui import caveats, charts, links
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = runs.result(run, Result)
    charts.metrics(
        [
            ("Model size", f"{result.megabytes:.1f} MB", "The ONNX file"),
            (
                "Largest difference",
                f"{result.difference:.0e}",
                f"Of a score, ONNX Runtime against PyTorch; {result.tolerance:g} is allowed",
            ),
            ("Parts compared", str(result.checked), ""),
            ("Crop size", f"{result.size} px", "Any picture is resized to this inside"),
            ("Feature types", str(len(result.features)), ", ".join(result.features)),
        ]
    )
    caveats.alike(run)
    st.caption(f"Features: {result.backbone}. ONNX opset {result.opset}.")
    for path in sorted(run.artifacts.glob("*.onnx")) + sorted(run.artifacts.glob("*.json")):
        with path.open("rb") as file:
            st.download_button(
                f"{path.name} ({path.stat().st_size / 1024:,.0f} kB)",
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
