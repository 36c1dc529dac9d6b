"""The limits in force, where they are those of a packaged anomaly model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.core import runs
from backend.inspection.inspect_part import Limits
from backend.inspection.threshold import active
from backend.inspection.threshold.active import Activation

FILE = "thresholds.json"


def in_force(storage: Path, model_run: str) -> Activation | None:
    """The choice in force, None where it is of another model or its file is gone."""
    found = active.current(storage, runs.project_of(storage / "runs" / model_run))
    fits = found is not None and found.inspect_run == model_run
    return found if found and fits and file_of(storage, found).is_file() else None


def file_of(storage: Path, chosen: Activation) -> Path:
    """thresholds.json of a version."""
    return storage / "runs" / chosen.run_id / active.FILE


def told(storage: Path, model_run: str) -> dict[str, Any] | None:
    """What package.json tells of the limits in force, None where there are none.

    version, run, who, time, why, and limits: by feature type `limit`, above which a part is BAD,
    and `review_limit`, up to which it is GOOD; null where nothing is promised.
    """
    chosen = in_force(storage, model_run)
    if chosen is None:
        return None
    features = runs.read_json(file_of(storage, chosen))["features"]
    kept = {
        name: {k: one.get(k) for k in ("limit", "review_limit")} for name, one in features.items()
    }
    about = {name: getattr(chosen, name) for name in ("who", "time", "why", "lookalikes")}
    return {"version": chosen.version, "run": chosen.run_id, **about, "limits": kept}


def by_type(told: Mapping[str, Any] | None) -> dict[str, Limits]:
    """The limits of each feature type that `told` or package.json's `threshold` names."""
    limits = told["limits"] if told else {}
    return {name: (one["limit"], one["review_limit"]) for name, one in limits.items()}
