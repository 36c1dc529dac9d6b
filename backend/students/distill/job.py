"""The student: a small generator distilled from teacher images that runs on a CPU."""

from pathlib import Path

from backend.core import runs
from backend.core.runs import Run
from backend.records import Progress, UserError
from backend.students.distill.spec import LEAST_IMAGES, Result, Spec


def size_of(run: Run) -> int:
    """Edge length that a finished student paints, px."""
    return runs.result(run, Result).size or runs.spec(run, Spec).size


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Distil the teacher run into `artifacts/student.onnx` and its latent distribution."""
    from backend.students.distill import data, training

    progress(0.0, "reading teacher images")
    source = runs.sibling(out_dir, spec.teacher_run)
    everything = data.read(source, spec.size)
    if len(everything) < LEAST_IMAGES:
        raise UserError(
            f"The teacher images are {len(everything)}; a student needs at least {LEAST_IMAGES}."
        )
    recipe = training.recipe(spec, source, everything, out_dir)
    best_kid, ended = training.teach(recipe, out_dir, progress)
    megabytes = training.save(recipe, out_dir / "artifacts", progress)
    progress(1.0, "done")
    network, card = recipe.training.average, recipe.card()
    return Result(
        preset=spec.preset,
        size=spec.size,
        latent_dim=network.latent_dim,
        paints_mask=network.paints_mask,
        images=len(recipe.learned),
        held=len(recipe.held),
        classes=card["classes"],
        epochs=recipe.told()[0],
        ended=ended,
        parameters=sum(p.numel() for p in network.parameters()),
        megabytes=megabytes,
        loss=recipe.loss,
        best_kid=best_kid,
        pairs=card.get("pairs"),
    )
