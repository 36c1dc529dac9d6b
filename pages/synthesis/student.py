"""Student generator: distil it, watch it learn, sample it with its masks and boxes."""

from pathlib import Path

import streamlit as st

from backend.runs import Run
from backend.synthesis import pictures
from backend.synthesis.distilling.sampler import Sampler
from pages.ui import charts, film, links
from pages.ui.run_view import kind_page

COLUMNS = 8
WORDS = {
    "default": "The student paints a scene and, over it, a defect with its mask, so every sample "
    "has its exact box. A sample puts a learned defect into another learned scene.",
    "paper": "Source A's recipe: a new random z for each image and step, under L1. The best such a "
    "student can do is the pixel-wise median of the set, one grey blur. Kept as the control.",
}

FILM_WORDS = {
    "default": "Above: its copies of the first teacher images. Below: the same scenes with other "
    "images' defects.",
    "paper": "Pictures of the same eight random z after each epoch.",
}


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Opening the student …")
def _sampler(folder: str) -> Sampler:
    return Sampler(Path(folder))


def show(run: Run) -> None:
    result = run.result or {}
    st.caption(WORDS[result["preset"]])
    charts.metrics(
        [
            ("Model size", f"{result['megabytes']:.1f} MB", "The ONNX file"),
            ("Parameters", f"{result['parameters'] / 1e6:.2f} M", ""),
            ("Epochs", str(result["epochs"]), "Passes over the teacher images"),
            ("Training time", f"{(run.seconds or 0) / 60:.1f} min", "On this computer"),
        ]
    )
    _explore(run)
    film.show(run, {"epoch": FILM_WORDS[result["preset"]]}, "Epoch")
    charts.curves(run)
    links.to_kind("similarity", "How alike are student and teacher?")
    links.to_kind("dataset", "Make a data set with this student")


def _explore(run: Run) -> None:
    """Fresh samples, painted here by ONNX Runtime."""
    st.subheader("Samples", anchor=False)
    left, middle, right = st.columns(3)
    seed = left.number_input("Seed", 0, 2**31 - 100, 0, help="Image k has seed + k.")
    variation = middle.slider(
        "Variation", 0.0, 1.0, 0.7, help="0 keeps to scenes it learned, 1 mixes them freely."
    )
    sampler = _sampler(str(run.folder))
    show_masks = right.toggle("Masks and boxes", disabled=not sampler.paints_mask)
    images, masks = sampler.sample([int(seed) + k for k in range(2 * COLUMNS)], variation)
    with st.container(horizontal=True):
        for k, (pixels, mask) in enumerate(zip(images, masks, strict=True)):
            if show_masks:
                boxes = pictures.boxes_of(mask > 0.5, "defect")
                marks = [pictures.Mark(box.xyxy) for box in boxes]
                pixels = pictures.annotated(pixels, marks, mask > 0.5)
            st.image(pixels, width=150, alt=f"Student sample, seed {int(seed) + k}")


kind_page(
    "distill",
    "Distil teacher images into a small generator that runs on any CPU and paints its own labels.",
    show,
)
