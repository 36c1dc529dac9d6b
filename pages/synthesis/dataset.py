"""Synthetic data set: images with boxes for a detector."""

from pages.ui import gallery
from pages.ui.run_view import kind_page

kind_page(
    "dataset",
    "Turn a student's samples, or a teacher's images, into a data set in YOLO's layout. Boxes come "
    "from the painted mask; `centred` gives source A's dummy boxes for comparison.",
    gallery.show_images,
)
