"""ONNX Runtime sessions. Heavy: import it inside a function."""

import importlib
import json
from functools import cache
from pathlib import Path

import onnxruntime

from backend.numeric.hardware import OPTIMISATION, providers
from backend.records import UserError

NAMES = {  # ONNX Runtime's own of each provider
    "CPU": "CPUExecutionProvider",
    "CUDA": "CUDAExecutionProvider",
    "TensorRT": "TensorrtExecutionProvider",
    "OpenVINO": "OpenVINOExecutionProvider",
}


def open_session(file: Path, threads: int, provider: str = "CPU") -> onnxruntime.InferenceSession:
    """A session that does not spin: it shares the cores politely.

    provider: one of `hardware.providers()`. Raises UserError where the file is missing or damaged,
    and where this computer does not have the provider.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors alone: what it could not fold is of no use to anybody
    level = f"ORT_ENABLE_{OPTIMISATION.upper()}"
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    asked = _choose(options, provider, threads)
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=asked)
    except Exception as error:
        raise UserError(f"{file} cannot be opened ({error}). Export the model again.") from error
    if NAMES[provider] not in session.get_providers():
        raise UserError(f"{provider} does not start on this computer. Choose CPU, or repair it.")
    return session


def _choose(options: onnxruntime.SessionOptions, provider: str, threads: int) -> list[str] | None:
    """What a session is asked to compute with; a plugin goes into the options instead."""
    if provider not in providers():
        raise UserError(
            f"This computer cannot compute with '{provider}', only with {', '.join(providers())}. "
            "Choose one of these."
        )
    if provider != "OpenVINO":
        return [NAMES[name] for name in dict.fromkeys((provider, "CPU"))]
    kept = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": str(threads)}  # not bf16
    wanted = {"load_config": json.dumps({"CPU": kept})}
    options.add_provider_for_devices([_openvino_device()], wanted)
    return None


@cache
def _openvino_device() -> onnxruntime.OrtEpDevice:
    """The processor as OpenVINO's plugin sees it. Raises UserError where it does not see it."""
    plugin = importlib.import_module("onnxruntime_ep_openvino")
    name = plugin.get_ep_name()
    onnxruntime.register_execution_provider_library(name, plugin.get_library_path())
    for device in onnxruntime.get_ep_devices():
        if device.ep_name == name and device.ep_metadata.get("ov_device") == "CPU":
            return device
    raise UserError("OpenVINO does not know this processor. Choose CPU instead.")
