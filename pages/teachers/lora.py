"""Own style (LoRA): teach Stable Diffusion what your defects look like."""

import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.images import licences
from backend.teachers.lora.spec import Result
from backend.wording import counted
from pages.ui import charts, film, verdict
from pages.ui.run_view import kind_page

FILM_WORDS = {"step": "The same words and the same noise, painted as the training went on."}


def show(run: Run) -> None:
    result = runs.result(run, Result)
    words = (
        f"A style learned from {counted(result.images, 'photograph')} in "
        f"{counted(result.steps, 'step')}. Look whether its pictures below show your defects."
    )
    verdict.told(words, run, ("generate", "Paint with it (teacher: stable-diffusion)"))
    charts.metrics(
        [
            ("Learned from", counted(result.images, "image"), ""),
            ("Steps", str(result.steps), ""),
            ("File size", f"{result.megabytes:.1f} MB", "artifacts/lora.safetensors"),
            (
                "Error before",
                f"{result.loss_before:.3f}",
                "Mean squared error of the noise, on the images it learned from",
            ),
            ("Error after", f"{result.loss_after:.3f}", "The same noise on the same images"),
        ]
    )
    film.show(run, FILM_WORDS)
    charts.curves(run)
    path = run.artifacts / "lora.safetensors"
    st.download_button(
        "LoRA file",
        path.read_bytes,
        file_name=f"{run.id}.safetensors",
        icon=":material/download:",
        on_click="ignore",
    )
    st.caption(f"Licences: {charts.plain(licences.licence(run.folder))}")


kind_page(
    "lora",
    "Teach Stable Diffusion what your own defects look like, from a handful of photographs. It "
    "needs the model's weights in `storage/weights/`; on a CPU hundreds of steps take hours.",
    show,
)
