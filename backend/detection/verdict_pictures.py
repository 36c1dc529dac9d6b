"""Pictures of a detector's boxes beside the true ones, for a report."""

from pathlib import Path

import numpy as np

from backend.detection.curves import predictions_of
from backend.detection.detector.own_validation import Judgement
from backend.images import imagefiles, marks, palette, pictures

EDGE = 192  # px of a picture
CORNERS = ["x1", "y1", "x2", "y2"]


def in_order(found: Judgement) -> np.ndarray:
    """Corners [T, 4] of true boxes in the order of `Judged`: image by image."""
    place = {name: number for number, name in enumerate(found.images["image"])}
    order = np.argsort(found.boxes["image"].map(place).to_numpy(), kind="stable")
    return found.boxes.iloc[order][CORNERS].to_numpy(float)


def beside_truth(home: Path, found: Judgement, confidence: float, count: int) -> np.ndarray:
    """Pairs of truth and prediction, `count` images taken evenly: uint8 [rows, columns, 3].

    home: where the images' paths begin. Raises UserError where a picture is gone.
    """
    images, boxes, judged = found.images, found.boxes, found.judged
    truths = dict(list(boxes.groupby("image")))
    colours = palette.colours([*judged.names, *boxes["class_name"]])
    tiles = []
    for place in np.unique(np.linspace(0, len(images) - 1, count).round().astype(int)).tolist():
        row = images.iloc[place]
        pixels = imagefiles.read_rgb((home / str(row["path"])).resolve())
        scale = EDGE / pixels.shape[1], EDGE / pixels.shape[0]
        small = pictures.resized(pixels, EDGE)
        true = truths.get(row["image"], boxes.iloc[:0]).assign(missed=False)
        said = predictions_of(judged, place, confidence).head(marks.MOST)
        for mine, found_there in ((true, said.iloc[:0]), (true.iloc[:0], said)):
            drawn = marks.of_judged(mine, found_there, colours, scale)
            tiles.append(pictures.annotated(small, drawn))
    return pictures.sheet(tiles, 4, 4)
