"""Student images: a set painted by a student, with masks and boxes."""

from backend.core import runs
from backend.core.runs import Run
from backend.students.sample.spec import Result
from backend.wording import counted
from pages.ui import gallery, verdict
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = runs.result(run, Result)
    words = (
        f"The student painted {counted(result.images, 'image')} with "
        f"{counted(result.boxes, 'defect')}. How like its teacher's they are, the page Similarity "
        "says."
    )
    verdict.told(words, run, ("dataset", "Make a data set with these images"))
    gallery.show_images(run)


kind_page(
    "sample",
    "Let a student paint as many images as you like, each with its mask and boxes. The same "
    "seed gives the same images, so a set can be made again or gone on with.",
    show,
)
