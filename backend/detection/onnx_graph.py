"""A detector's network made whole: pictures as the camera gives them in, boxes in their px out.

Before the network the picture is fitted into a grey square, to the grey level as OpenCV and so
ultralytics do; after it, of boxes that overlap the surest is kept. Both are written in ONNX's own
text, so that whatever runs the file does what the training did.
"""

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from backend.detection.onnx_letterbox import GREY, LETTERBOX
from backend.records import UserError

if TYPE_CHECKING:
    import onnx

NMS_IOU, MOST_BOXES, LEAST_CONFIDENCE = 0.7, 300, 0.001
OPSET, IR = 18, 10
NETWORK = "network/"  # how the names of the network's own nodes begin
OUTPUTS = ("boxes", "confidences", "classes")
_KEPT = ("corners", "sureness", "kinds")
_HEAD = f'<ir_version: {IR}, opset_import: ["" : {OPSET}]>'

# Raw: [B, 4 + classes, P], middle, width and height of P candidates and how sure each class is.
_SUPPRESSION = """
suppression (float[B, {rows}, {places}] found)
    => (float[B, {most}, 4] corners, float[B, {most}] sureness, int64[B, {most}] kinds)
{{
    parts = Constant <value = int64[2] {{4, {classes}}}> ()
    middles, each = Split <axis = 1> (found, parts)
    spans = Transpose <perm = [0, 2, 1]> (middles)
    class_axis = Constant <value = int64[1] {{1}}> ()
    best = ReduceMax <keepdims = 1> (each, class_axis)
    is_best = Equal (each, best)
    nothing = Constant <value = float {{0.0}}> ()
    own = Where (is_best, each, nothing)
    most_each = Constant <value = int64[1] {{{most}}}> ()
    iou = Constant <value = float[1] {{{iou}}}> ()
    least = Constant <value = float[1] {{{least}}}> ()
    chosen = NonMaxSuppression <center_point_box = 1> (spans, own, most_each, iou, least)
    blank = Sub (each, each)
    count = Shape <start = 0, end = 1> (chosen)
    ones = ConstantOfShape <value = float[1] {{1.0}}> (count)
    marked = ScatterND (blank, chosen, ones)
    kept = ReduceMax <keepdims = 0> (marked, class_axis)
    best_flat = Squeeze (best, class_axis)
    left_over = Mul (best_flat, kept)
    how_many = Constant <value = int64[1] {{{most}}}> ()
    sureness, order = TopK <axis = 1> (left_over, how_many)
    all_classes = ArgMax <axis = 1, keepdims = 0> (each)
    kinds = GatherElements <axis = 1> (all_classes, order)
    last_axis = Constant <value = int64[1] {{2}}> ()
    order_column = Unsqueeze (order, last_axis)
    fourfold = Constant <value = int64[3] {{1, 1, 4}}> ()
    order_each = Tile (order_column, fourfold)
    chosen_spans = GatherElements <axis = 1> (spans, order_each)
    pairs = Constant <value = int64[2] {{2, 2}}> ()
    middle, span = Split <axis = 2> (chosen_spans, pairs)
    halved = Constant <value = float {{0.5}}> ()
    reach = Mul (span, halved)
    near = Sub (middle, reach)
    far = Add (middle, reach)
    corners = Concat <axis = 2> (near, far)
}}
"""

# Raw of networks that suppress by themselves: [B, P, 6], corners, confidence, class.
_SPLIT = """
split (float[B, {places}, 6] found)
    => (float[B, {places}, 4] corners, float[B, {places}] sureness, int64[B, {places}] kinds)
{{
    parts = Constant <value = int64[3] {{4, 1, 1}}> ()
    corners, sure, kind = Split <axis = 2> (found, parts)
    last_axis = Constant <value = int64[1] {{2}}> ()
    sureness = Squeeze (sure, last_axis)
    kind_flat = Squeeze (kind, last_axis)
    kinds = Cast <to = 7> (kind_flat)
}}
"""

_PLACING = """
placing (float[B, K, 4] corners_there, float[B, K] sureness_there, int64[B, K] kinds_there,
         float[1] scale_there, float[2] corner_there, float[2] sides_there)
    => (float[B, K, 4] boxes, float[B, K] confidences, int64[B, K] classes)
{
    swapped = Constant <value = int64[4] {1, 0, 1, 0}> ()
    offset = Gather (corner_there, swapped)
    limits = Gather (sides_there, swapped)
    moved = Sub (corners_there, offset)
    grown = Div (moved, scale_there)
    nothing = Constant <value = float {0.0}> ()
    above = Max (grown, nothing)
    placed = Min (above, limits)
    real = Greater (sureness_there, nothing)
    last_axis = Constant <value = int64[1] {2}> ()
    real_column = Unsqueeze (real, last_axis)
    boxes = Where (real_column, placed, nothing)
    confidences = Identity (sureness_there)
    classes = Identity (kinds_there)
}
"""


def opened(path: Path) -> "onnx.ModelProto":
    """A detector's file, made whole where an earlier version wrote its network alone.

    Raises UserError where it is none.
    """
    import onnx

    try:
        found = onnx.load(path)
        if found.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8:
            return found
        return whole(found)
    except Exception as error:
        raise UserError(f"The detector {path} cannot be read. Train it again.") from error


def whole(network: "onnx.ModelProto") -> "onnx.ModelProto":
    """A detector's network, float [B, 3, S, S] in 0 … 1 to candidates, made whole.

    In: `images` uint8 [B, H, W, 3], RGB. Out: `boxes` float32 [B, K, 4], x0 y0 x1 y1 in px of the
    picture, `confidences` [B, K], the surest first, 0 where there is no more box, and `classes`
    int64 [B, K]. What ultralytics noted in the file stays, and `size`, px, is noted.
    """
    import onnx
    from onnx import compose

    size, shape = _shape(network.graph.input[0])[-1], _shape(network.graph.output[0])
    noted = {one.key: one.value for one in network.metadata_props} | {"size": str(size)}
    network = compose.add_prefix(_alike(network), NETWORK)
    raw, found = network.graph.input[0].name, network.graph.output[0].name
    carried = ["scale", "corner", "sides"]
    fitting = part(LETTERBOX.format(size=size, grey=GREY), "fitted/")
    made = compose.merge_models(fitting, network, [("fitted", raw)], outputs=[found, *carried])
    keeping = part(_keeping(shape), "kept/")
    made = compose.merge_models(made, keeping, [(found, "found")], outputs=[*_KEPT, *carried])
    pairs = [(name, f"{name}_there") for name in (*_KEPT, *carried)]
    made = compose.merge_models(made, part(_PLACING, "placed/"), pairs, outputs=list(OUTPUTS))
    onnx.helper.set_model_props(made, noted)
    return made


def noted(model: "onnx.ModelProto", name: str) -> str:
    """What a file says of itself. Raises KeyError where it does not."""
    return {one.key: one.value for one in model.metadata_props}[name]


def names_of(model: "onnx.ModelProto") -> tuple[str, ...]:
    """The classes, as ultralytics wrote them into the file."""
    return tuple(str(name) for name in ast.literal_eval(noted(model, "names")).values())


def _keeping(shape: tuple[int, ...]) -> str:
    """What makes boxes of the network's candidates, by the shape in which it gives them."""
    _, rows, places = shape
    if places == 6:
        return _SPLIT.format(places=rows)
    most = min(MOST_BOXES, places)
    told = {"rows": rows, "places": places, "classes": rows - 4, "most": most}
    return _SUPPRESSION.format(iou=NMS_IOU, least=LEAST_CONFIDENCE, **told)


def part(text: str, prefix: str) -> "onnx.ModelProto":
    """A graph from its text; what is neither its input nor its output begins with `prefix`."""
    from onnx import compose, parser

    model = parser.parse_model(_HEAD + text)
    for node in model.graph.node:
        node.name = node.output[0]
    return compose.add_prefix(model, prefix, rename_inputs=False, rename_outputs=False)


def _alike(network: "onnx.ModelProto") -> "onnx.ModelProto":
    """The network in the version of operators that the parts around it are written in."""
    from onnx import version_converter

    version = {one.domain: one.version for one in network.opset_import}.get("", OPSET)
    if version != OPSET:
        network = version_converter.convert_version(network, OPSET)
    network.ir_version = IR
    del network.opset_import[:]
    network.opset_import.add(domain="", version=OPSET)
    return network


def _shape(value: "onnx.ValueInfoProto") -> tuple[int, ...]:
    """The lengths of its axes, 0 where one is free."""
    return tuple(one.dim_value for one in value.type.tensor_type.shape.dim)
