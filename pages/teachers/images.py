"""Teacher images: make or import them, look at them with their masks and boxes."""

from backend.core import runs
from backend.core.runs import Run
from backend.teachers.generate.spec import Result, Spec
from backend.wording import counted
from pages.ui import gallery, verdict
from pages.ui.run_view import kind_page

NEXT = {  # whether they were imported → what comes next
    True: (
        ("testset", "Put a share of the parts aside for tests"),
        ("composite", "Put defects on the good ones"),
    ),
    False: (("distill", "Distil a student from these images"),),
}
DATA_SET = "dataset", "Make a data set with these images"


def show(run: Run) -> None:
    result = runs.result(run, Result)
    words = (
        f"{counted(result.images, 'image')}, {result.intact} of them good, with "
        f"{counted(result.boxes, 'marked defect')}. Look whether the boxes fit, then go on."
    )
    verdict.told(words, run, *NEXT[runs.spec(run, Spec).teacher == "folder"], DATA_SET)
    gallery.show_images(run)


kind_page(
    "generate",
    "Make images of defects, or bring your own in a folder, which keep the labels they have. Drawn "
    "ones (renderer) are labelled to the pixel; painted ones (diffusion, Stable Diffusion) are "
    "freer, and their labels less sure.",
    show,
)
