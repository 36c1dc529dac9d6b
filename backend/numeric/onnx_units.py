"""Which nodes of a graph may be turned to INT8, in units that are judged one by one. Heavy (onnx).

A unit begins with a node that has weights (a convolution, a matrix product) and holds what follows
it up to the next such nodes: activations, sums and the like, which then compute in INT8 too and
need no way back to float in between.
"""

import sys
from collections.abc import Iterator, Sequence

import numpy as np
import onnx
from onnx import helper

WEIGHTED = {"Conv": (0, 1), "ConvTranspose": (1, 0), "Gemm": (0, 1), "MatMul": (1, 0)}
"""Operator → axes of its weight along which the channels made and those read lie."""
CARRIERS = (
    *("Mul", "Add", "Sigmoid", "Relu", "LeakyRelu", "Clip", "Concat", "Split", "MaxPool"),
    *("AveragePool", "Resize", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Pad"),
)
LEAST_CHANNELS = 16  # with fewer, INT8 is slower than float, and a picture's own channels show it

Unit = tuple[str, ...]  # names of its nodes


def units(model: onnx.ModelProto, most: int = sys.maxsize) -> list[Unit]:
    """The units in the order of the graph; neighbours are joined where there are more than `most`.

    A weighted node counts with 16 channels and more on both sides and no groups: a depthwise
    convolution is faster in float. What carries on counts where all that comes in is of a unit,
    and all that goes out goes into one.
    """
    nodes = [node for node in model.graph.node if node.name]
    heads = {node.name for node in nodes if _has_weights(node, _shapes(model))}
    after = _carriers(nodes, heads)
    before = _leading_on(nodes, heads, set(after))
    found: dict[str, list[str]] = {name: [name] for name in _in_order(nodes, heads)}
    for name, head in after.items():
        if name in before:
            found[head].append(name)
    return _joined([tuple(unit) for unit in found.values()], most)


def every_node(model: onnx.ModelProto) -> list[str]:
    """All nodes that have a name and no number in half precision, which INT8 cannot come from."""
    kept, half = [*model.graph.value_info, *model.graph.input], onnx.TensorProto.FLOAT16
    halves = {one.name for one in model.graph.initializer if one.data_type == half}
    halves |= {one.name for one in kept if one.type.tensor_type.elem_type == half}
    return [
        node.name
        for node in model.graph.node
        if node.name and not halves & {*node.input, *node.output}
    ]


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    return {weight.name: tuple(weight.dims) for weight in model.graph.initializer}


def _has_weights(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]]) -> bool:
    shape = shapes.get(node.input[1], ()) if len(node.input) > 1 else ()
    if node.op_type not in WEIGHTED or len(shape) < 2:
        return False
    given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    wide = min(shape[axis] for axis in WEIGHTED[node.op_type]) >= LEAST_CHANNELS
    return wide and given.get("group", 1) == 1


def _carriers(nodes: Sequence[onnx.NodeProto], heads: set[str]) -> dict[str, str]:
    """Name of what carries on → the weighted node it comes after, the last one of several."""
    constant = {out for node in nodes if node.op_type == "Constant" for out in node.output}
    computed = {out for node in nodes for out in node.output} - constant
    source: dict[str, str] = {}  # tensor → weighted node
    found: dict[str, str] = {}
    for node in nodes:
        if node.name in heads:
            source |= dict.fromkeys(node.output, node.name)
            continue
        read = [name for name in node.input if name in computed]
        if node.op_type in CARRIERS and read and all(name in source for name in read):
            found[node.name] = source[read[-1]]
            source |= dict.fromkeys(node.output, found[node.name])
    return found


def _leading_on(nodes: Sequence[onnx.NodeProto], heads: set[str], carriers: set[str]) -> set[str]:
    """Those of the carriers whose every output goes into a weighted node or such a carrier."""
    readers: dict[str, list[str]] = {}
    for node in nodes:
        for name in node.input:
            readers.setdefault(name, []).append(node.name)
    found: set[str] = set()
    for node in reversed(nodes):
        if node.name in carriers:
            follow = [reader for out in node.output for reader in readers.get(out, [])]
            if follow and all(reader in heads or reader in found for reader in follow):
                found.add(node.name)
    return found


def _in_order(nodes: Sequence[onnx.NodeProto], names: set[str]) -> Iterator[str]:
    return (node.name for node in nodes if node.name in names)


def _joined(found: list[Unit], most: int) -> list[Unit]:
    if len(found) <= most:
        return found
    pieces = np.array_split(np.arange(len(found)), most)
    return [tuple(name for k in piece for name in found[k]) for piece in pieces]
