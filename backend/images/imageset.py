"""A set of images as a run keeps it: written one by one, and gone on with after a stop.

Every kind of run that makes images (teachers, composites, labels) writes this one shape:

    artifacts/images/000000.png        the image
    artifacts/masks/000000.png         255 where defect; none where it is not known
    artifacts/originals/000000.png     the same picture without the defect, where there is one
    artifacts/full/000000.png          the image as large as it was made, where it was resized
    artifacts/noise/000000.npy         the noise it was denoised from; other arrays beside it
    artifacts/sheet.png                the first hundred
    facts/images.parquet, facts/boxes.parquet
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.core import facts
from backend.images import curation, imagefiles, pictures
from backend.images.boxes import box_row
from backend.images.vocabulary import INTACT
from backend.records import Box, Progress

SHEET = 100
KINDS = "generate|composite|label|sample"  # the kinds of run that leave such a set


@dataclass(frozen=True)
class Picture:
    """One image and what is known about it.

    pixels, original, full: uint8 [H, W, 3]. mask: uint8 [H, W], 255 where defect.
    source: how it was made, in words ("rendered", "photograph", …). group: pictures of one
    specimen share it. arrays: kept as artifacts/<name>/. params: how it was made, as JSON.
    labelled: False where nobody knows yet whether and where it shows a defect.
    """

    pixels: np.ndarray
    source: str
    boxes: tuple[Box, ...] = ()
    mask: np.ndarray | None = None
    original: np.ndarray | None = None
    full: np.ndarray | None = None
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    seed: int | None = None
    group: str = ""
    labelled: bool = True
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Totals:
    """What a finished set holds. mask_share: mean share of an image that is defect, where known."""

    images: int
    intact: int
    boxes: int
    mask_share: float | None


def write(
    out_dir: Path, count: int, make: Callable[[int], Picture], progress: Progress, upto: float = 1.0
) -> Totals:
    """Make images 0 … count − 1, those of an interrupted run taken as they are.

    `make(k)` must depend on k alone. upto: the fraction of the job that is then done.
    """
    record = out_dir / "checkpoint" / "made.jsonl"
    made = _made_before(record)
    record.parent.mkdir(parents=True, exist_ok=True)
    with record.open("a", encoding="utf-8") as file:
        for index in range(len(made), count):
            made.append(_keep(out_dir, index, make(index)))
            file.write(json.dumps(made[-1]) + "\n")
            file.flush()
            progress(upto * (index + 1) / count, f"image {index + 1} of {count}")
    images = [entry["image"] for entry in made]
    boxes = [box for entry in made for box in entry["boxes"]]
    facts.write(out_dir, "images", images)
    facts.write(out_dir, "boxes", boxes)
    write_sheet(out_dir, images)
    shares = [entry["mask_share"] for entry in made if entry["mask_share"] is not None]
    return Totals(
        images=len(made),
        intact=sum(not entry["boxes"] for entry in made),
        boxes=len(boxes),
        mask_share=float(np.mean(shares)) if shares else None,
    )


def _made_before(record: Path) -> list[dict[str, Any]]:
    """Entries of an interrupted run; a line cut short ends them and is taken off the file."""
    if not record.exists():
        return []
    whole = [
        line for line in record.read_text(encoding="utf-8").splitlines(True) if line[-1] == "\n"
    ]
    record.write_text("".join(whole), encoding="utf-8")
    return [json.loads(line) for line in whole]


def _keep(out_dir: Path, index: int, picture: Picture) -> dict[str, Any]:
    """One image on disk; its row, its boxes' rows and the share of its pixels that is defect."""
    name = f"{index:06d}"
    layers = {
        "images": picture.pixels,
        "masks": picture.mask,
        "originals": picture.original,
        "full": picture.full,
    }
    paths: dict[str, str | None] = dict.fromkeys(layers)
    for layer, pixels in layers.items():
        if pixels is not None:
            paths[layer] = f"artifacts/{layer}/{name}.png"
            imagefiles.write(out_dir / f"artifacts/{layer}/{name}.png", pixels)
    for kind, array in picture.arrays.items():
        (out_dir / "artifacts" / kind).mkdir(parents=True, exist_ok=True)
        np.save(out_dir / "artifacts" / kind / f"{name}.npy", array)
    params = dict(picture.params) | ({} if picture.labelled else {"labelled": False})
    row = {
        "image": name,
        "path": paths["images"],
        "mask_path": paths["masks"],
        "background_path": paths["originals"],
        "source": picture.source,
        "group": picture.group or name,
        "seed": picture.seed,
        "params": json.dumps(params),
    }
    return {
        "image": row,
        "boxes": [box_row(name, box) for box in picture.boxes],
        "mask_share": None if picture.mask is None else float((picture.mask > 0).mean()),
    }


def write_sheet(out_dir: Path, rows: list[dict[str, Any]]) -> None:
    """The first images as one picture; those of other sizes are fitted to the first one's."""
    chosen = [imagefiles.read_rgb(out_dir / row["path"]) for row in rows[:SHEET]]
    if chosen:
        edge = min(256, chosen[0].shape[0])
        tiles = [pictures.resized(pixels, edge) for pixels in chosen]
        imagefiles.write(out_dir / "artifacts" / "sheet.png", pictures.sheet(tiles))


def read(run_folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Image and box rows of a finished set as people left it: rejected images are not in it,
    boxes corrected by hand take the place of those made."""
    return curation.kept(run_folder)


def labelled(images: pd.DataFrame) -> pd.DataFrame:
    """Image rows of `read` without those of which nobody knows yet what they show."""
    return images[images["labelled"]]


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries by column."""
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.itertuples(index=False)]


def main_classes(images: pd.DataFrame, boxes: pd.DataFrame) -> list[str]:
    """The class of the largest box of each image, INTACT where it has none."""
    area = (boxes["x2"] - boxes["x1"]) * (boxes["y2"] - boxes["y1"])
    largest = boxes.assign(area=area).sort_values("area").groupby("image")["class_name"].last()
    return list(images["image"].map(largest).fillna(INTACT))


def boxes_of(rows: pd.DataFrame, image: str) -> tuple[Box, ...]:
    """The boxes of one image, from the set's box rows."""
    return tuple(_box(row) for row in records(rows[rows["image"] == image]))


def boxes_by_image(rows: pd.DataFrame) -> dict[str, tuple[Box, ...]]:
    """Image → its boxes, for all images that have any; the rows are gone through once."""
    return {
        str(image): tuple(_box(row) for row in records(mine))
        for image, mine in rows.groupby("image")
    }


def _box(row: Mapping[str, Any]) -> Box:
    corners = (row["x1"], row["y1"], row["x2"], row["y2"])
    return Box(row["class_name"], corners, row["confidence"], row["source"])
