"""A package as one zip, with the limits that are in force now."""

import hashlib
from pathlib import Path
from typing import Any

from backend.core import bundle, places, runs
from backend.core.runs import Run
from backend.deployment.package import cards, contract, limits
from backend.inspection.threshold import active

ARTIFACTS = ("*.onnx", "*.json", "*.npz", "*.md")  # of what earlier versions exported


def is_older(run: Run) -> bool:
    """Was it exported by an earlier version, so that it is no package?"""
    return not (contract.folder_of(run.folder) / contract.HEAD).is_file()


def packed(storage: Path, run: Run) -> bytes:
    """The zip. Raises UserError where files are gone."""
    if is_older(run):
        found = [path for kind in ARTIFACTS for path in sorted(run.artifacts.glob(kind))]
        return bundle.zipped({path.name: path for path in found})
    folder = contract.folder_of(run.folder)
    head = runs.read_json(folder / contract.HEAD)
    files: dict[str, Path | str] = {name: folder / name for name in head["files"]}
    threshold = limits.told(storage, head["model_run"])
    if threshold != head["threshold"]:
        files, head = _with_limits(run, files, head | {"threshold": threshold})
    return bundle.zipped(files | {contract.HEAD: bundle.as_text(places.values(head))})


def _with_limits(
    run: Run, files: dict[str, Path | str], head: dict[str, Any]
) -> tuple[dict[str, Path | str], dict[str, Any]]:
    """The files and package.json, with the limits that this names in place of earlier ones."""
    changed = {contract.CARD: cards.anomaly(contract.model_of(run), head)}
    if threshold := head["threshold"]:
        file = runs.sibling(run.folder, threshold["run"]) / active.FILE
        changed[limits.FILE] = file.read_text(encoding="utf-8")
    kept = {name: path for name, path in files.items() if name != limits.FILE}
    hashes = {name: one for name, one in head["files"].items() if name in kept}
    for name, text in changed.items():
        hashes[name] = hashlib.sha256(text.encode()).hexdigest()
    return {**kept, **changed}, head | {"files": hashes}
