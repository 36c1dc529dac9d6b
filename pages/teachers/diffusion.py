"""Diffusion teacher: train the small diffusion model on labelled images."""

import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.teachers.diffusion.spec import Result
from pages.ui import charts, film, links
from pages.ui.run_view import kind_page

FILM_WORDS = {
    "codec": "Above: images it learns from. Middle: what their codes keep. Below: the masks of "
    "those.",
    "detail": "The same after painting finer from the same codes.",
    "samples": "Samples from the same noise each time, one of each class in turn, and below the "
    "masks it paints for them.",
}


def show(run: Run) -> None:
    result = runs.result(run, Result)
    charts.metrics(
        [
            ("Learned from", f"{result.images:,} images", ""),
            ("Classes", str(len(result.classes)), ", ".join(result.classes)),
            ("Training time", f"{result.minutes:.0f} min", "On this computer"),
            ("Model size", f"{result.megabytes:.1f} MB", "Weights in half precision"),
            (
                "Picture error",
                f"{result.codec_error:.3f}",
                "Mean absolute difference of an image and what its code keeps; 1 is full scale",
            ),
            (
                "Denoising error",
                f"{result.denoising_error:.2f}",
                "Mean squared error of the last steps; a model that knows nothing has 1",
            ),
        ]
    )
    film.show(run, FILM_WORDS)
    charts.curves(run)
    st.caption("Look at the samples before you use it: errors do not show what a picture is worth.")
    links.to_kind("generate", "Make images with this model (teacher: diffusion)")


kind_page(
    "diffusion",
    "Train a small diffusion model on labelled images: rendered, imported, or your own "
    "photographs. It learns image and defect mask together, by class, and then makes more like "
    "them. One that comes with this program works without any training.",
    show,
)
