"""GOOD-only inspection of simulated prints: mean AUROC by method, the same folds for all."""

import sys
from pathlib import Path

SCALE = 0.3  # of source B's 1,327 parts


def inspection(folder: Path) -> None:
    """GOOD-only inspection of simulated prints, no download (aim: mean AUROC 0.90)."""
    from backend import runs
    from backend.inspection import crossval, parts
    from backend.records import RunState

    def quiet(*args: object, **kwargs: object) -> None:
        pass

    made = runs.create(folder / "inspection", "parts", {})
    (made.folder / "artifacts").mkdir()
    parts.run(parts.Spec(scale=SCALE), made.folder, quiet)
    runs.finish(made.folder, RunState.COMPLETED, result={})
    run = runs.create(folder / "inspection", "inspect", {})
    (run.folder / "artifacts").mkdir()
    methods = ("padim", "mahalanobis", "knn", "patchcore", "flow")
    spec = crossval.Spec(parts_run=made.id, weights="scattering", methods=methods)
    result = crossval.run(spec, run.folder, quiet)
    best = result.mean_auroc[result.baseline]
    for method, mean in result.mean_auroc.items():
        ratio = mean / best if mean and best else float("nan")
        print(f"  {method:<44}{mean:9.3f}   {ratio:6.3f} × the best baseline")
    print(f"  {'seconds':<44}{result.seconds:9.1f} s for {result.n} parts", file=sys.stdout)
