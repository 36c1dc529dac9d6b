"""A finished model as a package: one folder that runs without this program, and proves itself."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backend.core import runs
from backend.core.runs import Run
from backend.deployment.package import anomaly, contract, detector, limits, made, student
from backend.deployment.package.made import Made
from backend.deployment.package.spec import Result, Spec
from backend.images import licences
from backend.inspection.parts import lookalikes
from backend.inspection.threshold import active
from backend.records import Progress, UserError

MAKERS = {"inspect": anomaly.make, "detector": detector.make, "distill": student.make}


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Write, compare with the trained model on its whole test set, describe: artifacts/package."""
    model = runs.read(runs.sibling(out_dir, spec.model_run))
    folder = contract.folder_of(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    packed = MAKERS[model.kind](spec, model, folder, progress)
    _refuse_difference(spec, folder, packed)
    progress(0.9, "writing what goes with it")
    made.write_golden(folder, packed.golden)
    head = _head(spec, model, folder, packed)
    _write_texts(folder, packed, head)
    contract.read(folder)
    progress(1.0, "done", metrics={"difference": packed.parity.score})
    return _result(spec, folder, packed, head)


def _refuse_difference(spec: Spec, folder: Path, packed: Made) -> None:
    """Remove the file and raise UserError where its scores are not the model's own."""
    parity = packed.parity
    if not parity.score <= spec.tolerance:  # NaN is refused too
        (folder / contract.MODEL).unlink()
        raise UserError(
            f"The packed model's scores differ by {parity.score:.2g} (allowed {spec.tolerance:g}) "
            f"on {parity.n} pictures, so it was not kept. Train the model again with this version "
            "and pack that, or raise the tolerance if such a difference does not matter."
        )


def _head(spec: Spec, model: Run, folder: Path, packed: Made) -> dict[str, Any]:
    """package.json but for the hashes of the files."""
    import onnx

    opsets = onnx.load(folder / contract.MODEL, load_external_data=False).opset_import
    storage = folder.parents[3]
    return {
        "format": contract.FORMAT,
        "kind": contract.OF_KIND[model.kind],
        "name": model.name or model.id,
        **packed.head,
        "opset": next(one.version for one in opsets if one.domain in contract.OWN_DOMAINS),
        "threshold": limits.told(storage, model.id),
        "parity": asdict(packed.parity),
        "model_run": model.id,
        "runs": licences.behind(model),
        "data": _data(model),
        "licence": licences.licence(model.folder),
        "lookalikes": _lookalikes(model),
    }


def _data(model: Run) -> dict[str, str]:
    """The hashes of what the model was made from, as it noted them."""
    path = model.folder / "provenance.json"
    return dict(runs.read_json(path).get("inputs", {})) if path.exists() else {}


def _lookalikes(model: Run) -> str:
    """What look-alikes mean for the figures; "" for a model that rests on no parts."""
    return lookalikes.warning(model.folder) if model.kind == "inspect" else ""


def _write_texts(folder: Path, packed: Made, head: Mapping[str, Any]) -> None:
    """The example, the limits in force, the card, and package.json with the hashes of them all."""
    (folder / "example.py").write_text(packed.example, encoding="utf-8")
    if threshold := head["threshold"]:
        shutil.copyfile(folder.parents[2] / threshold["run"] / active.FILE, folder / limits.FILE)
    (folder / contract.CARD).write_text(packed.card(head), encoding="utf-8")
    made.write_head(folder, dict(head))


def _result(spec: Spec, folder: Path, packed: Made, head: Mapping[str, Any]) -> Result:
    parity = packed.parity
    return Result(
        kind=head["kind"],
        megabytes=round((folder / contract.MODEL).stat().st_size / 1e6, 2),
        difference=parity.score,
        flips=parity.flips,
        tolerance=spec.tolerance,
        checked=parity.n,
        features=tuple(head.get("feature_types") or head["classes"]),
        size=head["size"],
        opset=head["opset"],
        sizes=packed.sizes,
        licence=head["licence"],
        lookalikes=head["lookalikes"],
        **packed.told,
    )
