"""Which package gave a line's scores, and which limits can be asked of them."""

from collections.abc import Iterable
from pathlib import Path

from backend.core import runs
from backend.deployment import in_force
from backend.deployment.in_force import Activation
from backend.deployment.package import contract, limits
from backend.deployment.package.limits import Limits
from backend.inspection.threshold import active
from backend.inspection.threshold.spec import Spec as ThresholdSpec

OWN = ""  # in place of a threshold run: the package's own limits


def package_of(runs_folder: Path, package_runs: Iterable[str], model_hash: str) -> str | None:
    """The package run whose model, or a variant of it that was in force, has this hash or begins
    with it; None where it is gone."""
    offered = list(package_runs)
    for run_id in offered:
        head = contract.folder_of(runs_folder / run_id) / contract.HEAD
        if head.is_file():
            found = str(runs.read_json(head)["files"].get(contract.MODEL, ""))
            if model_hash and found.startswith(model_hash):
                return run_id
    chosen = variant_of(runs_folder, model_hash)
    return chosen.package_run if chosen and chosen.package_run in offered else None


def variant_of(runs_folder: Path, model_hash: str) -> Activation | None:
    """What was in force whose file has this hash, or begins with it."""
    history = in_force.history(runs_folder.parent) if model_hash else []
    return next((one for one in history[::-1] if one.sha256.startswith(model_hash)), None)


def types_of(runs_folder: Path, package_run: str) -> list[str]:
    """The feature types that a package knows."""
    head = runs.read_json(contract.folder_of(runs_folder / package_run) / contract.HEAD)
    return list(head.get("feature_types", []))


def limits_of(runs_folder: Path, package_run: str, threshold_run: str) -> dict[str, Limits]:
    """Feature type → BAD above, GOOD up to. threshold_run: OWN for what the package carries."""
    if threshold_run == OWN:
        package = contract.folder_of(runs_folder / package_run)
        return limits.by_type(runs.read_json(package / contract.HEAD).get("threshold"))
    kept = runs.read_json(runs_folder / threshold_run / active.FILE)
    return limits.by_type({"limits": kept["features"]})


def fitting(runs_folder: Path, package_run: str, threshold_runs: Iterable[str]) -> list[str]:
    """The threshold runs that are of the package's model."""
    head = runs.read_json(contract.folder_of(runs_folder / package_run) / contract.HEAD)
    model = head.get("model_run")
    found = []
    for run_id in threshold_runs:
        run = runs.read(runs_folder / run_id)
        same = runs.spec(run, ThresholdSpec).inspect_run == model
        if same and (run.folder / active.FILE).is_file():
            found.append(run_id)
    return found
