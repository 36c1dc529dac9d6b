"""A parts run and a package over it, whose model is brightness: made in milliseconds."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

from backend.core import facts, journal, runs
from backend.core.runs import Run
from backend.deployment import in_force
from backend.deployment.package import contract, made
from backend.inspection.threshold import active
from backend.numeric import hardware
from backend.records import RunState

MODEL_RUN = "20260101T000000-inspect-000000"
SIZE, TYPES = 16, ("dot", "edge")
LIMITS = {"dot": (2.0, 1.0), "edge": (2.0, 1.0)}  # BAD above, GOOD up to
SHADES = (100, 108, 115, 130)  # score 0.0 and 0.8: GOOD, 1.5: REVIEW, 3.0: BAD


def picture(shade: int) -> np.ndarray:
    return np.full((SIZE, SIZE, 3), shade, np.uint8)


def parts_run(root: Path) -> Run:
    """Eight parts of two types, of every verdict."""
    run = runs.create(root, "parts", {"scale": 0.02})
    (run.folder / "artifacts").mkdir()
    rows = []
    for k in range(8):
        path = f"artifacts/{k}.png"
        Image.fromarray(picture(SHADES[k // 2])).save(run.folder / path)
        label = int(k < 6)
        rows.append(
            {"part": f"p{k}", "path": path, "feature": TYPES[k % 2], "label": label, "group": k}
        )
    facts.write(run.folder, "parts", rows)
    return ended(run)


def ended(run: Run) -> Run:
    runs.claim(run.folder, os.getpid())
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return runs.read(run.folder)


def model(path: Path) -> None:
    """crops uint8 [B, S, S, 3], types [B] → score [B] = (mean - 100) / 10, map [B, 4, 4] alike."""
    nodes = [
        helper.make_node("Cast", ["crops"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["floats", "hundred"], ["less"]),
        helper.make_node("Div", ["less", "ten"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled", "all"], ["means"], keepdims=0),
        helper.make_node("Cast", ["types"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["numbers", "nought"], ["nothing"]),
        helper.make_node("Add", ["means", "nothing"], ["score"]),
        helper.make_node("ReduceMean", ["scaled", "colours"], ["grey"], keepdims=0),
        helper.make_node("Slice", ["grey", "from", "to", "axes"], ["anomaly_map"]),
    ]
    constants = {
        "hundred": np.float32(100),
        "ten": np.float32(10),
        "nought": np.float32(0),
        "all": np.array([1, 2, 3]),
        "colours": np.array([3]),
        "from": np.array([0, 0]),
        "to": np.array([4, 4]),
        "axes": np.array([1, 2]),
    }
    graph = helper.make_graph(
        nodes,
        "brightness",
        [
            helper.make_tensor_value_info("crops", TensorProto.UINT8, ["batch", SIZE, SIZE, 3]),
            helper.make_tensor_value_info("types", TensorProto.INT64, ["batch"]),
        ],
        [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, ["batch"]),
            helper.make_tensor_value_info("anomaly_map", TensorProto.FLOAT, ["batch", 4, 4]),
        ],
        [onnx.numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    made_model = helper.make_model(
        graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]
    )
    onnx.save(made_model, path)


def threshold_run(root: Path, model: str, limits: dict[str, tuple[float, float]]) -> Run:
    """A version of the limits of a model: type → BAD above, GOOD up to."""
    run = runs.create(root, "threshold", {"inspect_run": model})
    target = run.folder / active.FILE
    target.parent.mkdir()
    features = {
        name: dict(zip(("limit", "review_limit"), pair, strict=True))
        for name, pair in limits.items()
    }
    runs.write_json(target, {"version": 9, "features": features})
    return ended(run)


def package_run(root: Path, shift: float = 0.0) -> Run:
    """A package of that model. shift: by which its golden parts promise too much."""
    run = runs.create(root, "package", {"model_run": MODEL_RUN})
    folder = contract.folder_of(run.folder)
    (folder / "golden").mkdir(parents=True)
    model(folder / contract.MODEL)
    golden = [
        made.Golden(f"g{s}", picture(s), {"feature_type": "dot"}, {"score": (s - 100) / 10 + shift})
        for s in SHADES
    ]
    made.write_golden(folder, golden)
    limits = {
        name: dict(zip(("limit", "review_limit"), pair, strict=True))
        for name, pair in LIMITS.items()
    }
    threshold = {"version": 4, "run": "t", "who": "Ann", "time": "", "why": "", "limits": limits}
    inputs = [{"name": "crops", "shape": ["batch", SIZE, SIZE, 3]}, {"name": "types"}]
    head = {
        "model_run": MODEL_RUN,
        "format": 1,
        "kind": "anomaly",
        "size": SIZE,
        "feature_types": list(TYPES),
    }
    made.write_head(folder, head | {"inputs": inputs, "threshold": threshold})
    assert json.loads((folder / contract.HEAD).read_text())["files"]
    return ended(run)


def detector_model(path: Path) -> None:
    """images uint8 [B, H, W, 3] → a box [B, 1, 4] of class 0, as sure as the picture is bright."""
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "all"], ["means"], keepdims=0),
        helper.make_node("Div", ["means", "white"], ["shares"]),
        helper.make_node("Unsqueeze", ["shares", "last"], ["confidences"]),
        helper.make_node("Cast", ["confidences"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Mul", ["whole", "nought"], ["classes"]),
        helper.make_node("Unsqueeze", ["confidences", "third"], ["wide"]),
        helper.make_node("Mul", ["wide", "corners"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "scaled"], ["nothing"]),
        helper.make_node("Add", ["nothing", "corners"], ["boxes"]),
    ]
    constants = {
        **{"all": np.array([1, 2, 3]), "white": np.float32(255), "last": np.array([1])},
        **{"third": np.array([2]), "nought": np.int64(0)},
        "corners": np.array([[[2, 3, 9, 11]]], np.float32),
    }
    free = ["batch", "height", "width", 3]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, free)],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["batch", 1, 4]),
            helper.make_tensor_value_info("confidences", TensorProto.FLOAT, ["batch", 1]),
            helper.make_tensor_value_info("classes", TensorProto.INT64, ["batch", 1]),
        ],
        [onnx.numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    onnx.save(
        helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]), path
    )


def detector_run(root: Path) -> Run:
    """A package of a detector; a box counts from a confidence of 0.5."""
    run = runs.create(root, "package", {"model_run": "m"})
    folder = contract.folder_of(run.folder)
    (folder / "golden").mkdir(parents=True)
    detector_model(folder / contract.MODEL)
    expected = {"boxes": [[2, 3, 9, 11]], "confidences": [100 / 255], "classes": ["chip"]}
    made.write_golden(folder, [made.Golden("g", picture(100), {"label": "GOOD"}, expected)])
    inputs = [{"name": "images", "shape": ["batch", "height", "width", 3]}]
    head = {"model_run": "m", "format": 1, "kind": "detector", "size": 16, "classes": ["chip"]}
    made.write_head(folder, head | {"inputs": inputs, "confidence": 0.5, "threshold": None})
    return ended(run)


def variant_in_force(storage: Path, package: Run, name: str = "INT8") -> Path:
    """Put a variant of a package in force on this computer, as its gate would; the file."""
    gate = ended(runs.create(storage / "runs", "gate", {"package_run": package.id}))
    file = gate.folder / "artifacts" / "variants" / f"{name.lower()}.onnx"
    file.parent.mkdir(parents=True)
    model(file)
    with file.open("ab") as end:  # a field that ONNX does not know: another hash, the same model
        end.write(b"\xfa\x06\x01x")
    chosen = in_force.Activation(
        **{"gate_run": gate.id, "package_run": package.id, "kind": "anomaly", "variant": name},
        **{"sha256": contract.sha256(file), "machine": hardware.fingerprint().id, "threshold": 4},
        **{"model_run": MODEL_RUN, "who": "Ann", "why": "", "time": "2026-01-01T00:00:00+00:00"},
    )
    with journal.locked(storage / in_force.JOURNAL) as written:
        journal.append(written, asdict(chosen))
    return file


def packed(root: Path) -> tuple[Run, Run]:
    """A parts run, and the package that judges its parts."""
    return parts_run(root), package_run(root)
