"""Automatic labels: guess masks and boxes for images that have none."""

from pages.ui import gallery
from pages.ui.run_view import kind_page

kind_page(
    "label",
    "Let the program draw masks and boxes on a copy of your images. They are guesses: "
    "**Label agreement** says how far they can be trusted, and the rest is corrected by hand.",
    gallery.show_images,
)
