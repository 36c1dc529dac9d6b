"""What a package is: its figures, and the button that gives it as one zip."""

from backend.core import runs
from backend.core.runs import Run
from backend.deployment.package import takeaway
from backend.deployment.package.spec import Result
from backend.settings import settings
from backend.wording import counted, tiny
from pages.ui import charts

UNITS = {"anomaly": "score", "detector": "confidence", "student": "grey level"}


def figures(run: Run) -> None:
    """Size, and how exactly it is the trained model."""
    result = runs.result(run, Result)
    found = [("Model size", f"{result.megabytes:.1f} MB", "model.onnx, which holds everything")]
    found += _painting(result) if result.sort == "student" else _parity(result)
    charts.metrics(found)


def _painting(result: Result) -> list[tuple[str, str, str]]:
    found = [("FP32, images/s", f"{result.images_a_second:.0f}", "On one core, 8 at a time")]
    if result.int8_passes:
        found += [
            ("INT8 file", f"{result.int8_megabytes:.1f} MB", "In whole numbers"),
            ("INT8, images/s", f"{result.int8_images_a_second:.0f}", "On one core"),
        ]
    return found


def _parity(result: Result) -> list[tuple[str, str, str]]:
    what = "parts" if result.sort == "anomaly" else "test images"
    whole = "all of the model's test set" if result.kind else "some of the model's parts"
    found = [
        (
            "Largest difference",
            tiny(result.difference),
            f"Of a {UNITS[result.sort]} from the trained model's, on {result.checked} {what}: "
            f"{whole}",
        )
    ]
    if result.box_difference is not None:
        told = f"{tiny(result.box_difference)} px"
        found.append(("Largest shift", told, "Of a box's corner from the trained detector's"))
    if result.flips is not None:
        told = f"{result.flips} of {result.checked}"
        found.append(("Other verdicts", told, f"{what.capitalize()} that get another verdict"))
    return found


def download(run: Run, name: str) -> None:
    """The zip, with the limits that are in force when it is asked for."""
    charts.zipped("Download the package", lambda: takeaway.packed(settings().storage, run), name)


def sentence(result: Result) -> str:
    """What the package is and how far it is the trained model, in words."""
    if result.sort == "student":
        return (
            f"A student of {result.megabytes:.1f} MB that paints images without this program. "
            "Its pictures are those of the trained student, pixel by pixel."
        )
    if result.sort == "detector":
        made = "from a picture of any size to boxes in its own pixels"
        what = f"confidence on {counted(result.checked, 'test image')}"
    else:
        made = "from a part's picture to its score"
        what = f"score on {counted(result.checked, 'part')}"
    flips = ""
    if result.flips is not None:
        other = counted(result.flips, "verdict differs", "verdicts differ")
        flips = f", {other if result.flips else 'no verdict differs'}"
    return (
        f"One file leads {made}, and needs no program but ONNX Runtime. It gives what the trained "
        f"model gives: the largest difference of a {what} is {tiny(result.difference)}{flips}."
    )
