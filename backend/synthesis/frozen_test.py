"""A frozen test set: real photographs with boxes, kept apart from every training."""

from dataclasses import dataclass, replace
from pathlib import Path

from backend import facts, runs
from backend.records import Progress
from backend.specs import param
from backend.synthesis.detecting import testset


@dataclass(frozen=True)
class Spec:
    """Settings of a test set. Its images are copied, so that nothing can change them later."""

    folder: str = param(
        "", "photographs in YOLO's layout; those of its split 'test' are taken", path="folder"
    )
    intact_folder: str = param(
        "", "photographs of intact parts to count false alarms on", path="folder", optional=True
    )
    dataset_runs: tuple[str, ...] = param(
        (), "data sets that must not share an image with it", run="dataset"
    )
    near_duplicates: str = param(
        "refuse",
        "training images that look like a test image; report is for parts that look alike under "
        "a fixed camera",
        choices=("refuse", "report"),
        advanced=True,
    )


@dataclass(frozen=True)
class Result:
    """hash: over image files and boxes; near_duplicates: training images that look like one.
    notes: what was noticed while reading."""

    images: int
    intact: int
    boxes: int
    groups: int
    classes: tuple[str, ...]
    near_duplicates: int
    hash: str
    notes: tuple[str, ...] = ()


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Check the images against the data sets, copy them below `artifacts/test`, note their hash."""
    progress(0.0, "reading the photographs")
    test = testset.load(spec.folder, spec.intact_folder, out_dir, 0)
    near = 0
    for place, run_id in enumerate(spec.dataset_runs):
        progress(0.5 * place / len(spec.dataset_runs), f"comparing with data set {place + 1}")
        near += testset.refuse_leaks(test, runs.sibling(out_dir, run_id), spec.near_duplicates)
    kept = []
    folder = out_dir / "artifacts" / "test"
    folder.mkdir(parents=True, exist_ok=True)
    for place, image in enumerate(test.images):
        path = image.copy_to(folder, f"{place:06d}")
        kept.append(replace(image, path=path, depth=None))
        progress(0.5 + 0.5 * place / len(test.images), f"image {place + 1} of {len(test.images)}")
    facts.write(out_dir, "images", [testset.image_row(image, out_dir) for image in kept])
    facts.write(out_dir, "boxes", [row for image in kept for row in testset.box_rows(image)])
    boxes = [box for image in kept for box in image.boxes]
    return Result(
        images=len(kept),
        intact=sum(not image.boxes for image in kept),
        boxes=len(boxes),
        groups=len({image.group for image in kept}),
        classes=tuple(sorted({box.class_name for box in boxes})),
        near_duplicates=near,
        hash=testset.frozen(kept, real=True).hash,
        notes=test.notes,
    )
