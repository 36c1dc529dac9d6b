"""A frozen test set: real photographs with boxes, kept apart from every training."""

from dataclasses import replace
from pathlib import Path

from backend.core import facts, runs
from backend.detection import leaks
from backend.detection.testset import test_images
from backend.detection.testset.spec import Result, Spec
from backend.records import Progress


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Check the images against the data sets, copy them below `artifacts/test`, note their hash."""
    progress(0.0, "reading the photographs")
    test = test_images.load(spec.folder, spec.intact_folder, out_dir, 0)
    near = 0
    for place, run_id in enumerate(spec.dataset_runs):
        progress(0.5 * place / len(spec.dataset_runs), f"comparing with data set {place + 1}")
        near += leaks.refuse_leaks(test, runs.sibling(out_dir, run_id), spec.near_duplicates)
    kept = []
    folder = out_dir / "artifacts" / "test"
    folder.mkdir(parents=True, exist_ok=True)
    for place, image in enumerate(test.images):
        path = image.copy_to(folder, f"{place:06d}")
        kept.append(replace(image, path=path, depth=None))
        progress(0.5 + 0.5 * place / len(test.images), f"image {place + 1} of {len(test.images)}")
    facts.write(out_dir, "images", [test_images.image_row(image, out_dir) for image in kept])
    facts.write(out_dir, "boxes", [row for image in kept for row in test_images.box_rows(image)])
    boxes = [box for image in kept for box in image.boxes]
    return Result(
        images=len(kept),
        intact=sum(not image.boxes for image in kept),
        boxes=len(boxes),
        groups=len({image.group for image in kept}),
        classes=tuple(sorted({box.class_name for box in boxes})),
        near_duplicates=near,
        hash=test_images.frozen(kept, real=True).hash,
        notes=test.notes,
    )
