"""Automatic labels: guess masks and boxes for images that have none."""

from backend.core import runs
from backend.core.runs import Run
from backend.labels.label.spec import Result
from backend.wording import counted
from pages.ui import gallery, verdict
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = runs.result(run, Result)
    words = (
        f"{counted(result.boxes, 'box was', 'boxes were')} guessed; nothing was found in "
        f"{counted(result.without, 'image')}. Guesses need a look: correct them on the page Labels "
        "and curation before a detector learns from them."
    )
    verdict.told(words, run, ("dataset", "Make a data set with these images"))
    gallery.show_images(run)


kind_page(
    "label",
    "Let the program draw masks and boxes on a copy of your images. They are guesses: "
    "**Label agreement** says how far they can be trusted, and the rest is corrected by hand.",
    show,
)
