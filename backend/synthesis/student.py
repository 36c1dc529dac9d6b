"""The student: a small generator distilled from teacher images that runs on a CPU."""

from dataclasses import dataclass
from pathlib import Path

from backend import runs
from backend.records import Progress, UserError
from backend.specs import param
from backend.synthesis import imageset

PAPER_SIZE = 128
LEAST_IMAGES = 8


@dataclass(frozen=True)
class Spec:
    """Settings of a distillation.

    `paper` is source A's recipe: a random z per image and step, L1. It can only learn the
    pixel-wise median of the set, one grey blur, and is kept as the control. `default` gives each
    teacher image its own learned latent (GLO, arXiv 1707.05776), half for its scene and half for
    its defect, and paints scene, defect and mask. Where `minutes` cuts training short, the result
    depends on the computer's speed.
    """

    teacher_run: str = param("", "teacher images to learn from", run=imageset.KINDS)
    preset: str = param("default", "recipe", choices=("default", "paper"))
    size: int = param(128, "edge length the student paints, px", choices=(64, 128, 256))
    epochs: int = param(160, "passes over the teacher images", lo=1, hi=5000)
    minutes: float = param(5.0, "stop after this long even if epochs are left", lo=0.1, hi=1440)
    batch: int = param(16, "images a step", lo=2, hi=256, advanced=True)
    latent_dim: int = param(
        128, "length of the latent z; the paper recipe takes 100", lo=8, hi=512, advanced=True
    )
    learning_rate: float = param(0.003, "Adam step size", lo=1e-5, hi=0.1, advanced=True)
    seed: int = param(0, "seed of initial weights and order", lo=0, hi=2**31 - 1)

    def check(self) -> None:
        if self.preset == "paper" and self.size != PAPER_SIZE:
            raise UserError(f"Size: the paper's student paints {PAPER_SIZE} px; choose that.")
        if self.latent_dim % 2:
            raise UserError("Latent dim must be even: half is the scene's, half the defect's.")


@dataclass(frozen=True)
class Result:
    """parameters: count. megabytes: size of the ONNX file. loss: of the last epoch."""

    preset: str
    size: int
    latent_dim: int
    paints_mask: bool
    images: int
    epochs: int
    parameters: int
    megabytes: float
    loss: float


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Distil the teacher run into `artifacts/student.onnx` and its latent distribution."""
    from backend.synthesis import teacher
    from backend.synthesis.distilling import distillation

    progress(0.0, "reading teacher images")
    images, masks = teacher.load(runs.sibling(out_dir, spec.teacher_run), spec.size)
    if len(images) < LEAST_IMAGES:
        raise UserError(
            f"Teacher run has {len(images)} images; a student needs at least {LEAST_IMAGES}."
        )
    trained = distillation.distill(spec, images, masks, out_dir, progress)
    megabytes = distillation.save(trained, out_dir / "artifacts")
    progress(1.0, "done")
    return Result(
        preset=spec.preset,
        size=spec.size,
        latent_dim=trained.network.latent_dim,
        paints_mask=trained.network.paints_mask,
        images=len(images),
        epochs=trained.epochs,
        parameters=sum(p.numel() for p in trained.network.parameters()),
        megabytes=megabytes,
        loss=trained.loss,
    )
