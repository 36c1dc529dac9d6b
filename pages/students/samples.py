"""Student images: a set painted by a student, with masks and boxes."""

from backend.core.runs import Run
from pages.ui import gallery, links
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    gallery.show_images(run)
    links.to_kind("dataset", "Make a data set with these images")


kind_page(
    "sample",
    "Let a student paint as many images as you like, each with its mask and boxes. Image k depends "
    "on the seed plus k alone, so a set can be made again or gone on with.",
    show,
)
