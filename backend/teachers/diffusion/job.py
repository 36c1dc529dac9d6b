"""The small diffusion model as a job: a teacher of our own, trained on any labelled images."""

from pathlib import Path

from backend.core import runs
from backend.images import resuming
from backend.records import Progress, UserError
from backend.teachers.diffusion.spec import LEAST_IMAGES, Result, Spec


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Train on the images of a run; goes on from its last checkpoint where it was stopped.

    Leaves artifacts/model/ and artifacts/film/. Raises UserError where the images have no labels.
    """
    from backend.teachers.diffusion import data, training

    progress(0.0, "reading images")
    shown = data.read(runs.sibling(out_dir, spec.images_run))
    if len(shown.pictures) < LEAST_IMAGES:
        raise UserError(
            f"The run has {len(shown.pictures)} images; a diffusion model needs at least "
            f"{LEAST_IMAGES}, and hundreds to be any good."
        )
    told = (*shown.classes, shown.labels.tobytes(), shown.pictures.tobytes())
    if resuming.begins_again(out_dir, resuming.version(told)):
        progress(0.0, resuming.WORDS)
    return training.train(spec, shown, out_dir, progress)
