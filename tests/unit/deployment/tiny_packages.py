"""Packages as small as they can be, one a kind: graphs written by hand, nothing is trained."""

import json
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from backend.deployment.package import contract

SIZE = 32
FLOAT, INT64, UINT8 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT8


def write(folder, kind, threshold=None):
    """A package of this kind in `folder`, as `contract.read` takes it."""
    (folder / "golden").mkdir(parents=True)
    inputs, outputs, nodes, weights = GRAPHS[kind]
    graph = helper.make_graph(
        nodes,
        kind,
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(*one) for one in outputs],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), folder / contract.MODEL)
    _golden(folder / "golden", 0 if kind == contract.STUDENT else 4)
    _head(folder, kind, inputs, threshold)
    return folder


def _golden(folder, count):
    rng, rows = np.random.default_rng(0), []
    for k in range(count):
        pixels = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{k:02d}.png")
        rows.append({"file": f"{k:02d}.png", "feature_type": ("dots", "edge1")[k % 2]})
    (folder / "golden.json").write_text(json.dumps({"pictures": rows}))


def _head(folder, kind, inputs, threshold):
    words = {FLOAT: "float32", INT64: "int64", UINT8: "uint8"}
    files = [path for path in folder.rglob("*") if path.is_file()]
    head = {
        **{"format": contract.FORMAT, "kind": kind, "size": SIZE, "threshold": threshold},
        **{"feature_types": ["dots", "edge1"], "classes": ["scratch"], "confidence": 0.5},
        "inputs": [
            {"name": name, "dtype": words[dtype], "shape": shape, "range": [0, 1]}
            for name, dtype, shape in inputs
        ],
        "files": {path.relative_to(folder).as_posix(): contract.sha256(path) for path in files},
    }
    (folder / contract.HEAD).write_text(json.dumps(head))


def _pixels(name):
    """From uint8 [B, H, W, 3] to float [B, 3, H, W] in 0..1, and the first filter."""
    return [
        helper.make_node("Cast", [name], ["floats"], to=FLOAT),
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Div", ["planes", "white"], ["image"]),
        helper.make_node("Conv", ["image", "kernel"], ["filtered"], strides=[4, 4]),
    ]


def _weights(channels):
    rng = np.random.default_rng(1)
    kernel = rng.standard_normal((channels, 3, 4, 4)).astype(np.float32)
    return {"white": np.float32([255]), "kernel": kernel}


GRAPHS: dict[str, tuple[Any, Any, Any, dict[str, np.ndarray]]] = {
    contract.ANOMALY: (
        [("crops", UINT8, ["batch", SIZE, SIZE, 3]), ("types", INT64, ["batch"])],
        [("score", FLOAT, ["batch"]), ("anomaly_map", FLOAT, ["batch", 8, 8])],
        [
            *_pixels("crops"),
            helper.make_node(
                "Shape", ["crops"], ["shape"]
            ),  # reads the crops, but not their values
            helper.make_node("Cast", ["shape"], ["sizes"], to=FLOAT),
            helper.make_node("ReduceMean", ["sizes"], ["size"], keepdims=0),
            helper.make_node("Relu", ["filtered"], ["features"]),
            helper.make_node("Gather", ["centres", "types"], ["centre"]),
            helper.make_node("Sub", ["features", "centre"], ["away"]),
            helper.make_node("ReduceSumSquare", ["away", "channel"], ["anomaly_map"], keepdims=0),
            helper.make_node("Add", ["anomaly_map", "size"], ["shifted"]),
            helper.make_node("ReduceMax", ["shifted", "places"], ["score"], keepdims=0),
        ],
        _weights(8)
        | {
            "centres": np.zeros((2, 8, 1, 1), np.float32),
            "channel": np.int64([1]),
            "places": np.int64([1, 2]),
        },
    ),
    contract.DETECTOR: (
        [("images", UINT8, ["batch", "height", "width", 3])],
        [
            ("boxes", FLOAT, ["batch", "k", 4]),
            ("confidences", FLOAT, ["batch", "k"]),
            ("classes", INT64, ["batch", "k"]),
        ],
        [
            *_pixels("images"),
            helper.make_node("Reshape", ["filtered", "four"], ["rows"]),
            helper.make_node("Transpose", ["rows"], ["boxes"], perm=[0, 2, 1]),
            helper.make_node("ReduceMean", ["boxes", "last"], ["means"], keepdims=0),
            helper.make_node("Sigmoid", ["means"], ["confidences"]),
            helper.make_node("Cast", ["confidences"], ["classes"], to=INT64),
        ],
        _weights(4) | {"four": np.int64([0, 4, -1]), "last": np.int64([2])},
    ),
    contract.STUDENT: (
        [("z", FLOAT, ["batch", 4])],
        [("image", FLOAT, ["batch", 12])],
        [helper.make_node("MatMul", ["z", "layer"], ["image"])],
        {"layer": np.ones((4, 12), np.float32)},
    ),
}
