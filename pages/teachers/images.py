"""Teacher images: make or import them, look at them with their masks and boxes."""

from pages.ui import gallery
from pages.ui.run_view import kind_page

kind_page(
    "generate",
    "Make defect images, or bring your own. The renderer knows every pixel of its defects, the "
    "diffusion model paints its own masks, Stable Diffusion's labels follow its attention, and a "
    "folder keeps the labels it has.",
    gallery.show_images,
)
