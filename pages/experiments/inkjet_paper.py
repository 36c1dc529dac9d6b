"""Repeat the inkjet paper: parts to latency, the tables beside the published ones."""

from backend.experiments import inkjet_paper
from pages.ui import repeat

repeat.show(
    inkjet_paper.EXPERIMENT,
    "From printed parts to anomaly scores per feature type, limits, a packed model and "
    "its speed. Start it, and take separation of GOOD and BAD beside the published "
    "table, with intervals, as one download.",
    "Parts",
)
