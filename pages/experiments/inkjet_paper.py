"""Repeat the inkjet paper: parts to latency, the tables beside the published ones."""

from backend.experiments import inkjet_paper
from pages.ui import repeat

repeat.show(
    inkjet_paper.EXPERIMENT,
    "From printed parts to anomaly scores per feature type, limits, a packed model and its "
    "speed: separation of GOOD and BAD beside the published table, with intervals, all as one "
    "download.",
    "Parts",
)
