"""A variant that passed, as the package with its file in place of full precision."""

from pathlib import Path

from backend.core import bundle, places, runs
from backend.core.runs import Run
from backend.deployment import in_force
from backend.deployment.gate.spec import Result, Spec
from backend.deployment.package import contract

VERDICT = "gate.json"
GOLDEN = "golden/"  # what full precision gave: a variant gives a little else


def packed(run: Run, variant: str) -> bytes:
    """The zip: the package without its golden pictures, and the verdict. run: of the kind `gate`.

    Raises UserError where files are gone.
    """
    package_run = runs.spec(run, Spec).package_run
    folder = contract.folder_of(runs.sibling(run.folder, package_run))
    head = runs.read_json(folder / contract.HEAD)
    hashes = {name: one for name, one in head["files"].items() if not name.startswith(GOLDEN)}
    files: dict[str, Path | str] = {name: folder / name for name in hashes}
    files[contract.MODEL] = in_force.file_of(run.folder, package_run, variant)
    files[VERDICT] = run.artifacts / VERDICT
    hashes[contract.MODEL] = runs.result(run, Result).files[variant]
    hashes[VERDICT] = contract.sha256(run.artifacts / VERDICT)
    told = head | {"files": hashes, "variant": variant, "gate_run": run.id}
    return bundle.zipped(files | {contract.HEAD: bundle.as_text(places.values(told))})
