"""A trained detector as one ONNX file."""

import shutil
import tempfile
from pathlib import Path

from ultralytics import YOLO


def to_onnx(weights: Path, size: int) -> Path:
    """Write `<weights>.onnx` beside the weights, for one square picture of `size` px; its path."""
    target = weights.with_suffix(".onnx")
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copyfile(weights, Path(folder) / weights.name)
        made = YOLO(copy, task="detect").export(
            format="onnx", imgsz=size, simplify=False, device="cpu", verbose=False
        )
        shutil.move(made, target)
    return target
