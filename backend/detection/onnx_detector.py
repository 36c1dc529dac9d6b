"""A finished detector through ONNX Runtime: no PyTorch needed, so a page can use it."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.detection import onnx_graph
from backend.records import Box, UserError


@dataclass(frozen=True)
class Sighting:
    """What was found on a picture. milliseconds: from the picture to the boxes."""

    boxes: tuple[Box, ...]
    milliseconds: float


class OnnxDetector:
    """A detector's `artifacts/detector.onnx`. Raises UserError where it cannot be read."""

    def __init__(self, path: Path, threads: int = 1):
        import onnx

        from backend.numeric.onnx_session import open_session

        model = onnx_graph.opened(path)
        try:
            self.names = onnx_graph.names_of(model)
            self.size = int(onnx_graph.noted(model, "size"))
        except (KeyError, ValueError, SyntaxError) as error:
            raise UserError(f"The detector {path} names no classes. Train it again.") from error
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "detector.onnx"
            onnx.save(model, file)
            self.session = open_session(file, threads)

    def find(self, pixels: np.ndarray, confidence: float) -> Sighting:
        """Boxes of at least this confidence on a picture uint8 [H, W, 3], surest first."""
        begun = time.perf_counter()
        fed = {"images": np.ascontiguousarray(pixels)[None]}
        found = zip(*(rows[0] for rows in self.session.run(None, fed)), strict=True)
        boxes = tuple(
            Box(self.names[int(k)], (x1, y1, x2, y2), float(c), source="detector")
            for (x1, y1, x2, y2), c, k in ((xyxy.tolist(), c, k) for xyxy, c, k in found)
            if c >= confidence
        )
        return Sighting(boxes, (time.perf_counter() - begun) * 1000)
