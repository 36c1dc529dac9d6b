"""A frozen test set: real photographs with boxes, kept apart from every training."""

from dataclasses import replace
from pathlib import Path

from backend.core import facts, runs
from backend.core.aside import TABLE
from backend.detection import leaks, yolo_set
from backend.detection.testset import drawing, test_images
from backend.detection.testset.drawing import Drawn
from backend.detection.testset.spec import Result, Spec
from backend.images import archives, fits
from backend.images.labelled_image import LabelledSet
from backend.records import Progress

check_inputs = fits.check


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Check the images against the data sets, copy them below `artifacts/test`, note their hash."""
    progress(0.0, "reading the photographs")
    drawn = _drawn(spec, out_dir, progress)
    test = test_images.frozen(drawn.photographs)
    progress(0.5, "comparing with the data sets")
    sets = [runs.sibling(out_dir, run_id) for run_id in spec.dataset_runs]
    near = leaks.refuse_leaks(test, sets, out_dir, spec.near_duplicates)
    kept = []
    folder = out_dir / "artifacts" / "test"
    folder.mkdir(parents=True, exist_ok=True)
    for place, image in enumerate(test.images):
        path = yolo_set.copied(image, folder, f"{place:06d}")
        kept.append(replace(image, data=path, depth=None))
        progress(0.5 + 0.5 * place / len(test.images), f"image {place + 1} of {len(test.images)}")
    test_images.write_rows(kept, out_dir)
    facts.write(out_dir, TABLE, drawn.put_aside)
    boxes = [box for image in kept for box in image.boxes]
    return Result(
        images=len(kept),
        intact=sum(not image.boxes for image in kept),
        boxes=len(boxes),
        groups=len({image.group for image in kept}),
        classes=tuple(sorted({box.class_name for box in boxes})),
        near_duplicates=near,
        hash=test_images.frozen(LabelledSet(tuple(kept))).hash,
        put_aside=len(drawn.put_aside),
        notes=test.notes,
    )


def _drawn(spec: Spec, out_dir: Path, progress: Progress) -> Drawn:
    """The photographs that the settings name."""
    if spec.images_run:
        source, alike = runs.sibling(out_dir, spec.images_run), spec.near_duplicates == "refuse"
        return drawing.draw(source, spec.aside_share, spec.seed, alike, progress)
    folder = archives.opened(Path(spec.folder), out_dir / "checkpoint" / "real", progress)
    intact = Path(spec.intact_folder) if spec.intact_folder else None
    if intact:
        intact = archives.opened(intact, out_dir / "checkpoint" / "intact", progress)
    return Drawn(test_images.photographs(folder, intact), [])
