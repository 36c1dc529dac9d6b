"""A training set in YOLO's layout: images with boxes from a student or a teacher."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend import facts, runs
from backend.records import Box, Progress, UserError
from backend.specs import param
from backend.synthesis import pictures, testset

CENTRED_SHARE = 0.5


@dataclass(frozen=True)
class Spec:
    """Settings of a data set. `centred` boxes are source A's dummies, kept for comparison."""

    source_run: str = param("", "student or teacher whose images to take", run="distill|generate")
    count: int = param(100, "number of images (all of a teacher's at most)", lo=4, hi=100_000)
    labels: str = param(
        "mask", "where boxes come from: the painted mask, or a dummy", choices=("mask", "centred")
    )
    intact_folder: str = param(
        "", "photographs of intact parts to add as negatives", path="folder", optional=True
    )
    validation_share: float = param(0.2, "share kept for validation", lo=0.05, hi=0.5)
    variation: float = param(
        0.7, "student: 0 keeps to scenes it learned, 1 mixes them freely", lo=0, hi=1, advanced=True
    )
    seed: int = param(0, "seed of the samples and of the split", lo=0, hi=2**31 - 1)


@dataclass(frozen=True)
class Result:
    images: int
    boxes: int
    empty: int
    training: int
    validation: int
    source: str
    labels: str


@dataclass(frozen=True)
class Item:
    """One image [H, W, 3] on its way into the set; size is its edge length, px."""

    pixels: np.ndarray
    boxes: list[Box]
    source: str
    seed: int | None = None


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Write images and labels below `artifacts/` with a `data.yaml` for ultralytics."""
    source = runs.read(runs.sibling(out_dir, spec.source_run))
    if source.kind == "distill":
        items = _sampled(spec, source.folder, progress)
    else:
        items = _taken(spec, source.folder)
    items += _negatives(spec, items[0].pixels.shape[0])
    random = np.random.default_rng(spec.seed)
    held_out = set(
        random.permutation(len(items))[: max(1, round(spec.validation_share * len(items)))]
    )
    image_rows, box_rows = [], []
    for index, item in enumerate(items):
        split = "val" if index in held_out else "train"
        image_rows.append(_write_item(out_dir, index, split, item))
        box_rows += [pictures.box_row(f"{index:06d}", box) for box in item.boxes]
        progress(0.5 + 0.5 * (index + 1) / len(items), f"image {index + 1} of {len(items)}")
    if not box_rows:
        raise UserError(
            "No image of the source has a defect to learn from. Train the student longer, "
            "or use labels = centred."
        )
    facts.write(out_dir, "images", image_rows)
    facts.write(out_dir, "boxes", box_rows)
    _write_yaml(out_dir)
    empty = sum(not item.boxes for item in items)
    return Result(
        images=len(items),
        boxes=len(box_rows),
        empty=empty,
        training=len(items) - len(held_out),
        validation=len(held_out),
        source=items[0].source,
        labels=spec.labels,
    )


def _sampled(spec: Spec, student: Path, progress: Progress) -> list[Item]:
    from backend.synthesis.sampler import Sampler

    sampler = Sampler(student)
    if spec.labels == "mask" and not sampler.paints_mask:
        raise UserError("The paper's student paints no mask. Choose labels = centred.")
    items = []
    for start in range(0, spec.count, 16):
        seeds = [spec.seed + k for k in range(start, min(start + 16, spec.count))]
        images, masks = sampler.sample(seeds, spec.variation)
        for seed, pixels, mask in zip(seeds, images, masks, strict=True):
            items.append(Item(pixels, _boxes(spec, pixels, mask > 0.5), "student", seed))
        progress(0.5 * len(items) / spec.count, f"sampled {len(items)} of {spec.count}")
    return items


def _boxes(spec: Spec, pixels: np.ndarray, mask: np.ndarray) -> list[Box]:
    return (
        centred_box(*pixels.shape[:2])
        if spec.labels == "centred"
        else pictures.boxes_of(mask, "defect")
    )


def centred_box(height: int, width: int) -> list[Box]:
    """Source A's dummy label: a box of half the edge length in the middle."""
    x, y = width * CENTRED_SHARE / 2, height * CENTRED_SHARE / 2
    return [Box("defect", (x, y, width - x, height - y), source="centred")]


def _taken(spec: Spec, teacher: Path) -> list[Item]:
    boxes = facts.read(teacher, "boxes")
    items = []
    for row in facts.read(teacher, "images").head(spec.count).to_dict("records"):
        pixels = pictures.read_rgb(teacher / row["path"])
        mine = boxes[boxes["image"] == row["image"]].to_dict("records")
        exact = [Box(b["class_name"], (b["x1"], b["y1"], b["x2"], b["y2"])) for b in mine]
        use_dummy = spec.labels == "centred"
        items.append(
            Item(pixels, centred_box(*pixels.shape[:2]) if use_dummy else exact, row["source"])
        )
    return items


def _negatives(spec: Spec, size: int) -> list[Item]:
    if not spec.intact_folder:
        return []
    files = testset.split_files(Path(spec.intact_folder), "train")
    return [Item(pictures.resized(pictures.read_rgb(f), size), [], "real intact") for f in files]


def _write_item(out_dir: Path, index: int, split: str, item: Item) -> dict[str, Any]:
    name = f"{index:06d}"
    path = f"artifacts/images/{split}/{name}.png"
    pictures.write(out_dir / path, item.pixels)
    height, width = item.pixels.shape[:2]
    label = out_dir / "artifacts" / "labels" / split / f"{name}.txt"
    label.parent.mkdir(parents=True, exist_ok=True)
    label.write_text("".join(yolo_line(box, width, height) for box in item.boxes))
    return {
        "image": name,
        "path": path,
        "source": item.source,
        "group": name,
        "split": split,
        "seed": item.seed,
    }


def yolo_line(box: Box, width: int, height: int) -> str:
    """`class x y w h` in fractions of the image; every defect is class 0."""
    x1, y1, x2, y2 = box.xyxy
    values = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    return "0 " + " ".join(f"{v:.6f}" for v in values) + "\n"


def _write_yaml(out_dir: Path) -> None:
    """JSON is YAML too. `path: .` is filled in by the detector, so the folder may move."""
    content = {"train": "images/train", "val": "images/val", "names": {0: "defect"}}
    (out_dir / "artifacts" / "data.yaml").write_text(json.dumps(content, indent=1))
