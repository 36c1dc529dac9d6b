"""Opening an ONNX file."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from backend.numeric import hardware
from backend.numeric.onnx_session import open_session
from backend.records import UserError


@pytest.fixture
def doubling(tmp_path):
    """A model that doubles three numbers."""
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [3]) for n in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "g", ends[:1], ends[1:])
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


@pytest.mark.parametrize("content", [b"rubbish", None], ids=["damaged", "missing"])
def test_a_file_that_is_no_model_is_told(tmp_path, content):
    if content is not None:
        (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(UserError, match=r"model\.onnx cannot be opened"):
        open_session(tmp_path / "model.onnx", 1)


def test_a_provider_that_is_not_here_is_refused(doubling):
    with pytest.raises(UserError, match="cannot compute with 'Abacus', only with CPU"):
        open_session(doubling, 1, "Abacus")


@pytest.mark.parametrize("provider", ["CPU", "CUDA", "TensorRT", "OpenVINO"])
def test_every_provider_that_is_here_computes(doubling, provider):
    if provider not in hardware.providers():
        pytest.skip(f"no {provider} here")
    session = open_session(doubling, 1, provider)
    (found,) = session.run(None, {"x": np.array([1, 2, 3], np.float32)})
    np.testing.assert_allclose(found, [2, 4, 6])


def test_a_provider_whose_library_is_missing_is_told(doubling, monkeypatch):
    """ONNX Runtime itself falls back on the CPU without a word."""
    monkeypatch.setattr("backend.numeric.onnx_session.providers", lambda: ("CPU", "CUDA"))
    if "CUDA" in hardware.providers():
        pytest.skip("CUDA is here")
    with pytest.raises(UserError, match="CUDA does not start on this computer"):
        open_session(doubling, 1, "CUDA")
