"""How far automatic labels agree with exact masks, so that nobody has to trust them blindly."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.core import facts, runs
from backend.images import imagefiles
from backend.images.labelled_image import LabelledImage
from backend.images.vocabulary import ONE_CLASS
from backend.labels import labellers
from backend.labels.agreement import exact
from backend.labels.agreement.spec import Result, Spec
from backend.labels.label.job import ATTENTION
from backend.labels.labellers import Guess
from backend.records import Progress
from backend.wording import with_interval

CEILING = "exact mask"
CONTROL = "centred"  # source A's dummy, the same box whatever the image shows
SHARE = "share of boxes with IoU > 0.5"
PRECISION = "share of found boxes that fit"
MASK_IOU, NEAR_F1, BOX_IOU = "mean mask IoU", "mean line F1", "mean box IoU"


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Guess labels for every image and compare; image, mask and guesses are kept to be seen."""
    count, truths = _truths(spec, out_dir)
    rows: list[dict[str, Any]] = []
    ceiling: list[dict[str, Any]] = []
    for index, image in enumerate(truths):
        mask = np.asarray(image.read_mask()) > 127
        around = exact.boxes_around(mask)
        boxed = spec.source != "folder"  # there the boxes are those around the masks
        truth = replace(image, name=f"{index:06d}", boxes=image.boxes if boxed else around)
        rows += _compare(spec, out_dir, truth, mask)
        if boxed:
            ceiling += _rows(truth, mask, Guess(mask, around, 1.0), CEILING)
        progress((index + 1) / count, f"image {index + 1} of {count}")
    facts.write(out_dir, "agreements", rows)
    figures = _figures(rows + ceiling, spec.seed)
    facts.write(out_dir, "figures", figures)
    return _result(spec, count, figures)


def _truths(spec: Spec, out_dir: Path) -> tuple[int, Iterable[LabelledImage]]:
    """How many images there are, and the images. Raises UserError where none has a mask."""
    if spec.source == "rendered":
        return spec.count, exact.rendered(spec)
    if spec.source == "run":
        found = exact.of_run(runs.sibling(out_dir, spec.source_run), spec.count, spec.seed)
    else:
        found = exact.of_folder(Path(spec.folder), spec.count, spec.seed)
    return len(found), found


def _compare(
    spec: Spec, out_dir: Path, truth: LabelledImage, mask: np.ndarray
) -> list[dict[str, Any]]:
    """Rows of every labeller for one image with its mask bool [H, W], and the pictures they speak
    of."""
    name, pixels, heat = truth.name, truth.read_rgb(), truth.origin.array(ATTENTION)
    paths = {"path": f"artifacts/images/{name}.png", "mask_path": f"artifacts/masks/{name}.png"}
    imagefiles.write(out_dir / paths["path"], pixels)
    imagefiles.write(out_dir / paths["mask_path"], mask.astype(np.uint8) * 255)
    rows = []
    for labeller in spec.labellers:
        guess = labellers.guess(labeller, pixels, ONE_CLASS[0], heat)
        paths["guess_path"] = f"artifacts/guesses/{labeller}/{name}.png"
        imagefiles.write(out_dir / paths["guess_path"], guess.mask)
        rows += [row | paths for row in _rows(truth, mask, guess, labeller)]
    return rows


def _rows(
    truth: LabelledImage, mask: np.ndarray, guess: Guess, labeller: str
) -> list[dict[str, Any]]:
    """Rows of the table `agreements`: one per true box, or one alone where there is none."""
    from backend.labels.agreement.overlap import compare

    met = compare(mask, truth.boxes, guess.mask > 0, guess.boxes)
    image = {
        "labeller": labeller,
        "image": truth.name,
        "source": truth.source,
        "group": truth.group,
        "mask_iou": met.mask_iou,
        "near_f1": met.near_f1,
        "boxes_true": len(truth.boxes),
        "boxes_found": met.found,
        "boxes_right": met.right,
        "confidence": guess.confidence,
    }
    each: list[dict[str, Any]] = [
        {"box": k, "box_iou": float(iou)} for k, iou in enumerate(met.box_iou)
    ]
    return [image | box for box in each or [{"box": None, "box_iou": None}]]


def _figures(rows: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Every labeller's figures with 95 % intervals, bootstrap over groups of images."""
    found = []
    for labeller, mine in pd.DataFrame(rows).groupby("labeller", sort=False):
        images = mine.drop_duplicates("image")
        boxes = mine[mine["box"].notna()]
        count, ones = np.ones(len(boxes)), np.ones(len(images))
        drawn = images["boxes_found"].to_numpy(float)
        entries: list[tuple[str, pd.DataFrame, np.ndarray, np.ndarray]] = [
            (SHARE, boxes, (boxes["box_iou"] > 0.5).to_numpy(float), count),
            (BOX_IOU, boxes, boxes["box_iou"].to_numpy(float), count),
            (PRECISION, images, images["boxes_right"].to_numpy(float), drawn),
            (MASK_IOU, images, images["mask_iou"].to_numpy(float), ones),
            (NEAR_F1, images, images["near_f1"].to_numpy(float), ones),
        ]
        for metric, frame, part, whole in entries if labeller != CEILING else entries[:3]:
            if whole.sum():
                row = _figure(metric, part, whole, frame["group"].to_numpy(str), seed)
                found.append({"subject": str(labeller), **row})
    return found


def _figure(
    metric: str, part: np.ndarray, whole: np.ndarray, groups: np.ndarray, seed: int
) -> dict[str, Any]:
    """Σ part / Σ whole with interval; for a share of 0 or 1, Clopper and Pearson's over groups."""
    from backend.numeric.statistics import clopper_pearson, group_bootstrap

    def ratio(chosen: np.ndarray) -> float:
        total = whole[chosen].sum()
        return float(part[chosen].sum() / total) if total else float("nan")

    value, low, high = group_bootstrap(ratio, groups, seed=seed)
    if metric in (SHARE, PRECISION) and value in (0.0, 1.0):
        counted = len(np.unique(groups[whole > 0]))
        low, high = clopper_pearson(round(value * counted), counted)
    return {"metric": metric, "value": value, "low": low, "high": high, "n": int(whole.sum())}


def _in_words(labellers: Sequence[str], by_name: Mapping[tuple[str, str], Mapping]) -> str:
    """Every labeller's share of boxes that fit, with its interval."""
    parts = []
    for name in labellers:
        row = by_name.get((name, SHARE))
        if row is not None:
            size = with_interval(row["value"], row["low"], row["high"])
            parts.append(f"{name}{' (control)' if name == CONTROL else ''} {size}")
    return f"Share of boxes that fit: {', '.join(parts)}." if parts else "No image has a true box."


def _result(spec: Spec, count: int, figures: list[dict[str, Any]]) -> Result:
    by_name = {(row["subject"], row["metric"]): row for row in figures}

    def share(labeller: str) -> dict[str, Any]:
        return by_name.get((labeller, SHARE), {})

    others = [name for name in spec.labellers if name != CONTROL] or spec.labellers
    best = max(others, key=lambda labeller: share(labeller).get("value", 0.0))
    return Result(
        verdict=_in_words(spec.labellers, by_name),
        images=count,
        boxes=int(share(best).get("n", 0)),
        best=best,
        share=share(best).get("value"),
        share_low=share(best).get("low"),
        share_high=share(best).get("high"),
        mask_iou=by_name[best, MASK_IOU]["value"],
        ceiling=share(CEILING).get("value"),
    )
