"""Similarity in a report: a student beside its teacher."""

from collections.abc import Iterator

import pandas as pd

from backend import glossary
from backend.core import facts, runs
from backend.core.runs import Run
from backend.plots import student as plots
from backend.sharing.report import general, tiles
from backend.sharing.report.items import Chart, Item, Picture
from backend.students.similarity.spec import Result
from backend.wording import with_interval

SHOWN = 12  # pairs


def said(run: Run) -> Iterator[str]:
    """Does it know its images, how far are its samples, are they copies?"""
    found = facts.by_name(general.rows(run, "figures"))
    gap = found.get(("matched minus random", "SSIM"))
    if gap:
        reached = with_interval(gap.value, gap.low, gap.high)
        if gap.low > 0:
            yield (
                f"The student knows its images: a matched pair is {reached} more alike (SSIM) than "
                f"a random one, n = {gap.n}."
            )
        else:
            yield f"No sign that the student tells its images apart: {reached}, n = {gap.n}."
    kid, copies = found.get(("samples", "KID")), found.get(("samples", "not copies"))
    if kid and copies:
        yield (
            f"Its samples lie {general.figure(kid.value, kid.low, kid.high)} from images it never "
            f"saw (KID; 0 is alike). Not copies: "
            f"{general.figure(copies.value, copies.low, copies.high)} of them; 0.95 is the aim."
        )


def items(run: Run) -> Iterator[Item]:
    """Pairs as bars and pictures, distances to training images, every figure."""
    pairs, figures = general.rows(run, "ssim_pairs"), general.rows(run, "figures")
    matched = pairs[
        (pairs["pairing"] == "matched") & (pairs["split"].fillna("trained") == "trained")
    ]
    if len(matched):
        means = figures[figures["metric"] == "SSIM"]
        chart = plots.ssim_bars(matched, means)
        words = "Each teacher image beside the student's; lines are the means of the checks."
        yield Chart("1-pairs", "Likeness pair by pair", words, chart, matched)
        yield from _sheet(run, matched)
    near = general.rows(run, "neighbours")
    limit = facts.by_name(figures).get(("training images", "least distance"))
    if len(near) and limit:
        chart = plots.nearest_distances(near, limit.value)
        words = "Left of the limit a sample is nearer than training images are to each other."
        yield Chart("3-nearest", "Are samples copies?", words, chart, near)
    yield from general.figures(run)


def _sheet(run: Run, matched: pd.DataFrame) -> Iterator[Item]:
    some = matched.head(SHOWN)
    paths = [
        run.folder / str(path)
        for pair in zip(some["teacher_path"], some["student_path"], strict=True)
        for path in pair
    ]
    sheet = tiles.sheet(paths)
    if sheet is not None:
        words = "Left of each pair the teacher's image, right the student's."
        yield Picture("2-pictures", "Teacher beside student", words, sheet)


def limits(run: Run) -> Iterator[str]:
    """How pairs were found."""
    result = runs.result(run, Result)
    if result.pairing:
        yield f"How a teacher image got its partner: {glossary.said(result.pairing)}."
    yield "A grey field is alike to much (SSIM), and noise is sharp: no single figure says enough."
