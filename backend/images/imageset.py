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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.core import facts
from backend.core.aside import finished
from backend.images import aside, curation, imagefiles, pictures
from backend.images.boxes import box_of, box_row
from backend.images.labelled_image import FILE, LabelledImage, Marks, Origin, opened
from backend.records import Box, Progress

SHEET = 100
FULL, ARRAYS, LABELLED = "full", ("noise", "attention"), "labelled"
PHOTOGRAPHED = ("real", "real intact")  # sources of images that a folder of photographs gave
KINDS = "generate|composite|label|sample|pseudo-label"  # the kinds of run that leave such a set


@dataclass(frozen=True)
class Totals:
    """What a finished set holds. mask_share: mean share of an image that is defect, where known."""

    images: int
    intact: int
    boxes: int
    mask_share: float | None


def write(
    out_dir: Path,
    count: int,
    make: Callable[[int], LabelledImage],
    progress: Progress,
    upto: float = 1.0,
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


def _keep(out_dir: Path, index: int, image: LabelledImage) -> dict[str, Any]:
    """One image on disk; its row, its boxes' rows and the share of its pixels that is defect."""
    name, origin, mask = f"{index:06d}", image.origin, image.read_mask()
    layers = {"masks": mask, "originals": origin.original, FULL: origin.full}
    paths = {}
    for layer, pixels in {"images": image.read_rgb(), **layers}.items():
        if pixels is not None:
            paths[layer] = f"artifacts/{layer}/{name}.png"
            imagefiles.write(out_dir / paths[layer], opened(pixels))
    for kind in origin.arrays:
        (out_dir / "artifacts" / kind).mkdir(parents=True, exist_ok=True)
        np.save(out_dir / "artifacts" / kind / f"{name}.npy", np.asarray(origin.array(kind)))
    row = {
        "image": name,
        "path": paths["images"],
        "mask_path": paths.get("masks"),
        "background_path": paths.get("originals"),
        "source": image.source,
        "group": image.group or name,
        "seed": origin.seed,
        "params": json.dumps({**origin.params, **({} if image.labelled else {LABELLED: False})}),
    }
    return {
        "image": row,
        "boxes": [box_row(name, box) for box in image.boxes],
        "mask_share": None if mask is None else float((mask > 0).mean()),
    }


def named_params(image: LabelledImage) -> str | None:
    """The column `params` of a set that takes images from elsewhere: the name of the image's file
    as it was imported, None where it was made here."""
    name = image.origin.params.get(FILE) or (image.name if image.source in PHOTOGRAPHED else "")
    return json.dumps({FILE: name}) if name else None


def write_sheet(out_dir: Path, rows: list[dict[str, Any]]) -> None:
    """The first images as one picture; those of other sizes are fitted to the first one's."""
    chosen = [imagefiles.read_rgb(out_dir / row["path"]) for row in rows[:SHEET]]
    if chosen:
        edge = min(256, chosen[0].shape[0])
        tiles = [pictures.resized(pixels, edge) for pixels in chosen]
        imagefiles.write(out_dir / "artifacts" / "sheet.png", pictures.sheet(tiles))


def read(run_folder: Path) -> list[LabelledImage]:
    """The images of a finished set as people left them: rejected ones and those put aside for
    tests are not among them, boxes corrected by hand take the place of those made."""
    away = aside.left_out(run_folder, finished(run_folder.parent))
    images = from_rows(run_folder, *curation.kept(run_folder))
    return [image for image in images if image.name not in away]


def from_rows(run_folder: Path, images: pd.DataFrame, boxes: pd.DataFrame) -> list[LabelledImage]:
    """The images that rows of a run's tables `images` and `boxes` tell of."""
    known = boxes_by_image(boxes)
    beside = [kind for kind in (FULL, *ARRAYS) if (run_folder / "artifacts" / kind).is_dir()]
    return [
        _image(run_folder, row, known.get(str(row["image"]), ()), beside) for row in records(images)
    ]


def _image(
    run_folder: Path, row: Mapping[str, Any], boxes: tuple[Box, ...], beside: Sequence[str]
) -> LabelledImage:
    """beside: folders of artifacts that may hold more of the image."""
    name, told = str(row["image"]), _word(row["params"])
    params = json.loads(told) if told else {}
    known = row.get(LABELLED, params.pop(LABELLED, True))
    return LabelledImage(
        run_folder / row["path"],
        _word(row["source"]),
        boxes,
        _file(run_folder, row["mask_path"]),
        name=name,
        group=_word(row["group"]) or name,
        split=_word(row["split"]),
        marks=Marks.KNOWN if known else Marks.UNKNOWN,
        origin=Origin(
            None if pd.isna(row["seed"]) else int(row["seed"]),
            params,
            _file(run_folder, row["background_path"]),
            *_kept_beside(run_folder, name, beside),
        ),
    )


def _kept_beside(
    run_folder: Path, name: str, beside: Sequence[str]
) -> tuple[Path | None, dict[str, Path]]:
    """The image as large as it was made, where that is kept, and its arrays."""
    suffixes = {kind: "png" if kind == FULL else "npy" for kind in beside}
    paths = {k: run_folder / f"artifacts/{k}/{name}.{suffix}" for k, suffix in suffixes.items()}
    found = {kind: path for kind, path in paths.items() if path.exists()}
    return found.pop(FULL, None), found


def _word(cell: Any) -> str:
    """A cell as text; "" where it is empty."""
    return "" if cell is None or pd.isna(cell) else str(cell)


def _file(run_folder: Path, cell: Any) -> Path | None:
    return run_folder / cell if isinstance(cell, str) else None


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries by column."""
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.itertuples(index=False)]


def boxes_of(rows: pd.DataFrame, image: str) -> tuple[Box, ...]:
    """The boxes of one image, from the set's box rows."""
    return tuple(box_of(row) for row in records(rows[rows["image"] == image]))


def boxes_by_image(rows: pd.DataFrame) -> dict[str, tuple[Box, ...]]:
    """Image → its boxes, for all images that have any; the rows are gone through once."""
    return {
        str(image): tuple(box_of(row) for row in records(mine))
        for image, mine in rows.groupby("image")
    }
