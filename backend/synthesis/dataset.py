"""A training set in YOLO's layout: images with boxes from a student or a teacher."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from backend import facts, runs
from backend.records import Box, Progress, UserError
from backend.runs import Run
from backend.specs import param
from backend.synthesis import imageset, pictures
from backend.synthesis.detecting import testset
from backend.synthesis.labels.labellers import centred_box

BATCH = 16


@dataclass(frozen=True)
class Spec:
    """Settings of a data set. `centred` boxes are source A's dummies, kept for comparison."""

    source_run: str = param("", "student or images to take", run=f"distill|{imageset.KINDS}")
    count: int = param(100, "number of images, or all there are", lo=5, hi=100_000)
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
    """One image [H, W, 3] on its way into the set. Images of a group stay in one split."""

    pixels: np.ndarray
    boxes: list[Box]
    source: str
    group: str
    seed: int | None = None


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Write images and labels below `artifacts/` with a `data.yaml` for ultralytics."""
    source = runs.read(runs.sibling(out_dir, spec.source_run))
    groups, items = _sampled(spec, source) if source.kind == "distill" else _taken(spec, source)
    negatives = _negative_files(spec)
    splits = [*_splits(spec, groups), *_splits(spec, [path.stem for path in negatives])]
    image_rows, box_rows = [], []
    for index, item in enumerate(chain(items, _negatives(negatives, source))):
        image_rows.append(_write_item(out_dir, index, splits[index], item))
        box_rows += [pictures.box_row(f"{index:06d}", box) for box in item.boxes]
        progress((index + 1) / len(splits), f"image {index + 1} of {len(splits)}")
    found = {row["image"] for row in box_rows}
    for split in ("train", "val"):
        if not any(row["split"] == split and row["image"] in found for row in image_rows):
            raise UserError(
                f"No image in the {split} split has a defect. Take more images, train the "
                "student longer, or use labels = centred."
            )
    facts.write(out_dir, "images", image_rows)
    facts.write(out_dir, "boxes", box_rows)
    _write_yaml(out_dir)
    return Result(
        images=len(image_rows),
        boxes=len(box_rows),
        empty=len(image_rows) - len(found),
        training=splits.count("train"),
        validation=splits.count("val"),
        source=image_rows[0]["source"],
        labels=spec.labels,
    )


def _splits(spec: Spec, groups: list[str]) -> list[str]:
    """train or val for each image, whole groups at a time."""
    names = sorted(set(groups))
    random = np.random.default_rng(spec.seed)
    wanted = max(1, round(spec.validation_share * len(groups))) if groups else 0
    held_out: set[str] = set()
    sizes = Counter(groups)
    for place in random.permutation(len(names)):
        if sum(sizes[name] for name in held_out) < wanted and len(held_out) < len(names) - 1:
            held_out.add(names[place])
    return ["val" if group in held_out else "train" for group in groups]


def _sampled(spec: Spec, student: Run) -> tuple[list[str], Iterator[Item]]:
    """The groups of a student's images, and the images."""
    from backend.synthesis.distilling.sampler import Sampler

    sampler = Sampler(student.folder)
    if spec.labels == "mask" and not sampler.paints_mask:
        raise UserError("The paper's student paints no mask. Choose labels = centred.")

    def items() -> Iterator[Item]:
        for start in range(0, spec.count, BATCH):
            seeds = [spec.seed + k for k in range(start, min(start + BATCH, spec.count))]
            images, masks = sampler.sample(seeds, spec.variation)
            for seed, pixels, mask in zip(seeds, images, masks, strict=True):
                boxes = _boxes(spec, pixels, mask > 0.5)
                yield Item(pixels, boxes, "student", f"seed {seed}", seed)

    return [f"seed {spec.seed + k}" for k in range(spec.count)], items()


def _boxes(spec: Spec, pixels: np.ndarray, mask: np.ndarray) -> list[Box]:
    return (
        centred_box(*pixels.shape[:2])
        if spec.labels == "centred"
        else pictures.boxes_of(mask, "defect")
    )


def _taken(spec: Spec, source: Run) -> tuple[list[str], Iterator[Item]]:
    """The groups of a run's labelled images, and the images, with boxes as people left them."""
    rows, boxes = imageset.read(source.folder)
    known = imageset.boxes_by_image(boxes)
    chosen = imageset.labelled(rows).head(spec.count)
    if chosen.empty:
        raise UserError(
            "No image of this run is labelled. Make labels on the page Automatic labels, or draw "
            "them by hand on the page Labels and curation."
        )

    def items() -> Iterator[Item]:
        for row in imageset.records(chosen):
            pixels = pictures.read_rgb(source.folder / row["path"])
            own = list(known.get(row["image"], ()))
            dummy = spec.labels == "centred"
            shown = centred_box(*pixels.shape[:2]) if dummy else own
            yield Item(pixels, shown, row["source"], row["group"])

    return list(chosen["group"]), items()


def _negative_files(spec: Spec) -> list[Path]:
    folder = spec.intact_folder
    return testset.split_files(Path(folder), "train") if folder else []


def _negatives(files: list[Path], source: Run) -> Iterator[Item]:
    """Intact photographs at the size of the other images."""
    size = (source.result or {}).get("size") or source.spec.get("size", 0)
    for path in files:
        pixels = pictures.read_rgb(path)
        shown = pictures.resized(pixels, size) if size else pixels
        yield Item(shown, [], "real intact", path.stem)


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
        "group": item.group,
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
