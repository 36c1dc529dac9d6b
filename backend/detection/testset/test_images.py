"""Frozen test images: real ones in YOLO's layout, or fresh rendered ones, marked as such."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from backend.core import facts, runs
from backend.detection.testset.spec import Result
from backend.images import imagefiles, imageset, tables
from backend.images.boxes import box_row
from backend.images.folder import scan, stem_of
from backend.images.formats import detect
from backend.images.labelled_image import LabelledImage, LabelledSet, Marks, bare
from backend.images.masks import pictures as pictures_of
from backend.images.vocabulary import DEFECTS, GLASS
from backend.records import UserError
from backend.wording import counted

RENDERED_TEST_SEED = 1_900_000_000
RENDERED_DEFECT, RENDERED_INTACT = 60, 30
RENDERED_SIZES = (128, 1024)
RENDERED = "rendered"


def load(
    folder: str, intact_folder: str, out_dir: Path, size: int, material: str = GLASS
) -> LabelledSet:
    """The real test set where a folder is given, else rendered images from seeds kept for tests:
    cracks in glass, or all defects of another material.

    Raises UserError as `photographs` does.
    """
    if not folder:
        return frozen(LabelledSet(tuple(_rendered(out_dir, size, material))))
    return frozen(photographs(Path(folder), Path(intact_folder) if intact_folder else None))


def photographs(folder: Path, intact_folder: Path | None) -> LabelledSet:
    """The test images of a YOLO folder, and those of a folder of intact parts.

    Raises UserError where none has a box, and naming the file that does not fit.
    """
    found = read_yolo(folder)
    if not any(image.boxes for image in found.images):
        raise UserError(
            f"No test image of {folder} has a box, so nothing can be found in them. "
            f"Labels belong into a folder 'labels' beside 'images'. {' '.join(found.notes)}"
        )
    return found + read_intact(intact_folder, "test") if intact_folder else found


def frozen(images: LabelledSet) -> LabelledSet:
    """The images with their hash: SHA-256 over contents and boxes, which names a test set."""
    digest = hashlib.sha256()
    for image in images.images:
        digest.update(image.path.read_bytes())
        digest.update(repr([tuple(map(float, box.xyxy)) for box in image.boxes]).encode())
    return replace(images, hash=digest.hexdigest()[:16])


def are_real(images: LabelledSet) -> bool:
    """Are they photographs, not rendered for want of any?"""
    return all(image.source != RENDERED for image in images.images)


def _rendered(out_dir: Path, size: int, material: str) -> list[LabelledImage]:
    from backend import renderer

    size = min(max(size, RENDERED_SIZES[0]), RENDERED_SIZES[1])
    kinds = ("crack",) if material == GLASS else DEFECTS[material]
    found = []
    for index in range(RENDERED_DEFECT + RENDERED_INTACT):
        defects = (1, 3) if index < RENDERED_DEFECT else (0, 0)
        made = renderer.render(
            RENDERED_TEST_SEED + index, size, classes=kinds, material=material, defects=defects
        )
        path = out_dir / "artifacts" / "test" / f"test_{index:04d}.png"
        imagefiles.write(path, made.image)
        found.append(LabelledImage(path, RENDERED, made.boxes, name=path.stem, group=path.stem))
    return found


def read_yolo(folder: Path, split: str = "test") -> LabelledSet:
    """Images and boxes of one split of a YOLO folder, grouped by `metadata.csv` if it is there.

    Images with marks that were not read are left out. Raises UserError where none is left.
    """
    found = detect.read(folder.expanduser(), "yolo", split=split)
    images = tuple(_by_hand(image) for image in found.images if image.labelled)
    if not images:
        raise UserError(f"No '{split}' image of {folder} can be taken. {' '.join(found.notes)}")
    return replace(found, images=images)


def _by_hand(image: LabelledImage) -> LabelledImage:
    boxes = tuple(replace(box, source="hand") for box in image.boxes)
    return replace(image, source="real", boxes=boxes)


def read_intact(folder: Path, split: str) -> LabelledSet:
    """Photographs of intact parts, of one split where a table assigns any: `<folder>.csv` beside
    them, or `metadata.csv` among them."""
    found = scan(folder.expanduser())
    beside = found.root.parent / f"{found.root.name}.csv"
    named = [path for path in (beside, *tables.metadata(found)) if path.is_file()]
    about = tables.about(found, named)
    chosen = taken = pictures_of(found)
    where = f"{', '.join(path.name for path in named)}: "
    splits = {p: tables.split_of(about.of(p, "split"), where + found.relative(p)) for p in chosen}
    told: list[str] = []
    if any(splits.values()):
        chosen = [path for path in chosen if splits[path] == split]
        without = sum(not given for given in splits.values())
        if without:
            told.append(f"{counted(without, 'image')} of {folder} without a split: left out.")
        if not chosen:
            raise UserError(
                f"{named[0]} assigns no image of {folder} to '{split}'. Correct its 'split'."
            )
    depth = imagefiles.depth_of(taken)
    names = _unique_names([found.relative(path) for path in chosen])
    images = tuple(
        replace(
            bare(path, split),
            source="real intact",
            marks=Marks.KNOWN,
            name=f"intact/{name}",
            group=about.of(path, "group") or name,
            depth=depth if depth.count else None,
        )
        for path, name in zip(chosen, names, strict=True)
    )
    told += imagefiles.told_of(chosen, depth)
    return LabelledSet(images, notes=(*told, *found.left_out(), *about.notes))


def _unique_names(relative: list[str]) -> list[str]:
    """Paths without suffix, with it where two would be alike."""
    times = Counter(stem_of(name) for name in relative)
    return [name if times[stem_of(name)] > 1 else stem_of(name) for name in relative]


def of_run(run_folder: Path) -> LabelledSet:
    """The test set a finished run of the kind `testset` froze.

    Raises UserError where its images are not those it froze.
    """
    result = runs.result(runs.read(run_folder), Result)
    rows = facts.read(run_folder, "images"), facts.read(run_folder, "boxes")
    images = tuple(imageset.from_rows(run_folder, *rows))
    found = frozen(LabelledSet(images, classes=result.classes, notes=result.notes))
    if found.hash != result.hash:
        raise UserError(
            f"The locked test images of {run_folder.name} were changed. Lock them again."
        )
    return found


def write_rows(
    images: Sequence[LabelledImage], run_folder: Path, place: Path | None = None
) -> None:
    """A run's tables `images` and `boxes`, in its folder or another place; a path in the storage
    stays relative to the run."""
    place = place or run_folder
    facts.write(place, "images", [_row(image, run_folder) for image in images])
    boxes = [box_row(image.name, box) for image in images for box in image.boxes]
    facts.write(place, "boxes", boxes)


def _row(image: LabelledImage, run_folder: Path) -> dict[str, Any]:
    inside = image.path.is_relative_to(run_folder.parent)
    return {
        "image": image.name,
        "path": os.path.relpath(image.path, run_folder) if inside else str(image.path),
        "source": image.source,
        "group": image.group,
        "split": "test",
        "params": imageset.named_params(image),
    }
