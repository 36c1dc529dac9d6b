"""Every image a study may train on, and those it is judged on, read and shrunk once."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.core import facts, runs
from backend.core.runs import Run
from backend.detection import leaks
from backend.detection.study import samples
from backend.detection.study.arms import MIX, slug
from backend.detection.study.samples import Sample
from backend.detection.study.spec import Spec
from backend.detection.testset import test_images
from backend.detection.testset.test_images import LabelledImage
from backend.images import imagefiles, imageset
from backend.images.boxes import boxes_of, centred_box
from backend.records import Box, Progress, UserError
from backend.teachers.generate.spec import Spec as TeacherSpec

BATCH = 16
PHOTOGRAPHS = ("real", "intact")
TAKEN = (*PHOTOGRAPHS, "test", "synthetic", "copy-paste", MIX)  # no names for a synthetic run
Picture = tuple[np.ndarray, tuple[Box, ...], str]  # pixels, boxes, group


@dataclass(frozen=True)
class Pool:
    """Training images by source (real, intact, a synthetic source's name), and the test images.

    test_hash: SHA-256 over contents and boxes of the test images, so that a study can name them.
    alike: training images, or images behind them, that look like a test image without being it.
    notes: what was noticed while reading the photographs.
    """

    training: dict[str, tuple[Sample, ...]]
    test: tuple[Sample, ...]
    test_hash: str
    alike: int
    notes: tuple[str, ...] = ()


def gather(spec: Spec, out_dir: Path, progress: Progress, upto: float) -> Pool:
    """Read and keep all images below `checkpoint/pool`; one that is complete is taken as it is.

    Raises UserError where an image cannot be read, a test image or its specimen is among the
    training images, or a synthetic run holds no labelled image.
    """
    folder = out_dir / "checkpoint" / "pool"
    record = folder / "pool.json"
    if record.exists():
        pool = _stored(json.loads(record.read_text(encoding="utf-8")))
    else:
        pool = _gathered(spec, out_dir, folder, progress, upto)
        runs.write_json(record, _as_json(pool))
    _write_photographs(out_dir, pool.training)
    return pool


def _gathered(spec: Spec, out_dir: Path, folder: Path, progress: Progress, upto: float) -> Pool:
    progress(0.0, "reading test images")
    test = test_images.load(spec.real_folder, spec.intact_folder, out_dir, spec.size)
    read = test_images.read_yolo(Path(spec.real_folder), "train")
    if spec.intact_folder:
        read += test_images.read_intact(Path(spec.intact_folder), "train")
    training = _photographs(spec, folder, test, read, progress)
    _write_photographs(out_dir, training)
    progress(0.3 * upto, "looking for test images among the training images and behind them")
    alike = leaks.refuse_leaks(test, out_dir, near="report")
    sources = labels(spec, out_dir)
    for place, (label, run) in enumerate(sources.items()):
        progress(upto * (0.5 + 0.4 * place / len(sources)), f"reading {label} images")
        training[label] = _synthetic(spec, folder, label, run)
    progress(0.9 * upto, "keeping test images")
    tested = [
        _kept(folder / "test", k, image, image.source, spec.size)
        for k, image in enumerate(test.images)
    ]
    notes = tuple(dict.fromkeys((*test.notes, *read.notes)))
    return Pool(training, tuple(tested), test.hash, alike, notes)


def _as_json(pool: Pool) -> dict[str, object]:
    return {
        "training": {
            source: [s.as_json() for s in found] for source, found in pool.training.items()
        },
        "test": [sample.as_json() for sample in pool.test],
        "test_hash": pool.test_hash,
        "alike": pool.alike,
        "notes": pool.notes,
    }


def _stored(values: dict) -> Pool:
    return Pool(
        {
            source: tuple(samples.from_json(entry) for entry in found)
            for source, found in values["training"].items()
        },
        tuple(samples.from_json(entry) for entry in values["test"]),
        values["test_hash"],
        values["alike"],
        tuple(values.get("notes", ())),
    )


def _photographs(
    spec: Spec,
    folder: Path,
    test: test_images.HeldOutSet,
    read: test_images.Photographs,
    progress: Progress,
) -> dict[str, tuple[Sample, ...]]:
    """The real training images with their labels, and the intact photographs."""
    held_out = {image.group for image in test.images}
    images = {
        "real": [image for image in read.images if image.source == "real"],
        "intact": [image for image in read.images if image.source != "real"],
    }
    found: dict[str, tuple[Sample, ...]] = {}
    for source, entries in images.items():
        kept = []
        for k, image in enumerate(entries):
            progress(0.0, f"reading {source} photograph {k + 1} of {len(entries)}")
            if image.group in held_out:
                raise UserError(
                    f"Training image {image.path.name} shows specimen '{image.group}', which is "
                    "also among the test images. Correct the split: a specimen belongs to one side."
                )
            kept.append(_kept(folder / source, k, image, source, spec.size))
        found[source] = tuple(kept)
    return found


def _kept(folder: Path, k: int, image: LabelledImage, source: str, size: int) -> Sample:
    return samples.keep(
        folder,
        f"{k:06d}",
        image.read_rgb(),
        image.boxes,
        size,
        source=source,
        group=image.group,
        original=str(image.path),
    )


def _write_photographs(out_dir: Path, training: dict[str, tuple[Sample, ...]]) -> None:
    """The training photographs as rows of the table `images`."""
    rows = [
        {
            "image": f"{source}/{k:06d}",
            "path": sample.original,
            "source": source,
            "group": sample.group,
            "split": "train",
        }
        for source in PHOTOGRAPHS
        for k, sample in enumerate(training[source])
    ]
    facts.write(out_dir, "images", rows)


def labels(spec: Spec, out_dir: Path) -> dict[str, Run]:
    """Short name → synthetic run: its own name where it has one, else how it was made."""
    found: dict[str, Run] = {}
    for run_id in dict.fromkeys(spec.synthetic_runs):
        run = runs.read(runs.sibling(out_dir, run_id))
        plain = re.sub(r"[^\w. -]", " ", run.name or _kind_words(run)).strip() or run.kind
        label, number = plain, 2
        while slug(label) in {*TAKEN, *map(slug, found)}:
            label, number = f"{plain} {number}", number + 1
        found[label] = run
    return found


def _kind_words(run: Run) -> str:
    words = {"distill": "student", "composite": "composites", "label": "labelled"}
    if run.kind != "generate":
        return words.get(run.kind, run.kind)
    teacher = runs.spec(run, TeacherSpec).teacher
    return {"renderer": "rendered", "folder": "imported"}.get(teacher, teacher)


def _synthetic(spec: Spec, folder: Path, label: str, run: Run) -> tuple[Sample, ...]:
    """Up to `synthetic_count` images of a run."""
    make = _sampled if run.kind == "distill" else _taken
    made = make(run, spec.synthetic_count)
    kept = tuple(
        samples.keep(
            folder / f"synthetic-{slug(label)}",
            f"{k:06d}",
            pixels,
            boxes,
            spec.size,
            source=label,
            group=f"{label} {group}",
        )
        for k, (pixels, boxes, group) in enumerate(made)
    )
    if not any(sample.boxes for sample in kept):
        raise UserError(
            f"Synthetic run '{label}' has no image with a box. Choose another run, or label its "
            "images first."
        )
    return kept


def _sampled(run: Run, count: int) -> Iterator[Picture]:
    """Fresh samples of a student, boxes from the masks it painted; one that paints none gets
    source A's dummy, a box in the middle, and so is a control."""
    from backend.students.sampler import Sampler

    sampler = Sampler(run.folder)
    for start in range(0, count, BATCH):
        seeds = list(range(start, min(start + BATCH, count)))
        images, masks = sampler.sample(seeds)
        for seed, pixels, mask in zip(seeds, images, masks, strict=True):
            painted = boxes_of(mask > 0.5, "defect")
            boxes = painted if sampler.paints_mask else centred_box(*pixels.shape[:2])
            yield pixels, tuple(boxes), f"seed {seed}"


def _taken(run: Run, count: int) -> Iterator[Picture]:
    """The first labelled images of a set, with their boxes as people left them."""
    rows, boxes = imageset.read(run.folder)
    known = imageset.boxes_by_image(boxes)
    for row in imageset.records(imageset.labelled(rows).head(count)):
        pixels = imagefiles.read_rgb(run.folder / row["path"])
        yield pixels, known.get(row["image"], ()), str(row["group"] or row["image"])
