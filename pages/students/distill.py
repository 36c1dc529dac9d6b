"""Student generator: distil it, watch it learn, explore what it paints."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.images import pictures
from backend.images.boxes import boxes_of
from backend.students.distill.spec import Result, Spec, cut_short
from backend.students.sampler import Sampler
from backend.wording import counted
from pages.ui import charts, film, verdict
from pages.ui.run_view import kind_page

SAMPLES, STEPS = 18, 8
ANY = "all classes"
WORDS = {
    "default": "The student paints a scene and, over it, a defect with its mask, so every sample "
    "has its exact box. A sample is a learned scene in the light of another one, with the defect "
    "of a third.",
    "sharp": "As `default`, and in the second half of the time a critic that tells samples from "
    "teacher images makes it paint fine texture.",
    "pairs": "Learned the diffusion teacher's own map from starting noise to image and mask, from "
    "fresh pairs. A sample is what that teacher would make of the same noise.",
    "paper": "The glass paper's recipe: a new random z for each image and step, under L1. The best "
    "such a student can do is the pixel-wise median of the set, one grey blur: it learns the "
    "common brightness, and no crack. Kept as the control.",
}
WHAT_NEXT = "Its pictures below are no measure: compare it with its teacher before you use it."
NEXT = (
    ("similarity", "How alike are student and teacher?"),
    ("sample", "Let it paint images with masks and boxes"),
    ("package", "Pack it, to take it away"),
    ("dataset", "Make a data set with this student"),
)
FILM_WORDS = {
    "paper": "Pictures of the same eight random z after each epoch.",
    "pairs": "Pictures of the same eight noises.",
}
COPIES = "Above: its copies of the first teacher images. Below: the same scenes with other images' "
COPIES += "defects."


@dataclass(frozen=True)
class Asked:
    """What samples are to be: of the student in that run folder, in the light of others, of a
    class ("" for any)."""

    folder: str
    variation: float
    class_name: str


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Opening the student …")
def _sampler(folder: str) -> Sampler:
    return Sampler(Path(folder))


def show(run: Run) -> None:
    result = runs.result(run, Result)
    preset = result.preset
    learned = counted(result.images, "teacher image")
    words = f"A student of {result.megabytes:.1f} MB that learned from {learned}. "
    verdict.told(words + WHAT_NEXT, run, *NEXT)
    spec = runs.spec(run, Spec)
    if short := cut_short(spec, result):
        st.warning(short, icon=":material/timer:")
    st.caption(WORDS.get(preset, ""))
    charts.metrics(
        [
            ("Model size", f"{result.megabytes:.1f} MB", "The ONNX file"),
            ("Parameters", f"{result.parameters / 1e6:.2f} M", ""),
            ("Epochs", str(result.epochs), "Passes over the teacher images; steps for pairs"),
            (
                "Took",
                f"{(run.seconds or 0) / 60:.1f} min",
                "The whole job on this computer, with reading and judging",
            ),
            ("Images", str(result.images), "It learned from"),
            ("Kept away", str(result.held), "To see how it copies what it never saw"),
        ]
    )
    _explore(str(run.folder))
    film.show(run, {"epoch": FILM_WORDS.get(preset, COPIES)}, "Epoch")
    charts.curves(run)


def _explore(folder: str) -> None:
    """Fresh samples and the way between two of them, painted here by ONNX Runtime."""
    sampler = _sampler(folder)
    st.subheader("Explore", anchor=False)
    if "explorer_seed" not in st.session_state:
        st.session_state["explorer_seed"] = 0
    columns = st.columns(4, vertical_alignment="bottom")
    seed = int(
        columns[0].number_input(
            "Seed", 0, 2**31 - 1000, key="explorer_seed", help="Image k has seed + k."
        )
    )
    variation = columns[1].slider(
        "Variation",
        0.0,
        1.0,
        1.0,
        help="0 keeps each scene in its own light, 1 gives it the light of another one.",
    )
    classes = sampler.known_classes
    chosen = columns[2].selectbox("Class", [ANY, *classes], disabled=len(classes) < 2)
    with columns[3]:
        st.button("Other samples", icon=":material/casino:", on_click=_others)
        overlay = st.toggle("Masks and boxes", disabled=not sampler.paints_mask)
    class_name = "" if chosen == ANY else str(chosen)
    asked = Asked(folder, variation, class_name)
    _samples(asked, seed, overlay)
    _mixture(asked, seed, overlay)


def _others() -> None:
    st.session_state["explorer_seed"] = int(st.session_state["explorer_seed"]) + SAMPLES


def _samples(asked: Asked, seed: int, overlay: bool) -> None:
    seeds = [seed + k for k in range(SAMPLES)]
    with st.container(horizontal=True, key="small-pictures-samples"):
        for one, (name, picture) in zip(seeds, _painted(asked, seeds, overlay), strict=True):
            words = f"{name}, seed {one}"
            st.image(picture, width="stretch", caption=words, alt=f"Student sample: {words}")


@st.cache_data(ttl=600, max_entries=50, show_spinner=False)
def _painted(asked: Asked, seeds: list[int], overlay: bool) -> list[tuple[str, bytes]]:
    """What each sample is called, and its picture."""
    sampler = _sampler(asked.folder)
    images, masks, names = sampler.sample_named(seeds, asked.variation, asked.class_name)
    shown = (_shown(*both, overlay) for both in zip(images, masks, strict=True))
    return [*zip(names, map(pictures.encoded, shown), strict=True)]


def _shown(pixels: np.ndarray, mask: np.ndarray, overlay: bool) -> np.ndarray:
    if not overlay:
        return pixels
    boxes = boxes_of(mask > 0.5, "defect")
    return pictures.annotated(pixels, [pictures.Mark(box.xyxy) for box in boxes], mask > 0.5)


def _mixture(asked: Asked, seed: int, overlay: bool) -> None:
    """The strip of pictures from one latent to another, and one of them larger."""
    st.markdown("**Mix two of them**")
    left, middle, right = st.columns([1, 1, 2])
    seeds = (
        int(left.number_input("From seed", 0, 2**31 - 1, seed)),
        int(middle.number_input("To seed", 0, 2**31 - 1, seed + 1)),
    )
    share = right.slider("Share of the second", 0.0, 1.0, 0.5, 0.05)
    images, masks = _mixed(asked, seeds, share)
    strip = [_shown(*both, overlay) for both in zip(images, masks, strict=True)]
    left, right = st.columns([1, 3], vertical_alignment="center")
    left.image(strip[-1], width="stretch", caption=f"{share:.0%} of the second", alt="The mixture")
    right.image(
        pictures.sheet(strip[:STEPS], STEPS),
        width="stretch",
        caption="From the first to the second. Samples are turned and given the camera's noise on "
        "top; these are not.",
        alt="Strip of pictures from the first seed to the second",
    )


@st.cache_data(ttl=600, max_entries=50, show_spinner=False)
def _mixed(asked: Asked, seeds: tuple[int, int], share: float) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and masks of STEPS latents on the way, and of the one at `share` last."""
    sampler = _sampler(asked.folder)
    first, second = (
        sampler.draw(np.random.default_rng(s), asked.variation, asked.class_name) for s in seeds
    )
    shares = [*np.linspace(0, 1, STEPS), share]
    return sampler.paint(np.stack([sampler.mix(first, second, s) for s in shares]))


kind_page(
    "distill",
    "Train a small generator (a student) on images of defects (its teacher's): it runs on any "
    "computer and paints each image with its mask. Watch what it paints while it learns, and "
    "change scene and defect by hand when it is done.",
    show,
)
