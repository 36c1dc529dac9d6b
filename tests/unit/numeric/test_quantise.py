"""INT8 and FP16 of real ONNX files that are made here: which nodes, how exact, what is refused."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from backend.numeric import quantise
from backend.numeric.onnx_session import open_session
from backend.numeric.onnx_units import units
from backend.numeric.quantise import Quantiser
from backend.records import UserError

EDGE = 12


def weights(name, shape, rng):
    values = rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


def conv(name, source, channels, rng, groups=1, read=0):
    kernel = weights(f"{name}.w", (channels, (read or channels) // groups, 3, 3), rng)
    node = helper.make_node("Conv", [source, f"{name}.w"], [name], name, group=groups, pads=[1] * 4)
    return node, kernel


def network(path):
    """first (3 channels in) → a → Sigmoid, Mul → b → depthwise → c → ReduceMean: the score."""
    rng = np.random.default_rng(0)
    made = [
        conv("first", "x", 16, rng, read=3),
        conv("a", "first", 16, rng),
        (helper.make_node("Sigmoid", ["a"], ["gate"], "gate"), None),
        (helper.make_node("Mul", ["a", "gate"], ["silu"], "silu"), None),
        conv("b", "silu", 16, rng),
        conv("depthwise", "b", 16, rng, groups=16),
        conv("c", "depthwise", 16, rng),
        (helper.make_node("Relu", ["c"], ["relu"], "relu"), None),
        (helper.make_node("ReduceMean", ["relu"], ["score"], "mean", keepdims=0), None),
    ]
    shape = ["batch", 3, EDGE, EDGE]
    graph = helper.make_graph(
        [node for node, _ in made],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [])],
        [weight for _, weight in made if weight is not None],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


def feeds(count, seed=0):
    rng = np.random.default_rng(seed)
    return [{"x": rng.random((1, 3, EDGE, EDGE), np.float32)} for _ in range(count)]


@pytest.fixture
def file(tmp_path):
    return network(tmp_path / "net.onnx")


@pytest.fixture
def quantiser(file, tmp_path):
    made = Quantiser(file, tmp_path, reduced=False)
    made.calibrate(feeds(16), [node.name for node in made.model.graph.node], lambda _: None)
    return made


def scores(model, tmp_path):
    path = tmp_path / "made.onnx"
    onnx.save(model, path)
    session = open_session(path, 1)
    return np.array([session.run(None, feed)[0] for feed in feeds(20, seed=1)])


def test_a_unit_is_what_has_weights_and_what_follows_up_to_the_next(quantiser):
    found = units(quantiser.model, most=10)
    assert found == [("a", "gate", "silu"), ("b",), ("c",)]


def test_neighbours_are_joined_where_there_are_too_many_units(quantiser):
    assert units(quantiser.model, most=2) == [("a", "gate", "silu", "b"), ("c",)]


def test_only_chosen_nodes_become_int8_and_scores_stay_near(quantiser, file, tmp_path):
    model = quantiser.int8(["a", "gate", "silu", "b"])
    quantised = {one.input[0] for one in model.graph.node if one.op_type == "QuantizeLinear"}
    assert "first" in quantised and "depthwise" not in quantised
    assert {"a.w_quantized", "b.w_quantized"} <= {one.name for one in model.graph.initializer}
    exact, made = scores(onnx.load(file), tmp_path), scores(model, tmp_path)
    assert 0 < np.abs(exact - made).max() < 0.1 * exact.std() + 0.01
    again = quantiser.int8(["c"])
    assert "a.w" in {one.name for one in again.graph.initializer}, "the first choice left no trace"


def test_every_channel_has_a_scale_and_seven_bits_where_a_processor_needs_it(file, tmp_path):
    whole = {}
    for reduced in (False, True):
        made = Quantiser(file, tmp_path, reduced)
        made.calibrate(feeds(4), ["b"], lambda _: None)
        kept = {one.name: numpy_helper.to_array(one) for one in made.int8(["b"]).graph.initializer}
        assert kept["b.w_scale"].shape == (16,)
        whole[reduced] = np.abs(kept["b.w_quantized"].astype(int)).max()
    assert whole[True] <= 64 < whole[False]


def test_half_precision_keeps_its_inputs_and_outputs(file, tmp_path):
    model = quantise.fp16(file)
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert all(w.data_type == TensorProto.FLOAT16 for w in model.graph.initializer if w.dims)
    exact, made = scores(onnx.load(file), tmp_path), scores(model, tmp_path)
    assert 0 < np.abs(exact - made).max() < 0.01


def test_a_damaged_file_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(UserError, match=r"net\.onnx cannot be prepared"):
        Quantiser(path, tmp_path, reduced=False)
