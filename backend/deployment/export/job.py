"""Write an anomaly model as one ONNX file, and prove that its scores are the model's own.

The file takes raw crops: scaling, features, whitening, diffusion and z-scores are all inside, so
that the deployed score is the trained one.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.core import runs
from backend.deployment.export.spec import Result, Spec
from backend.inspection.parts import lookalikes
from backend.inspection.parts.crops import read_crops, read_parts
from backend.records import Progress, UserError

if TYPE_CHECKING:
    from torch import nn


INPUTS = ("crops", "types")
OUTPUTS = ("score", "anomaly_map")


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Export, check on real crops, write model.onnx and model.json into artifacts."""
    from backend.inspection.model import inspector

    folder = runs.sibling(out_dir, spec.inspect_run)
    progress(0.05, "reading the model")
    model, about = inspector.load(folder / "artifacts" / "model")
    crops, types = sample(out_dir, about, spec.checked)
    target = out_dir / "artifacts" / "model.onnx"
    target.parent.mkdir(parents=True, exist_ok=True)
    progress(0.2, "writing the ONNX file (some ten seconds)")
    dynamic = write(model, target, crops, types, spec.opset)
    progress(0.7, "comparing scores")
    differences = compare(model, target, crops, types, 0 if dynamic else 1)
    _refuse_difference(spec, target, differences[0], len(crops))
    alike = lookalikes.warning(runs.sibling(out_dir, about["parts_run"]))
    result = _result(spec, about, target, differences, len(crops), dynamic, alike)
    _describe(target, about, result)
    progress(1.0, "done", metrics={"difference": result.difference})
    return result


def _refuse_difference(spec: Spec, target: Path, difference: float, checked: int) -> None:
    """Remove the file and raise UserError where its scores are not the model's own."""
    if not difference <= spec.tolerance:  # NaN is refused too
        target.unlink()
        raise UserError(
            f"The ONNX file's scores differ by {difference:.2g} (allowed {spec.tolerance:g}) on "
            f"{checked} crops, so it was not kept. Export again with another opset, or raise "
            "the tolerance if such a difference does not matter."
        )


def _result(
    spec: Spec,
    about: dict[str, Any],
    target: Path,
    differences: tuple[float, float],
    checked: int,
    dynamic: bool,
    alike: str,
) -> Result:
    return Result(
        file=f"artifacts/{target.name}",
        megabytes=round(target.stat().st_size / 1e6, 2),
        difference=differences[0],
        map_difference=differences[1],
        tolerance=spec.tolerance,
        checked=checked,
        features=tuple(about["features"]),
        size=about["size"],
        dynamic_batch=dynamic,
        opset=spec.opset,
        backbone=about["backbone"],
        lookalikes=alike,
    )


def sample(
    out_dir: Path, about: dict[str, Any], count: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Up to `count` crops [N, S, S, 3] of the model's own parts and their type indices [N].

    Spread evenly over the parts sorted by type and label, so that each occurs.
    """
    folder = runs.sibling(out_dir, about["parts_run"])
    frame = read_parts(folder).sort_values(["feature", "label", "part"])
    chosen = np.unique(np.linspace(0, len(frame) - 1, min(count, len(frame))).round().astype(int))
    frame = frame.iloc[chosen]
    return read_crops(frame, folder, about["size"]), type_index(frame, about["features"])


def type_index(frame: pd.DataFrame, features: list[str]) -> NDArray[np.int64]:
    """Index [N] of each part's feature in the model's list. Raises UserError: unknown feature."""
    unknown = sorted(set(frame["feature"]) - set(features))
    if unknown:
        raise UserError(
            f"The model does not know the feature '{unknown[0]}', only {', '.join(features)}. "
            "Use the parts that it was trained on, or train it anew."
        )
    index = {name: i for i, name in enumerate(features)}
    return np.array([index[name] for name in frame["feature"]], dtype=np.int64)


def write(
    model: "nn.Module",
    target: Path,
    crops: NDArray[np.uint8],
    types: NDArray[np.int64],
    opset: int,
) -> bool:
    """Write one self-contained ONNX file; True if its batch size is free, else it is 1."""
    import torch

    batch = torch.export.Dim("batch", min=1, max=4096)
    try:
        shapes = {"crops": {0: batch}, "types": {0: batch}}
        _write(model, target, crops[:2], types[:2], opset, shapes)
        return True
    except Exception as error:
        print(f"No free batch size ({type(error).__name__}): exporting for one part at a time.")
        _write(model, target, crops[:1], types[:1], opset, None)
        return False


def _write(
    model: "nn.Module",
    target: Path,
    crops: NDArray[np.uint8],
    types: NDArray[np.int64],
    opset: int,
    dynamic_shapes: dict[str, Any] | None,
) -> None:
    """The export itself, with these parts as the example that is traced."""
    import torch

    torch.onnx.export(
        model,
        (torch.from_numpy(crops.copy()), torch.from_numpy(types.copy())),
        str(target),
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        opset_version=opset,
        dynamo=True,
        dynamic_shapes=dynamic_shapes,
        external_data=False,
        verbose=False,
    )


def compare(
    model: "nn.Module",
    file: Path,
    crops: NDArray[np.uint8],
    types: NDArray[np.int64],
    batch: int = 0,
) -> tuple[float, float]:
    """Largest differences of scores and of map values, |a - b| / max(1, |a|).

    batch 0 asks for all crops at once.
    """
    import torch

    from backend.numeric.onnx_session import open_session

    with torch.inference_mode():
        asked = torch.from_numpy(crops.copy()), torch.from_numpy(types.copy())
        wanted = [t.numpy() for t in model(*asked)]
    runner, step = open_session(file, 1), batch or len(crops)
    pieces = [
        runner.run(list(OUTPUTS), {"crops": crops[i : i + step], "types": types[i : i + step]})
        for i in range(0, len(crops), step)
    ]
    found = [np.concatenate(column) for column in zip(*pieces, strict=True)]
    gaps = [
        float((np.abs(a - b) / np.maximum(1, np.abs(a))).max())
        for a, b in zip(wanted, found, strict=True)
    ]
    return gaps[0], gaps[1]


def _describe(target: Path, about: dict[str, Any], result: Result) -> None:
    """model.json: what a program needs to call the file, and where it comes from."""
    head = {
        "features": list(result.features),
        "size": result.size,
        "inputs": {
            "crops": f"uint8 [batch, {result.size}, {result.size}, 3], RGB",
            "types": "int64 [batch], index into features",
        },
        "outputs": {
            "score": "float32 [batch], z-score; 0 is a usual GOOD part, higher is more anomalous",
            "anomaly_map": "float32 [batch, G, G], z-score a patch",
        },
        "dynamic_batch": result.dynamic_batch,
        "opset": result.opset,
        "sha256": runs.fingerprint(target),
        "lookalikes": result.lookalikes,
        "provenance": about,
    }
    (target.parent / "model.json").write_text(json.dumps(head, indent=1), encoding="utf-8")
