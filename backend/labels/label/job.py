"""Automatic labels for a finished set of images, written as a new set."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.core import facts, runs
from backend.images import imagefiles, imageset, resuming
from backend.images.imageset import Picture
from backend.labels import labellers
from backend.labels.label.spec import Result, Spec
from backend.labels.labellers import Guess
from backend.records import Box, Progress, UserError

MAPS = "artifacts/attention"
ARRAYS = ("noise", "attention")


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Copy the images into a new set and label those that need it.

    Raises UserError where the run has no image left, or attention has no maps.
    """
    source = runs.sibling(out_dir, spec.source_run)
    images, boxes = imageset.read(source)
    if images.empty:
        raise UserError(f"Run '{spec.source_run}' has no image to label. Choose another run.")
    rows = imageset.records(images)
    known = imageset.boxes_by_image(boxes)
    wanted = [row for row in rows if not _keeps(spec, row, known)]
    if not wanted:
        raise UserError(
            f"Every image of run '{spec.source_run}' is labelled already. Switch only missing off "
            "to label them anew."
        )
    if spec.labeller == "attention":
        _check_maps(source, wanted)
    told = ((row["image"], row["labelled"], known.get(row["image"])) for row in rows)
    if resuming.begins_again(out_dir, resuming.version(told)):
        progress(0.0, resuming.WORDS)
    totals = imageset.write(out_dir, len(rows), _maker(spec, source, rows, known), progress)
    made = facts.read(out_dir, "boxes")
    found = made[made["source"] == spec.labeller]["confidence"].astype(float)
    return Result(
        images=totals.images,
        labelled=len(wanted),
        without=totals.intact,
        boxes=totals.boxes,
        mean_confidence=float(found.mean()) if len(found) else None,
        labeller=spec.labeller,
    )


def _keeps(spec: Spec, row: dict[str, Any], known: dict[str, tuple[Box, ...]]) -> bool:
    """Does the image stay as it is? One without boxes is intact unless its row denies it."""
    return spec.only_missing and bool(row["image"] in known or row["labelled"])


def _params(row: dict[str, Any]) -> dict[str, Any]:
    """How the image was made, as its row tells."""
    text = row.get("params")
    return dict(json.loads(text)) if isinstance(text, str) else {}


def attention_map(run_folder: Path, image: str) -> np.ndarray | None:
    """What Stable Diffusion attended to in an image, float [h, w] of 0…1; None if not recorded."""
    path = run_folder / MAPS / f"{image}.npy"
    if not path.exists():
        return None
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float32)
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read {path}. Make the images again.") from error


def _check_maps(source: Path, rows: list[dict[str, Any]]) -> None:
    if not any((source / MAPS / f"{row['image']}.npy").exists() for row in rows):
        raise UserError(
            f"Run '{source.name}' holds no attention maps; only the Stable Diffusion teacher "
            "records them. Choose images that it made, or labeller edges."
        )


def _maker(
    spec: Spec, source: Path, rows: list[dict[str, Any]], known: dict[str, tuple[Box, ...]]
) -> Callable[[int], Picture]:
    def make(index: int) -> Picture:
        row = rows[index]
        pixels = imagefiles.read_rgb(source / row["path"])
        if _keeps(spec, row, known):
            boxes = known.get(row["image"], ())
            return _picture(spec, source, row, pixels, boxes, _mask(source, row))
        found = _guess(spec, source, row["image"], pixels)
        made = _picture(spec, source, row, pixels, found.boxes, found.mask)
        return replace(made, labelled=bool(found.boxes))  # nothing found is not yet intact

    return make


def _guess(spec: Spec, source: Path, image: str, pixels: np.ndarray) -> Guess:
    """The labeller's guess, what is too uncertain left out; no map: nothing is found."""
    heat = attention_map(source, image) if spec.labeller == "attention" else None
    if spec.labeller == "attention" and heat is None:
        return Guess(np.zeros(pixels.shape[:2], np.uint8), (), 0.0)
    return certain(
        labellers.guess(spec.labeller, pixels, spec.class_name, heat), spec.least_confidence
    )


def certain(found: Guess, least: float) -> Guess:
    """The guess without boxes below a confidence, and without their part of the mask."""
    kept = tuple(box for box in found.boxes if box.confidence >= least)
    mask = np.zeros_like(found.mask)
    for box in kept:
        left, top, right, bottom = (round(v) for v in box.xyxy)
        mask[top:bottom, left:right] = found.mask[top:bottom, left:right]
    return replace(found, mask=mask, boxes=kept)


def _mask(source: Path, row: dict[str, Any]) -> np.ndarray | None:
    path = row.get("mask_path")
    return imagefiles.read_rgb(source / path)[..., 0] if isinstance(path, str) else None


def _picture(
    spec: Spec,
    source: Path,
    row: dict[str, Any],
    pixels: np.ndarray,
    boxes: tuple[Box, ...],
    mask: np.ndarray | None,
) -> Picture:
    """The image as it was, with its origin and everything else known about it."""
    original, full = row.get("background_path"), source / f"artifacts/full/{row['image']}.png"
    arrays = {kind: source / f"artifacts/{kind}/{row['image']}.npy" for kind in ARRAYS}
    seed = row.get("seed")
    params = {name: value for name, value in _params(row).items() if name != "labelled"}
    return Picture(
        pixels=pixels,
        source=row["source"],
        boxes=boxes,
        mask=mask,
        original=imagefiles.read_rgb(source / original) if isinstance(original, str) else None,
        full=imagefiles.read_rgb(full) if full.exists() else None,
        arrays={
            k: np.load(path, allow_pickle=False) for k, path in arrays.items() if path.exists()
        },
        seed=None if seed is None or pd.isna(seed) else int(seed),
        group=row["group"],
        params=params | {"labelled_from": spec.source_run},
    )
