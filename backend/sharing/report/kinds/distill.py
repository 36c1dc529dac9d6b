"""A student generator in a report: what it is, how it learned, what it paints."""

from collections.abc import Iterator

from backend.core import runs
from backend.core.runs import Run
from backend.images import imagefiles
from backend.sharing.report import general
from backend.sharing.report.items import Item, Picture
from backend.students.distill.spec import Result
from backend.wording import counted


def said(run: Run) -> Iterator[str]:
    """How large it is, and from what it learned."""
    result = runs.result(run, Result)
    yield (
        f"A student of {result.megabytes:.1f} MB ({result.parameters / 1e6:.2f} million "
        f"parameters) that learned from {counted(result.images, 'teacher image')}."
    )
    if result.best_kid is not None:
        yield f"Its samples reached a KID of {result.best_kid:.0f} (0: like the teacher's images)."


def items(run: Run) -> Iterator[Item]:
    """Its last pictures and its curves."""
    strips = sorted((run.artifacts / "film").glob("*.png"))
    if strips:
        pixels = imagefiles.read_rgb(strips[-1])
        yield Picture("1-painted", "What it paints", "At the end of its training.", pixels)
    yield from general.curves(run)


def limits(run: Run) -> Iterator[str]:
    """What its pictures do not show."""
    yield "Pictures are no measure of a student: see its similarity run for figures with intervals."
