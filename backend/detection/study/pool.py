"""Every image a study may train on, and those it is judged on, read and shrunk once."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from backend.core import facts, runs
from backend.core.runs import Run
from backend.detection import leaks
from backend.detection.dataset.sources import painted
from backend.detection.mixing import REAL
from backend.detection.study import samples
from backend.detection.study.arms import MIX, slug
from backend.detection.study.below import Below
from backend.detection.study.spec import Spec
from backend.detection.testset import imported, test_images
from backend.images import archives, imageset
from backend.images.labelled_image import LabelledImage, LabelledSet
from backend.images.vocabulary import VARIATION
from backend.records import Progress, UserError
from backend.teachers.generate.spec import Spec as TeacherSpec

PHOTOGRAPHS = ("real", "intact")
TAKEN = (*REAL, "test", "synthetic", "copy-paste", MIX)  # no names for a synthetic run


@dataclass(frozen=True)
class Pool:
    """Training images by source (real, intact, a synthetic source's name), and the test images.

    test_hash: SHA-256 over contents and boxes of the test images, so that a study can name them.
    alike: training images, or images behind them, that look like a test image without being it.
    notes: what was noticed while reading the photographs. joined: composites are of the group of
    the photograph below them; False where an earlier version read them.
    """

    training: dict[str, tuple[LabelledImage, ...]]
    test: tuple[LabelledImage, ...]
    test_hash: str
    alike: int
    notes: tuple[str, ...] = ()
    joined: bool = True


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
    test, read = _read(spec, out_dir, progress)
    training = _photographs(spec, folder, test, read, progress)
    _write_photographs(out_dir, training)
    progress(0.3 * upto, "looking for test images among the training images and behind them")
    alike = leaks.refuse_leaks(test, [out_dir], out_dir, near="report")
    sources, below = labels(spec, out_dir), Below(read.images)
    for place, (label, run) in enumerate(sources.items()):
        progress(upto * (0.5 + 0.4 * place / len(sources)), f"reading {label} images")
        training[label] = _synthetic(spec, folder, label, run, below)
    progress(0.9 * upto, "keeping test images")
    tested = _kept(folder / "test", test.images, spec.size)
    notes = tuple(dict.fromkeys((*test.notes, *read.notes)))
    return Pool(training, tested, test.hash, alike, notes)


def _read(spec: Spec, out_dir: Path, progress: Progress) -> tuple[LabelledSet, LabelledSet]:
    """The test images, and the photographs to train on."""
    real, intact = (
        archives.opened(Path(path), out_dir / "checkpoint" / name, progress) if path else None
        for name, path in (("real", spec.real_folder), ("intact", spec.intact_folder))
    )
    read = test_images.read_yolo(real, "train") if real else LabelledSet(())
    if spec.real_run:
        source = runs.sibling(out_dir, spec.real_run)
        read += LabelledSet(imported.photographs(source, imageset.read(source)))
    if intact:
        read += test_images.read_intact(intact, "train")
    if spec.test_run:
        return test_images.of_run(runs.sibling(out_dir, spec.test_run)), read
    return test_images.load(str(real), str(intact or ""), out_dir, spec.size), read


def _as_json(pool: Pool) -> dict[str, object]:
    return {
        "training": {
            source: [samples.as_json(image) for image in found]
            for source, found in pool.training.items()
        },
        "test": [samples.as_json(image) for image in pool.test],
        "test_hash": pool.test_hash,
        "alike": pool.alike,
        "notes": pool.notes,
        "joined": pool.joined,
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
        values.get("joined", False),
    )


def _photographs(
    spec: Spec, folder: Path, test: LabelledSet, read: LabelledSet, progress: Progress
) -> dict[str, tuple[LabelledImage, ...]]:
    """The real training images with their labels, and the intact photographs."""
    held_out = {image.group for image in test.images}
    for image in read.images:
        if image.group in held_out:
            raise UserError(
                f"Training image {image.path.name} shows specimen '{image.group}', which is "
                "also among the test images. Correct the split: a specimen belongs to one side."
            )
    found = {}
    for source in PHOTOGRAPHS:
        mine = [image for image in read.images if (image.source == "real") == (source == "real")]
        kept = []
        for k, image in enumerate(mine):
            progress(0.0, f"reading {source} photograph {k + 1} of {len(mine)}")
            kept.append(samples.keep(folder / source, k, replace(image, source=source), spec.size))
        found[source] = tuple(kept)
    return found


def _kept(folder: Path, images: Iterable[LabelledImage], size: int) -> tuple[LabelledImage, ...]:
    return tuple(samples.keep(folder, k, image, size) for k, image in enumerate(images))


def _write_photographs(out_dir: Path, training: dict[str, tuple[LabelledImage, ...]]) -> None:
    """The training photographs as rows of the table `images`."""
    rows = [
        {
            "image": f"{source}/{k:06d}",
            "path": str(image.origin.full),
            "source": source,
            "group": image.group,
            "split": "train",
        }
        for source in PHOTOGRAPHS
        for k, image in enumerate(training[source])
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


def _synthetic(
    spec: Spec, folder: Path, label: str, run: Run, below: Below
) -> tuple[LabelledImage, ...]:
    """Up to `synthetic_count` images of a run, each of the group of the photograph below it."""
    make = _sampled if run.kind == "distill" else _taken
    group = below.groups(run)
    made = (
        replace(image, source=label, group=group(image) or f"{label} {image.group}")
        for image in make(run, spec.synthetic_count)
    )
    kept = _kept(folder / f"synthetic-{slug(label)}", made, spec.size)
    if not any(image.boxes for image in kept):
        raise UserError(
            f"Synthetic images: '{label}' has none with a box. Choose another run, or label its "
            "images first."
        )
    return kept


def _sampled(run: Run, count: int) -> Iterator[LabelledImage]:
    """Fresh samples of a student, boxes from the masks it painted; one that paints none gets
    source A's dummy, a box in the middle, and so is a control."""
    from backend.students.sampler import Sampler

    sampler = Sampler(run.folder)
    return painted(sampler, range(count), VARIATION, not sampler.paints_mask)


def _taken(run: Run, count: int) -> list[LabelledImage]:
    """The first labelled images of a set, with their boxes as people left them."""
    return [image for image in imageset.read(run.folder) if image.labelled][:count]
