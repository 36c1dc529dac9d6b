"""Diffusion teacher: train the small diffusion model on labelled images."""

from backend.core import runs
from backend.core.runs import Run
from backend.teachers.diffusion.spec import Result
from backend.wording import counted
from pages.ui import charts, film, verdict
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
    words = (
        f"It learned from {counted(result.images, 'image')} in {result.minutes:.0f} min. "
        "Look at its samples below before you use it: errors do not show what a picture is worth."
    )
    verdict.told(words, run, ("generate", "Make images with this model (teacher: diffusion)"))
    charts.metrics(
        [
            ("Learned from", counted(result.images, "image"), ""),
            ("Classes", str(len(result.classes)), ", ".join(result.classes)),
            ("Training time", f"{result.minutes:.0f} min", "On this computer"),
            ("Model size", f"{result.megabytes:.1f} MB", "Weights in half precision"),
            (
                "Picture error",
                f"{result.codec_error:.3f}",
                "How far a picture is from itself, packed small and unpacked again: 0 is the same",
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


kind_page(
    "diffusion",
    "Train a small diffusion model on labelled images: rendered, imported, or your own "
    "photographs. It learns image and defect mask together, by class, and then makes "
    "more like them; give it hours, best on a GPU: after 78 minutes on two cores cracks "
    "were still blotches.",
    show,
)
