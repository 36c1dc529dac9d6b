"""Teacher images: the pictures a student learns from, each with an exact mask and boxes."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend import facts
from backend.records import Progress, UserError
from backend.specs import param
from backend.synthesis import pictures
from backend.synthesis.vocabulary import CLASSES, LIGHTINGS


@dataclass(frozen=True)
class Spec:
    """Settings of a teacher run. Image k depends on `seed + k` alone."""

    teacher: str = param("renderer", "who makes the images", choices=("renderer",))
    count: int = param(150, "number of images", lo=1, hi=100_000)
    size: int = param(128, "edge length of the square images, px", lo=128, hi=1024)
    classes: tuple[str, ...] = param(("crack",), "kinds of defect to draw", choices=CLASSES)
    intact_share: float = param(0.0, "share of images without any defect", lo=0, hi=0.9)
    lighting: str = param("mixed", "how the glass is lit", choices=("mixed", *LIGHTINGS))
    defects_most: int = param(3, "most defects in one image", lo=1, hi=12, advanced=True)
    severity_least: float = param(0.2, "faintest defect", lo=0, hi=1, advanced=True)
    severity_most: float = param(1.0, "strongest defect", lo=0, hi=1, advanced=True)
    background_folder: str = param(
        "",
        "folder with photographs of good parts to place defects on; empty: made backgrounds",
        path="folder",
        optional=True,
        advanced=True,
    )
    seed: int = param(0, "seed of the first image", lo=0, hi=2**31 - 1)

    def check(self) -> None:
        if not self.classes:
            raise UserError("Classes: choose at least one kind of defect.")
        if self.severity_least > self.severity_most:
            raise UserError("Severity least must not be above severity most.")


@dataclass(frozen=True)
class Result:
    """mask_share: mean share of the pixels of an image that is defect."""

    images: int
    intact: int
    boxes: int
    mask_share: float


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Render the images. After an interruption it goes on behind the last one written."""
    backgrounds = _background_files(spec)
    record = out_dir / "checkpoint" / "made.jsonl"
    made = _made_before(record)
    record.parent.mkdir(parents=True, exist_ok=True)
    with record.open("a", encoding="utf-8") as file:
        for index in range(len(made), spec.count):
            made.append(_make(spec, index, backgrounds, out_dir))
            file.write(json.dumps(made[-1]) + "\n")
            progress((index + 1) / spec.count, f"image {index + 1} of {spec.count}")
    images = [entry["image"] for entry in made]
    boxes = [box for entry in made for box in entry["boxes"]]
    facts.write(out_dir, "images", images)
    facts.write(out_dir, "boxes", boxes)
    _write_sheet(out_dir, images)
    intact = sum(not entry["boxes"] for entry in made)
    share = float(np.mean([entry["mask_share"] for entry in made]))
    return Result(spec.count, intact, len(boxes), share)


def _made_before(record: Path) -> list[dict[str, Any]]:
    """Entries of an interrupted run; a line cut short ends them and is taken off the file."""
    if not record.exists():
        return []
    whole = [
        line for line in record.read_text(encoding="utf-8").splitlines(True) if line[-1] == "\n"
    ]
    record.write_text("".join(whole), encoding="utf-8")
    return [json.loads(line) for line in whole]


def _background_files(spec: Spec) -> list[Path]:
    return pictures.image_files(Path(spec.background_folder)) if spec.background_folder else []


def _make(spec: Spec, index: int, backgrounds: list[Path], out_dir: Path) -> dict[str, Any]:
    """One image on disk; its row, its boxes' rows and the share of its pixels that is defect."""
    from backend.synthesis import renderer

    seed = spec.seed + index
    random = np.random.default_rng([seed, 1])
    intact = random.random() < spec.intact_share
    background = None
    if backgrounds:
        background = pictures.read_rgb(backgrounds[int(random.integers(len(backgrounds)))])
    made = renderer.render(
        seed,
        spec.size,
        classes=spec.classes,
        lighting=spec.lighting,
        defects=(0, 0) if intact else (1, spec.defects_most),
        severity=(spec.severity_least, spec.severity_most),
        background=background,
    )
    name = f"{index:06d}"
    paths = {kind: f"artifacts/{kind}/{name}.png" for kind in ("images", "masks", "backgrounds")}
    for kind, pixels in (
        ("images", made.image),
        ("masks", made.mask),
        ("backgrounds", made.background),
    ):
        pictures.write(out_dir / paths[kind], pixels)
    image_row = {
        "image": name,
        "path": paths["images"],
        "mask_path": paths["masks"],
        "background_path": paths["backgrounds"],
        "source": "rendered",
        "group": name,
        "seed": seed,
        "params": json.dumps(made.params),
    }
    return {
        "image": image_row,
        "boxes": [pictures.box_row(name, box) for box in made.boxes],
        "mask_share": float((made.mask > 0).mean()),
    }


def _write_sheet(out_dir: Path, rows: list[dict[str, Any]], most: int = 100) -> None:
    chosen = [pictures.read_rgb(out_dir / row["path"]) for row in rows[:most]]
    pictures.write(out_dir / "artifacts" / "sheet.png", pictures.sheet(chosen))


def load(run_folder: Path, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A finished teacher run as arrays.

    Returns images uint8 [N, size, size, 3] and masks bool [N, size, size].
    """
    images, masks = [], []
    for row in facts.read(run_folder, "images").to_dict("records"):
        images.append(pictures.resized(pictures.read_rgb(run_folder / row["path"]), size))
        masks.append(pictures.read_mask(run_folder / row["mask_path"], size))
    return np.stack(images), np.stack(masks)
