"""A detector as one ONNX file: fitting into the square and suppression of overlaps are inside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.core import runs
from backend.core.runs import Run
from backend.deployment.package import cards, contract
from backend.deployment.package.contract import Judged, Package
from backend.deployment.package.made import Golden, Made, Parity, example, network_sizes, spread
from backend.deployment.package.spec import Spec
from backend.detection import onnx_graph
from backend.detection.detector.spec import Result
from backend.images import imagefiles, pictures
from backend.records import Progress, UserError
from backend.settings import settings

WEIGHTS, FILE = "detector.pt", "detector.onnx"
COMPARED = 0.01  # confidence from which boxes are compared one by one
LONGEST = 1280  # px of a golden picture's longer edge


@dataclass(frozen=True)
class Boxes:
    """What was found on one picture, the surest first: corners [N, 4] in px, confidence [N] and
    class [N]."""

    corners: NDArray[np.float32]
    confidence: NDArray[np.float32]
    kind: NDArray[np.int64]

    def least(self, confidence: float) -> "Boxes":
        """Those that are as sure."""
        chosen = self.confidence >= confidence
        return Boxes(self.corners[chosen], self.confidence[chosen], self.kind[chosen])


def make(spec: Spec, model: Run, folder: Path, progress: Progress) -> Made:
    """Write model.onnx into `folder`, and compare it with ultralytics' own predictions on every
    test image. Raises UserError where the detector's files are gone."""
    import onnx

    for name in (WEIGHTS, FILE):
        if not (model.artifacts / name).is_file():
            raise UserError(f"This detector has no {name}. Train it again to pack it.")
    progress(0.05, "writing the ONNX file")
    file = folder / contract.MODEL
    whole = onnx_graph.opened(model.artifacts / FILE)
    onnx.save(whole, file)
    size, names = int(onnx_graph.noted(whole, "size")), onnx_graph.names_of(whole)
    confidence = spec.confidence or runs.result(model, Result).confidence
    head = _head(size, names, confidence, _batch(whole))
    package = Package(folder, contract.DETECTOR, size, names, head)
    images = contract.test_images(model)
    pairs = list(_pairs(package, model, images, size, progress))
    parity, order = compared(pairs, confidence), contract.by_type(images)
    return Made(
        head,
        network_sizes(file),
        parity,
        tuple(_golden(package, [images[order[place]] for place in spread(len(images))])),
        example("detector"),
        lambda head: cards.detector(model, head),
        {"box_difference": parity.further["box"]},
    )


def _pairs(
    package: Package, model: Run, images: Sequence[Judged], size: int, progress: Progress
) -> Iterator[tuple[Boxes, Boxes]]:
    """What the trained and the packed detector find on each image."""
    from ultralytics import YOLO

    trained = YOLO(model.artifacts / WEIGHTS, task="detect")
    session = contract.session(package, threads=settings().threads)
    for place, image in enumerate(images):
        pixels = imagefiles.read_rgb(image.path)
        found: Any = trained.predict(
            np.ascontiguousarray(pixels[..., ::-1]),  # ultralytics takes BGR
            imgsz=size,
            conf=onnx_graph.LEAST_CONFIDENCE,
            iou=onnx_graph.NMS_IOU,
            max_det=onnx_graph.MOST_BOXES,
            rect=False,  # a square, as the file's own
            verbose=False,
        )
        rows = found[0].boxes.data.cpu().numpy()
        wanted = Boxes(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64))
        yield wanted, found_on(package, session, pixels)
        progress(0.1 + 0.75 * (place + 1) / len(images), f"image {place + 1} of {len(images)}")


def found_on(package: Package, session: Any, pixels: NDArray[np.uint8]) -> Boxes:
    """What the packed detector finds on a picture uint8 [H, W, 3]."""
    corners, confidence, kind = package.answers(session, package.feed(pixels[None]))
    return Boxes(corners[0], confidence[0], kind[0]).least(onnx_graph.LEAST_CONFIDENCE)


def compared(pairs: Sequence[tuple[Boxes, Boxes]], confidence: float) -> Parity:
    """How far the second of each pair is from the first: confidences and corners of boxes that are
    each other's, how many boxes have no counterpart, and pictures where one alone raises an alarm,
    at `confidence`. Compared are boxes of at least 0.01."""
    each = [_gaps(*pair) for pair in pairs]
    gaps = np.array([gap for one, _ in each for gap in one]).reshape(-1, 2)
    largest = gaps.max(0) if len(gaps) else np.zeros(2)
    alarms = [[bool((one.confidence >= confidence).any()) for one in pair] for pair in pairs]
    further = {"box": float(largest[1]), "boxes": len(gaps), "alone": sum(n for _, n in each)}
    return Parity(len(pairs), float(largest[0]), further, sum(a != b for a, b in alarms))


def _gaps(wanted: Boxes, found: Boxes) -> tuple[list[tuple[float, float]], int]:
    """Differences of confidence and of a corner, px, of each wanted box to the nearest found of
    its class that no other has; and how many of either have none within a px. Boxes that are just
    on the edge of `COMPARED` may find a partner just below it."""
    pairs, free = [], np.ones(len(found.kind), bool)
    edge = COMPARED * 0.99
    alone = 0
    for corners, sure, kind in zip(wanted.corners, wanted.confidence, wanted.kind, strict=True):
        if sure < COMPARED:
            continue
        gap = np.abs(found.corners - corners).max(1, initial=0)
        gap[~free | (found.kind != kind) | (found.confidence < edge)] = np.inf
        if not len(gap) or not gap.min() <= 1:
            alone += 1
            continue
        best = int(gap.argmin())
        free[best] = False
        pairs.append((float(abs(found.confidence[best] - sure)), float(gap[best])))
    beyond = free & (found.confidence >= COMPARED / 0.99)
    return pairs, alone + int(beyond.sum())


def _batch(whole: Any) -> str | int:
    """How many pictures at once: "batch" where that is free."""
    reshaped = whole.graph.output[0].type.tensor_type.shape.dim[0]
    return int(reshaped.dim_value) if reshaped.HasField("dim_value") else "batch"


def _head(size: int, names: tuple[str, ...], confidence: float, batch: str | int) -> dict[str, Any]:
    """What of package.json tells of inputs and outputs."""
    return {
        "size": size,
        "classes": list(names),
        "confidence": confidence,
        "inputs": [
            {
                **{"name": "images", "dtype": "uint8", "shape": [batch, "height", "width", 3]},
                **{"range": [0, 255], "colour": "RGB"},
                "meaning": "pictures as the camera gives them, of any size",
            }
        ],
        "outputs": [
            {
                **{"name": "boxes", "dtype": "float32", "shape": [batch, "boxes", 4]},
                "unit": "px of the picture",
                "meaning": "left, top, right, bottom, the surest box first",
            },
            {
                **{"name": "confidences", "dtype": "float32", "shape": [batch, "boxes"]},
                "unit": "0 to 1",
                "meaning": f"how sure; one counts from {confidence:.3f} on, 0: no more boxes",
            },
            {
                **{"name": "classes", "dtype": "int64", "shape": [batch, "boxes"]},
                "meaning": "the place in classes, from 0",
            },
        ],
    }


def _golden(package: Package, images: Sequence[Judged]) -> Iterator[Golden]:
    session = contract.session(package, threads=settings().threads)
    for image in images:
        pixels = pictures.fitted(imagefiles.read_rgb(image.path), LONGEST)
        found = found_on(package, session, pixels).least(COMPARED)
        expected = {
            "boxes": found.corners.tolist(),
            "confidences": found.confidence.tolist(),
            "classes": [package.names[k] for k in found.kind],
        }
        yield Golden(image.name, pixels, {"label": image.label.name}, expected)
