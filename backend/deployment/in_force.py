"""Which packages are on the line, since when, who put them there and why.

A journal in the storage folder, one JSON line a choice, only ever appended to: in each project the
last line of a kind of package (anomaly, detector, student) is in force, and going back is one more
line.

How this goes with the limits in force: a package runs with the limits that it carries. One comes
into force only with those that are in force for its model then. Other limits that are put in force
later change nothing in it: `outdated` says so until a package that carries them takes its place.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backend.core import journal, lineage, runs
from backend.records import RunState, UserError

JOURNAL = "active_packages.jsonl"
ANOMALY = "anomaly"


@dataclass(frozen=True)
class Activation:
    """variant: FP32, INT8 or FP16. sha256: of its ONNX file. machine: id of the fingerprint of the
    computer on which it passed the gate. threshold: version of the limits it carries, None without
    any. time: UTC, ISO 8601. who, why: as the person entered them. project: its id."""

    gate_run: str
    package_run: str
    kind: str
    variant: str
    sha256: str
    machine: str
    threshold: int | None
    model_run: str
    who: str
    why: str
    time: str
    project: str = ""


def file_of(gate_folder: Path, package_run: str, variant: str) -> Path:
    """The ONNX file of a variant that a gate judged."""
    from backend.deployment.gate.spec import FP32
    from backend.deployment.package import contract

    if variant == FP32:
        return contract.folder_of(runs.sibling(gate_folder, package_run)) / contract.MODEL
    return gate_folder / "artifacts" / "variants" / f"{variant.lower()}.onnx"


def activate(storage: Path, gate_folder: Path, variant: str, who: str, why: str) -> Activation:
    """Put a variant that passed the gate in force.

    Raises UserError for one that did not pass, or passed on another computer, for limits that are
    not those in force, and where nobody gave a name.
    """
    journal.signed(who)
    chosen = _checked(gate_folder, variant, who, why)
    _refuse_other_limits(storage, chosen)
    return _append(storage, chosen)


def roll_back(storage: Path, kind: str, who: str, why: str, project: str = "") -> Activation:
    """Put the package in force again that was there before in a project, with the limits it
    carries.

    Raises UserError where there was none, where it is gone or changed since, and where it passed
    the gate on another computer.
    """
    before = previous(storage, kind, project)
    if before is None:
        raise UserError("No package was in force before this one. Choose one on the page Gate.")
    journal.signed(who)
    folder = storage / "runs" / before.gate_run
    if not folder.is_dir():
        raise UserError(
            f"{before.gate_run}, by which it passed, is gone. Bring it back from the trash."
        )
    chosen = _checked(folder, before.variant, who, why)
    if chosen.project != project:
        raise UserError(f"{before.gate_run} belongs to another project now. Choose another gate.")
    if chosen.sha256 != before.sha256:
        raise UserError("Its file changed since it was in force. Make the package again.")
    return _append(storage, chosen)


def _checked(gate_folder: Path, variant: str, who: str, why: str) -> Activation:
    """The line to write. Raises UserError for what may not go on the line."""
    from backend.deployment.gate.spec import Result, Spec
    from backend.deployment.package import contract
    from backend.numeric import hardware

    run = runs.read(gate_folder)
    if run.kind != "gate" or run.state is not RunState.COMPLETED:
        raise UserError(f"{run.id} is no finished gate. Choose another run.")
    result, spec = runs.result(run, Result), runs.spec(run, Spec)
    if variant not in result.passed:
        raise UserError(f"{variant} did not pass the gate. Choose one that did.")
    if other := differences(result.described, hardware.fingerprint()):
        raise UserError(f"It passed on another computer ({other}). Run the gate again on this one.")
    package = contract.read(contract.folder_of(runs.sibling(gate_folder, spec.package_run)))
    file = file_of(gate_folder, spec.package_run, variant)
    if not runs.holds(file) or contract.sha256(file) != result.files.get(variant):
        raise UserError(f"{file} is not the file that passed. Run the gate again.")
    threshold: dict[str, Any] | None = package.head["threshold"]
    return Activation(
        gate_run=run.id,
        package_run=spec.package_run,
        kind=package.kind,
        variant=variant,
        sha256=result.files[variant],
        machine=result.machine,
        threshold=threshold["version"] if threshold else None,
        model_run=package.head["model_run"],
        who=who.strip(),
        why=why.strip(),
        time=runs.now().isoformat(timespec="seconds"),
        project=run.project,
    )


def differences(there: Any, here: Any) -> str:
    """What differs between two fingerprints, in words; "" for the same computer."""
    return "; ".join(there.differences(here))


def _refuse_other_limits(storage: Path, chosen: Activation) -> None:
    """Raises UserError where an anomaly model carries no limits, or not those in force for it."""
    if chosen.kind != ANOMALY:
        return
    if chosen.threshold is None:
        raise UserError(
            "This package carries no limits, so it calls no part GOOD or BAD. Put limits of its "
            "model in force, make the package again, and let it pass the gate."
        )
    if words := outdated(storage, chosen):
        raise UserError(words)


def outdated(storage: Path, chosen: Activation) -> str:
    """Says that other limits of its model are in force than the package carries; "" if not."""
    from backend.deployment.package import limits

    found = limits.in_force(storage, chosen.model_run)
    if chosen.kind != ANOMALY or found is None or found.version == chosen.threshold:
        return ""
    return (
        f"Limits version {found.version} are in force, the package carries version "
        f"{chosen.threshold}. Make the package again, and let it pass the gate."
    )


def _append(storage: Path, chosen: Activation) -> Activation:
    storage.mkdir(parents=True, exist_ok=True)
    journal.add(storage / JOURNAL, asdict(chosen))
    return chosen


def history(storage: Path, kind: str = "", project: str | None = None) -> list[Activation]:
    """Every choice so far, oldest first; those of one kind of package, of one project if named."""
    found = []
    for line in runs.json_lines(storage / JOURNAL):
        with suppress(TypeError):
            found.append(Activation(**line))
    mine = [one for one in found if not kind or one.kind == kind]
    return [one for one in mine if project is None or one.project == project]


def current(storage: Path, kind: str, project: str = "") -> Activation | None:
    """The choice in force of a kind of package in a project, None before the first."""
    found = history(storage, kind, project)
    return found[-1] if found else None


def previous(storage: Path, kind: str, project: str = "") -> Activation | None:
    """What was in force in a project before what is now, and is another file."""
    chosen = history(storage, kind, project)
    others = [one for one in chosen if one.sha256 != chosen[-1].sha256]
    return others[-1] if others else None


def refuse_deletion(storage: Path, run_id: str) -> None:
    """Raises UserError for the runs of a package in force, and for those behind it."""
    for chosen in _all_in_force(storage):
        if run_id in (chosen.gate_run, chosen.package_run):
            raise UserError(f"{run_id} holds the package in force. Put another in force first.")
        folder = storage / "runs" / chosen.gate_run
        if folder.is_dir() and lineage.is_behind(run_id, runs.read(folder)):
            raise UserError(
                f"{run_id} is behind the package in force, {chosen.package_run}. Put another in "
                "force first."
            )


def _all_in_force(storage: Path) -> Iterator[Activation]:
    """The last choice of each kind in each project."""
    yield from {(one.project, one.kind): one for one in history(storage)}.values()
