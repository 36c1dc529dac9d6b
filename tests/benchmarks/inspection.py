"""GOOD-only inspection of simulated prints: mean AUROC by method, the same folds for all."""

from pathlib import Path

from tests.benchmarks.jobs import run_job

SCALE = 0.3  # of source B's 1,327 parts


def inspection(folder: Path) -> None:
    """GOOD-only inspection of simulated prints, no download (aim: mean AUROC 0.90)."""
    place = folder / "inspection"
    parts = run_job(place, "parts", {"scale": SCALE})
    methods = ["padim", "mahalanobis", "knn", "patchcore", "flow"]
    values = {"parts_run": parts.id, "weights": "rendered+scattering", "methods": methods}
    result = run_job(place, "inspect", values).result or {}
    best = result["mean_auroc"][result["baseline"]]
    for method, mean in result["mean_auroc"].items():
        ratio = mean / best if mean and best else float("nan")
        print(f"  {method:<44}{mean:9.3f}   {ratio:6.3f} × the best baseline")
    print(f"  {'seconds':<44}{result['seconds']:9.1f} s for {result['n']} parts")
