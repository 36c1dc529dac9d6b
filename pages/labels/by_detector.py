"""Labels by a detector: its sure boxes on photographs that nobody labelled."""

from backend.core import runs
from backend.core.runs import Run
from backend.detection.pseudo_labels.spec import Result
from backend.wording import counted
from pages.ui import gallery, verdict
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = runs.result(run, Result)
    fitted = (
        f" Of its {counted(result.validation_boxes, 'box', 'boxes')} that were as sure on its "
        f"validation images, {100 * result.precision:.0f} % fitted."
        if result.precision is not None
        else ""
    )
    words = (
        f"{counted(result.boxes, 'box was', 'boxes were')} drawn on "
        f"{counted(result.images - result.without, 'photograph')}, at a confidence of "
        f"{result.confidence:.2f} or more; {counted(result.without, 'photograph')} without one "
        f"stay unlabelled.{fitted} A detector repeats its own mistakes: look through them on the "
        "page Labels and curation, then let a study tell whether they help."
    )
    verdict.told(words, run, ("study", "See in a study whether they help"))
    gallery.show_images(run)


kind_page(
    "pseudo-label",
    "Let a finished detector label photographs that nobody has labelled yet. What it is sure of "
    "becomes a set of its own, which a study can try as one variant.",
    show,
)
