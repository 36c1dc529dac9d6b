"""A YOLO that finds the parts in full pictures. Heavy (torch, ultralytics): import it in a job."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ultralytics import YOLO

from backend.detection.onnx_graph import MOST_BOXES, NMS_IOU
from backend.numeric import checkpoints
from backend.numeric.ultralytics_alone import alone
from backend.records import Box, UserError


def finder(weights: Path, size: int, confidence: float) -> Callable[[np.ndarray], list[Box]]:
    """A function from uint8 RGB [H, W, 3] to its boxes, in px of that picture.

    size: edge length at which the network looks, px. Raises UserError for a file that is no
    detector, or that would run code.
    """
    checkpoints.read(weights)
    alone()
    model = YOLO(weights)
    if model.task != "detect":
        raise UserError(f"{weights} is no detector but a network for '{model.task}'. Name another.")

    def find(pixels: np.ndarray) -> list[Box]:
        result: Any = model.predict(
            np.ascontiguousarray(pixels[..., ::-1]),  # ultralytics takes BGR
            imgsz=size,
            conf=confidence,
            iou=NMS_IOU,
            max_det=MOST_BOXES,
            agnostic_nms=True,  # one place is one part
            verbose=False,
        )
        found = result[0].boxes
        rows = zip(found.xyxy.tolist(), found.cls.tolist(), found.conf.tolist(), strict=True)
        return [
            Box(str(result[0].names[int(kind)]), (x1, y1, x2, y2), sure, "detector")
            for (x1, y1, x2, y2), kind, sure in rows
        ]

    return find
