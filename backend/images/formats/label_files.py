"""The label files of an export: YOLO's text files and COCO's JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from backend.images.boxes import yolo_line
from backend.images.formats import files, geometry
from backend.images.formats.coco import MASK_FILE
from backend.records import Corners


@dataclass(frozen=True)
class Item:
    """An image on its way into the zip. place: its path there, `images/train/x.png`."""

    image: str
    path: Path
    place: str
    mask: Path | None
    mask_place: str
    group: str
    split: str
    source: str
    width: int
    height: int
    boxes: pd.DataFrame


def yolo(items: Sequence[Item], classes: Sequence[str]) -> dict[str, str]:
    """`data.yaml` and a text file an image, by their place in the zip."""
    found = {item.place.split("/")[1] for item in items if item.place.count("/") > 1}
    entries = {split: f"images/{split}" for split in sorted(found)}
    some = entries.get("train", "images")
    data = {"train": some, "val": some, **entries, "names": dict(enumerate(classes))}
    texts = {"data.yaml": yaml.safe_dump(data, sort_keys=False, allow_unicode=True)}
    for item in items:
        lines = [_line(box, classes, item) for box in item.boxes.to_dict("records")]
        place = Path(item.place.replace("images", "labels", 1)).with_suffix(".txt")
        texts[place.as_posix()] = "".join(lines)
    return texts


def _line(box: Mapping[Any, Any], classes: Sequence[str], item: Item) -> str:
    number = classes.index(str(box["class_name"]))
    return yolo_line(_corners(box), item.width, item.height, number, digits=10)


def _corners(box: Mapping[Any, Any]) -> Corners:
    return float(box["x1"]), float(box["y1"]), float(box["x2"]), float(box["y2"])


def coco(items: Sequence[Item], classes: Sequence[str], licence: str) -> dict[str, str]:
    """One JSON file a split, by its place in the zip; ids go on through all of them."""
    categories = [{"id": k, "name": name} for k, name in enumerate(classes, start=1)]
    content: dict[str, dict[str, Any]] = {}
    number = 0
    for image_id, item in enumerate(items, start=1):
        name = f"instances_{item.split}" if item.split else "instances"
        part = content.setdefault(
            f"annotations/{name}.json",
            {
                "info": {"description": "Exported by Defect Distillery"},
                "licenses": [{"id": 1, "name": licence}],
                "images": [],
                "annotations": [],
                "categories": categories,
            },
        )
        part["images"].append(_image(item, image_id))
        mask = None if item.mask is None else files.mask_file(item.mask, item.width, item.height)()
        for box in item.boxes.to_dict("records"):
            number += 1
            part["annotations"].append(
                {"id": number, "image_id": image_id, **_annotation(box, classes, mask)}
            )
    return {name: json.dumps(part, ensure_ascii=False) + "\n" for name, part in content.items()}


def _image(item: Item, image_id: int) -> dict[str, Any]:
    record = {
        "id": image_id,
        "file_name": item.place,
        "width": item.width,
        "height": item.height,
        "license": 1,
    }
    return record if item.mask is None else {**record, MASK_FILE: item.mask_place}


def _annotation(
    box: Mapping[Any, Any], classes: Sequence[str], mask: np.ndarray | None
) -> dict[str, Any]:
    x1, y1, x2, y2 = _corners(box)
    confidence = box.get("confidence")
    record: dict[str, Any] = {
        "category_id": classes.index(str(box["class_name"])) + 1,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "iscrowd": 0,
        "score": None if pd.isna(confidence) else float(confidence),
        "source": word(box.get("source")),
    }
    if mask is not None:
        mine = np.zeros_like(mask)
        place = np.s_[
            max(math.floor(y1), 0) : math.ceil(y2), max(math.floor(x1), 0) : math.ceil(x2)
        ]
        mine[place] = mask[place]
        record["area"] = int((mine > 0).sum())
        record["segmentation"] = {"size": list(mask.shape), "counts": geometry.runs_of(mine)}
    return record


def word(value: Any) -> str:
    """A cell of a table as text; "" where it is empty."""
    return "" if value is None or pd.isna(value) else str(value)
