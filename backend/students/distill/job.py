"""The student: a small generator distilled from teacher images that runs on a CPU."""

from pathlib import Path

from backend.core import runs
from backend.core.runs import Run
from backend.records import Progress, UserError
from backend.settings import settings
from backend.students.distill.spec import LEAST_IMAGES, YOLO_FILE, Result, Spec


def size_of(run: Run) -> int:
    """Edge length that a finished student paints, px."""
    return runs.result(run, Result).size or runs.spec(run, Spec).size


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Distil the teacher run into `artifacts/student.onnx` and its latent distribution."""
    from backend.students.distill import data, pair_student, training

    progress(0.0, "reading teacher images")
    source = runs.sibling(out_dir, spec.teacher_run)
    everything = data.read(source, spec.size)
    if len(everything) < LEAST_IMAGES:
        raise UserError(
            f"Teacher run has {len(everything)} images; a student needs at least {LEAST_IMAGES}."
        )
    if spec.preset == "pairs":
        return pair_student.run(spec, source, everything, out_dir, progress)
    share = spec.held_share if spec.preset != "paper" else 0.0
    learned, held = data.divided(everything, share, spec.seed)
    trained = training.distill(spec, learned, held, _weights(spec), out_dir, progress)
    card = {"preset": spec.preset}
    megabytes = training.save(trained, learned, held, card, out_dir / "artifacts")
    progress(1.0, "done")
    return Result(
        preset=spec.preset,
        size=spec.size,
        latent_dim=trained.network.latent_dim,
        paints_mask=trained.network.paints_mask,
        images=len(learned),
        held=len(held),
        classes=learned.classes,
        epochs=trained.epochs,
        parameters=sum(p.numel() for p in trained.network.parameters()),
        megabytes=megabytes,
        loss=trained.loss,
        best_kid=trained.best_kid,
    )


def _weights(spec: Spec) -> Path:
    """The YOLO file that perceptual = yolo needs. Raises UserError where it is missing."""
    path = settings().weights / YOLO_FILE
    if spec.perceptual == "yolo" and spec.preset != "paper" and not path.is_file():
        raise UserError(f"Perceptual: put {YOLO_FILE} into {path.parent}, or choose wavelets.")
    return path
