"""Opening an ONNX file."""

import pytest

from backend.numeric.onnx_session import open_session
from backend.records import UserError


@pytest.mark.parametrize("content", [b"rubbish", None], ids=["damaged", "missing"])
def test_a_file_that_is_no_model_is_told(tmp_path, content):
    if content is not None:
        (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(UserError, match=r"model\.onnx cannot be opened"):
        open_session(tmp_path / "model.onnx", 1)
