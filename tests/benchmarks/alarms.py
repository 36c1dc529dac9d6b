"""Rates of false alarms asked for and kept: `python -m tests.benchmarks.alarms STUDENT_RUN_FOLDER`.

Detectors as the demo's, on other seeds, judged on fresh renders. Of the intact ones some choose the
confidence, drawn by chance, and the others alarm. The table in docs/results.md.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from backend.detection.alarms import may_alarm
from backend.detection.evaluation import CONFIDENCES, Judged, at_least
from backend.images import imagefiles
from backend.images.labelled_image import LabelledImage
from tests.benchmarks.jobs import quiet

SIZE, EPOCHS, PAINTED, CRACKED = 128, 8, 100, 150
TRAININGS = ((0, 0), (0, 60), (1, 0), (1, 60))  # seed, and intact images among the training's
FRESH_CRACKED, FRESH_INTACT = 150, 400
HELD, RATES, DRAWS = (4, 10, 20, 50), (1.0, 0.2, 0.1, 0.05), 200
Row = tuple[float, float]


def renders(seed: int, count: int, defects: tuple[int, int]) -> list[LabelledImage]:
    """Glass with cracks, or without any where `defects` is (0, 0)."""
    from backend import renderer

    made = (renderer.render(seed + k, SIZE, defects=defects) for k in range(count))
    return [
        LabelledImage(m.image, "rendered", m.boxes, name=f"{seed + k}", group=f"{seed + k}")
        for k, m in enumerate(made)
    ]


def detectors(student: Path, folder: Path) -> Iterator[tuple[Judged, Judged]]:
    """Each training's detector on its validation images, and on fresh renders."""
    from backend.detection import yolo_set
    from backend.detection.dataset.sources import painted
    from backend.detection.detector import epochs, training
    from backend.detection.detector.spec import Recipe
    from backend.detection.start_weights import SHIPPED
    from backend.detection.testset import test_images
    from backend.images.vocabulary import ONE_CLASS
    from backend.students.sampler import Sampler

    fresh = renders(700_000_000, FRESH_CRACKED, (1, 3)) + renders(710_000_000, FRESH_INTACT, (0, 0))
    fresh = [_on_disk(image, folder / "fresh") for image in fresh]
    sampler = Sampler(student)
    for seed, intact in TRAININGS:
        out_dir, first = folder / f"{seed}-{intact}", 200_000_000 + 1_000_000 * seed
        images = list(
            painted(sampler, range(5000 + 1000 * seed, 5000 + 1000 * seed + PAINTED), 1.0, False)
        )
        images += renders(first, CRACKED, (1, 3)) + renders(first + 500_000, intact, (0, 0))
        (out_dir / "artifacts").mkdir(parents=True)
        yolo_set.write(
            out_dir, images, ["train", "train", "train", "train", "val"] * (len(images) // 5)
        )
        data = training.data_file(out_dir, out_dir)
        recipe = Recipe("yolov8n", SIZE, 8, EPOCHS, 100, "usual", seed)
        epochs.run(recipe, SHIPPED, data, out_dir / "training", quiet)
        best = out_dir / "training" / "weights" / "best.pt"
        own = test_images.read_yolo(data.parent, "val").images
        yield (
            training.judge(best, own, ONE_CLASS, SIZE, out_dir / "judged"),
            training.judge(best, fresh, ONE_CLASS, SIZE, out_dir / "judged"),
        )


def _on_disk(image: LabelledImage, folder: Path) -> LabelledImage:
    path = folder / f"{image.name}.png"
    imagefiles.write(path, image.read_rgb())
    return replace(image, data=path)


def kept(own: Judged, fresh: Judged, held: int, most: int) -> Row:
    """Mean share of good parts with an alarm, and mean recall, over draws of those held back, of
    which at most so many alarm at the confidence chosen."""
    random = np.random.default_rng(0)
    surest = fresh.surest_on_intact()
    shown = (own.truths > 0)[own.image]
    boxes, hits = (at_least(own.confidence[c]) for c in (shown, shown & own.correct))
    found = []
    for _ in range(DRAWS):
        order = random.permutation(len(surest))
        alarmed = at_least(surest[order[:held]])
        f1 = 2 * hits / np.maximum(boxes + alarmed + own.truths.sum(), 1)
        allowed = f1 * (alarmed <= most)
        f1 = allowed if allowed.any() else f1
        at = float(CONFIDENCES[len(f1) - 1 - int(f1[::-1].argmax())])
        recall = fresh.at_confidence(at).recall
        found.append(((surest[order[held:]] >= at).mean(), recall or 0.0))
    alarms, recall_of = np.mean(found, axis=0)
    return float(alarms), float(recall_of)


def report(judged: Sequence[tuple[Judged, Judged]]) -> Iterator[str]:
    """A line for each number of good parts held back and each rate, lowest to highest."""
    for held in HELD:
        for rate in RATES:
            wanted, plain = (
                np.array([kept(own, fresh, held, most) for own, fresh in judged])
                for most in (may_alarm(held, rate), int(rate * held + 1e-9))
            )
            yield (
                f"{held} held back, rate {rate:.2f}: alarms {_range(wanted[:, 0])}, where k / n "
                f"alone keeps to it {_range(plain[:, 0])}, recall {_range(wanted[:, 1])}"
            )


def _range(values: np.ndarray) -> str:
    return f"{values.min():.2f} to {values.max():.2f}"


def main() -> None:
    """Train the detectors, which takes a minute of processor time each, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DISTILLERY_STORAGE"] = folder
        for line in report(list(detectors(Path(sys.argv[1]), Path(folder)))):
            print(line)


if __name__ == "__main__":
    main()
