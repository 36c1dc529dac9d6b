"""ONNX Runtime sessions. Heavy: import it inside a function."""

from pathlib import Path

import onnxruntime

from backend.records import UserError


def open_session(file: Path, threads: int) -> onnxruntime.InferenceSession:
    """A session on the CPU that does not spin: it shares the cores politely.

    Raises UserError where the file is missing or damaged.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UserError(f"{file} cannot be opened ({error}). Export the model again.") from error
