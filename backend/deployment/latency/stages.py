"""Where the time inside a package's graph goes: the graph cut after each stage.

preprocess   from the picture to the first filter
features     the filters of the backbone; of a detector or student the whole network
scoring      what depends on the feature type; of a detector, boxes from the last filters' output

A cut graph computes everything up to there, so the times of the cuts, one less the one before, add
up to the whole.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from backend.deployment.package import contract

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

PREPROCESS, FEATURES, SCORING = "preprocess", "features", "scoring"
FILTERS = ("Conv", "ConvInteger", "QLinearConv")


def cut(package: contract.Package, file: Path, folder: Path) -> dict[str, Path]:
    """Stage → the file of the graph up to its end, in order, the last of them `file` itself.

    Writes the others into `folder`. A stage of which the graph has nothing is missing.
    """
    import onnx

    model, found = onnx.load(file), {}
    for stage, tensors in _ends(model.graph, package.kind).items():
        if tensors:
            found[stage] = folder / f"{stage}.onnx"
            onnx.save(_up_to(model, tensors), found[stage])
    last = SCORING if package.kind != contract.STUDENT else FEATURES
    return found | {last: file}


def _ends(graph: "GraphProto", kind: str) -> dict[str, list[str]]:
    """The tensors at the end of each stage but the last."""
    if kind == contract.STUDENT:
        return {}
    picture, others = graph.input[0].name, [one.name for one in graph.input[1:]]
    seen = _downstream(graph, [picture])
    filtered = _downstream(graph, _outputs(n for n in graph.node if n.op_type in FILTERS))
    late = _downstream(graph, others) if kind == contract.ANOMALY else _after_filters(graph)
    early = seen - filtered - late - {picture}
    return {
        PREPROCESS: _read_by(graph, early, filtered),
        FEATURES: _read_by(graph, (seen & filtered) - late, late),
    }


def _read_by(graph: "GraphProto", ends: set[str], beyond: set[str]) -> list[str]:
    """Those of `ends` that nodes read which make what lies `beyond`."""
    read = {name for node in graph.node if beyond.intersection(node.output) for name in reads(node)}
    return sorted(ends & read)


def _after_filters(graph: "GraphProto") -> set[str]:
    """Tensors from which no filter is fed any more."""
    feeding, late = set[str](), set[str]()
    for node in reversed(graph.node):
        if node.op_type in FILTERS or feeding.intersection(node.output):
            feeding.update(reads(node))
        else:
            late.update(node.output)
    return late


def _downstream(graph: "GraphProto", tensors: Iterable[str]) -> set[str]:
    """These tensors and all that are computed from their values; the nodes stand in order."""
    found = set(tensors)
    for node in graph.node:
        if node.op_type not in ("Shape", "Size") and found.intersection(reads(node)):
            found.update(node.output)
    return found


def reads(node: "NodeProto") -> Iterator[str]:
    """What a node reads, its inner graphs too."""
    yield from node.input
    for attribute in node.attribute:
        for inner in (attribute.g, *attribute.graphs):
            for one in inner.node:
                yield from reads(one)


def _outputs(nodes: "Iterable[NodeProto]") -> list[str]:
    return [name for node in nodes for name in node.output]


def _up_to(model: "ModelProto", tensors: list[str]) -> "ModelProto":
    """The part of the model that makes these tensors, which are its outputs."""
    import onnx

    made, wanted = onnx.ModelProto(), set(tensors)
    made.CopyFrom(model)
    del made.graph.node[:], made.graph.output[:], made.graph.initializer[:]
    for node in reversed(model.graph.node):
        if wanted.intersection(node.output):
            wanted.update(reads(node))
            made.graph.node.insert(0, node)
    made.graph.initializer.extend(one for one in model.graph.initializer if one.name in wanted)
    made.graph.output.extend(onnx.ValueInfoProto(name=name) for name in tensors)
    return made
