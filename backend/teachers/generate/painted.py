"""Stable Diffusion as a teacher: words, or images painted over; labels from its attention."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from backend import settings
from backend.core import facts, runs
from backend.images import curation, imageset, pictures
from backend.images.labelled_image import LabelledImage, Marks, Origin
from backend.records import Progress, UserError
from backend.teachers.stable_diffusion.settings import PaintSettings, loras, weights_folder

CLASS = "defect"


def maker(
    spec: PaintSettings, seed: int, size: int, count: int, out_dir: Path, progress: Progress
) -> tuple[Callable[[int], LabelledImage], tuple[str, ...]]:
    """Image k of a run, which depends on `seed + k` alone, and what the model says of itself.

    Raises UserError where the weights are not on this computer.
    """
    from backend.teachers.stable_diffusion import painting

    folder = weights_folder(spec.model, settings.settings().weights)
    progress(0.0, "loading the model")
    painter = painting.Painter(spec, folder, loras(spec, out_dir))
    prompts = [prompt.strip() for prompt in spec.prompts if prompt.strip()]
    starts = _starts(spec, out_dir)

    def make(index: int) -> LabelledImage:
        def on_step(done: float) -> None:
            words = f"painting image {index + 1} of {count}, {done:.0%}"
            progress((index + min(done, 0.99)) / count, words)

        prompt = prompts[index % len(prompts)]
        if starts:
            start = starts[index % len(starts)].read_rgb()
            made = painter.repaint(seed + index, prompt, start, spec.strength, on_step)
        else:
            made = painter.paint(seed + index, prompt, on_step)
        return _picture(made.pixels, made.flagged, made.attention, size, seed + index, prompt)

    return make, tuple(painter.notes)


def _starts(spec: PaintSettings, out_dir: Path) -> list[LabelledImage]:
    if spec.mode != "image-to-image":
        return []
    found = imageset.read(runs.sibling(out_dir, spec.start_run))
    if not found:
        raise UserError("Start run: it holds no image that was kept. Choose another run.")
    return found


def _picture(
    full: np.ndarray,
    flagged: bool,
    attention: np.ndarray | None,
    size: int,
    seed: int,
    prompt: str,
) -> LabelledImage:
    """With mask and boxes from the attention, if there was any; else not labelled."""
    from backend.labels import labellers

    pixels = pictures.resized(full, size)
    params = {"prompt": prompt} | ({"flagged": True} if flagged else {})
    guess = None
    if attention is not None and not flagged:
        guess = labellers.attention_labels(pixels, attention)
    origin = Origin(
        seed,
        params,
        full=full if len(full) != size else None,
        arrays={} if attention is None else {"attention": attention.astype(np.float32)},
    )
    found, mask = (guess.boxes, guess.mask) if guess else ((), None)
    marks = Marks.KNOWN if found else Marks.UNKNOWN
    return LabelledImage(pixels, "stable diffusion", found, mask, marks=marks, origin=origin)


def reject_flagged(run_folder: Path) -> tuple[str, ...]:
    """Reject the images the safety checker blacked out; says how many there were."""
    rows = facts.read(run_folder, "images")
    flagged = [
        row["image"] for row in rows.to_dict("records") if json.loads(row["params"]).get("flagged")
    ]
    if not flagged:
        return ()
    edits = [curation.Edit(image, verdict="rejected") for image in flagged]
    curation.record(run_folder, "rejected by the safety checker", edits)
    count = f"{len(flagged)} image" + ("s were" if len(flagged) > 1 else " was")
    return (f"{count} blacked out by the safety checker and rejected.",)


def estimate(spec: PaintSettings, count: int) -> str:
    """What `count` images will cost, in words."""
    from backend.teachers.stable_diffusion import painting_cost

    return painting_cost.estimate(spec, count).words
