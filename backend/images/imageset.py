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

from backend.core import cluster, facts
from backend.core.aside import finished
from backend.core.units import Needs, Tick
from backend.images import aside, curation, imagefiles, pictures
from backend.images.boxes import box_of, box_row
from backend.images.labelled_image import FILE, LabelledImage, Marks, Origin, opened
from backend.records import Box, Progress
from backend.settings import settings

SHEET = 100
SHARD = 64  # images of a unit: a multiple of those that a maker makes together
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


@dataclass(frozen=True)
class Elsewhere:
    """How another process makes the same images. maker: gives `make`; a module's function, or a
    partial of one. needs: of a process that does so."""

    maker: Callable[[], Callable[[int], LabelledImage]]
    needs: Needs


def write(
    out_dir: Path,
    count: int,
    make: Callable[[int], LabelledImage],
    progress: Progress,
    upto: float = 1.0,
    elsewhere: Elsewhere | None = None,
) -> Totals:
    """Make images 0 … count − 1, those of an interrupted run taken as they are.

    `make(k)` must depend on k alone. upto: the fraction of the job that is then done. elsewhere:
    where a cluster is named, it makes them in shards.
    """
    record = out_dir / "checkpoint" / "made.jsonl"
    record.parent.mkdir(parents=True, exist_ok=True)
    if elsewhere and settings().cluster:
        known = set(_made_before(out_dir))
        shards = {
            out_dir / "checkpoint" / "shards" / f"images-{first:06d}.jsonl": range(
                first, min(first + SHARD, count)
            )
            for first in range(0, count, SHARD)
        }
        cluster.make_all(
            _shard,
            (out_dir, elsewhere.maker),
            {file: which for file, which in shards.items() if not known >= set(which)},
            out_dir,
            lambda fraction, message: progress(upto * fraction, message),
            noun="shard of images",
            needs=elsewhere.needs,
        )
    found = _made_before(out_dir)
    with record.open("a", encoding="utf-8") as file:
        for index in (index for index in range(count) if index not in found):
            found[index] = _keep(out_dir, index, make(index))
            file.write(json.dumps(found[index]) + "\n")
            file.flush()
            progress(upto * (index + 1) / count, f"image {index + 1} of {count}")
    return _totals(out_dir, [found[index] for index in range(count)])


def _shard(
    shared: tuple[Path, Callable[[], Callable[[int], LabelledImage]]],
    which: range,
    file: Path,
    tick: Tick,
) -> None:
    """Some of a set's images, in a process of its own."""
    (out_dir, maker), lines = shared, []
    make = maker()
    for index in which:
        lines.append(json.dumps(_keep(out_dir, index, make(index))) + "\n")
        tick(len(lines) / len(which), f"image {index + 1}")
    file.write_text("".join(lines), encoding="utf-8")


def _totals(out_dir: Path, made: list[dict[str, Any]]) -> Totals:
    """Write the facts and the sheet of a set that is whole."""
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


def _made_before(out_dir: Path) -> dict[int, dict[str, Any]]:
    """Image → its entry, of an interrupted run and of its shards; a line cut short is taken off the
    run's own record."""
    record = out_dir / "checkpoint" / "made.jsonl"
    lines: list[str] = []
    if record.exists():
        whole = record.read_text(encoding="utf-8").splitlines(True)
        lines = [line for line in whole if line[-1] == "\n"]
        record.write_text("".join(lines), encoding="utf-8")
    for shard in sorted((out_dir / "checkpoint" / "shards").glob("images-*.jsonl")):
        lines += shard.read_text(encoding="utf-8").splitlines()
    entries = map(json.loads, lines)
    return {int(entry["image"]["image"]): entry for entry in entries}


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
