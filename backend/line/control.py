"""What a line is asked while it runs: another package, other limits, a test with its golden parts.

A file in the line's folder that its process looks at; the answer is in the line's status.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from backend.core import projects, results, runs
from backend.deployment.package import contract
from backend.inspection.threshold import active
from backend.inspection.threshold.spec import Spec as ThresholdSpec
from backend.records import RunState, UserError

FILE = "control.json"


@dataclass(frozen=True)
class Wish:
    """run: of the line that it is for; another start goes by its own settings. package_run: whose
    package judges from now on. threshold_run: whose limits count in place of the package's own, ""
    for those. golden: how often a test was asked for."""

    run: str
    package_run: str
    threshold_run: str = ""
    golden: int = 0


def runs_of(home: Path) -> Path:
    """The folder of runs beside the lines."""
    return home.parent.parent / "runs"


def wish(home: Path) -> Wish | None:
    """What was asked last, None before the first. Raises UserError where it cannot be read."""
    path = home / FILE
    if not path.exists():
        return None
    try:
        return results.from_json(Wish, runs.read_json(path))
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}). Ask again on the page Lines.") from error


def current(home: Path, own: Wish) -> Wish:
    """What a line goes by: what it was asked since its run began, else its own settings."""
    asked = wish(home)
    if asked and asked.run == own.run:
        return asked
    runs.write_json(home / FILE, asdict(own))
    return own


def ask(home: Path, asked: Wish) -> None:
    """Leave a wish for the line. Raises UserError where its runs do not fit together."""
    check(home, asked)
    runs.write_json(home / FILE, asdict(asked))


def check(home: Path, asked: Wish) -> None:
    """Raises UserError where the runs of a wish do not fit together."""
    runs_folder = runs_of(home)
    package = runs.read(runs.named(runs_folder, asked.package_run))
    if package.kind != "package" or package.state is not RunState.COMPLETED:
        raise UserError(f"{package.id} is no finished package. Choose another.")
    place = projects.of_line(runs_folder, home.name)
    for run_id in filter(None, (package.id, asked.threshold_run)):
        if projects.of_run(runs_folder.parent, run_id) != place:
            raise UserError(
                f"{run_id} belongs to another project than the line {home.name}. Choose one of "
                "the line's project, or move that run first."
            )
    if asked.threshold_run:
        check_limits(runs_folder, package.id, asked.threshold_run)


def check_limits(runs_folder: Path, package_run: str, threshold_run: str) -> None:
    """Raises UserError for limits of another model than the package's."""
    threshold = runs.read(runs.named(runs_folder, threshold_run))
    if threshold.kind != "threshold" or threshold.state is not RunState.COMPLETED:
        raise UserError(f"{threshold_run} is no finished threshold. Choose another version.")
    package = contract.folder_of(runs_folder / package_run)
    model = runs.read_json(package / contract.HEAD).get("model_run")
    if runs.spec(threshold, ThresholdSpec).inspect_run != model:
        raise UserError(
            f"The limits of {threshold_run} are of another anomaly model than the package. Choose "
            "a version of that model, or make its package."
        )


def limits_file(home: Path, asked: Wish) -> Path:
    """The file with the limits of a wish."""
    return runs_of(home) / asked.threshold_run / active.FILE
