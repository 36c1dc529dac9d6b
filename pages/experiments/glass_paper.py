"""Repeat the glass paper: teacher images to detector, in the paper's order, as one download."""

from backend.experiments import glass_paper
from pages.ui import repeat

repeat.show(
    glass_paper.EXPERIMENT,
    "From images of broken glass to a small generator, and from that to a detector, as "
    "the paper did it. Start it, and take its figures in its order, ours beside the "
    "published ones, as one download.",
    "Teacher set",
)
