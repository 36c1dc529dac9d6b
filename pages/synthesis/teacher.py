"""Teacher images: make them, look at them with their masks and boxes."""

from pages.ui import gallery
from pages.ui.run_view import kind_page

kind_page(
    "generate",
    "Make defect images. Each comes with the same scene without the defect, an exact mask and "
    "exact boxes.",
    gallery.show_images,
)
