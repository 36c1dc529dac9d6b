"""The student: a small generator distilled from teacher images that runs on a CPU."""

from dataclasses import dataclass
from pathlib import Path

from backend import runs, specs
from backend.records import Progress, UserError
from backend.runs import Run
from backend.settings import settings
from backend.specs import param
from backend.synthesis import imageset

PAPER_SIZE = 128
LEAST_IMAGES = 8
PRESETS = ("default", "sharp", "pairs", "paper")
LEARNED = ("preset", ("default", "sharp"))
YOLO_FILE = "yolov8n.pt"


@dataclass(frozen=True)
class Spec:
    """Settings of a distillation.

    `paper` is source A's recipe: a random z per image and step, L1. It can only learn the
    pixel-wise median of the set, one grey blur, and is kept as the control. `default` gives each
    teacher image its own learned latent (GLO, arXiv 1707.05776), a map of codes, half for its scene
    and half for its defect, and paints scene, defect and mask. `sharp` adds a critic in the second
    half. `pairs` is for images of the diffusion teacher: it learns that model's own map from noise
    to picture. Where `minutes` cuts training short, the result depends on the computer's speed.
    """

    teacher_run: str = param("", "teacher images to learn from", run=imageset.KINDS)
    preset: str = param(
        "default",
        "recipe; sharp takes three times as long, pairs needs images of the diffusion teacher",
        choices=PRESETS,
    )
    size: int = param(128, "edge length the student paints, px", choices=(64, 128, 256))
    epochs: int = param(160, "passes over the teacher images", lo=1, hi=5000)
    minutes: float = param(
        5.0, "be done after about this long, even if epochs are left", lo=0.1, hi=1440
    )
    held_share: float = param(
        0.1,
        "share of the images kept away, to see later how well the student copies what it never saw",
        lo=0,
        hi=0.5,
        when=LEARNED,
        advanced=True,
    )
    perceptual: str = param(
        "wavelets",
        "features by which textures are compared; yolo needs yolov8n.pt in storage/weights",
        choices=("wavelets", "yolo", "none"),
        when=LEARNED,
        advanced=True,
    )
    patience: int = param(
        0,
        "stop after so many judgements without a lower KID of the samples; 0: never",
        lo=0,
        hi=10,
        when=LEARNED,
        advanced=True,
    )
    batch: int = param(16, "images a step", lo=2, hi=256, advanced=True)
    channels: int = param(
        20,
        "numbers that stand for a cell of 8 px: half for the scene, half for the defect",
        lo=4,
        hi=64,
        when=LEARNED,
        advanced=True,
    )
    learning_rate: float = param(0.003, "Adam step size", lo=1e-5, hi=0.1, advanced=True)
    seed: int = param(0, "seed of initial weights and order", lo=0, hi=2**31 - 1)

    def check(self) -> None:
        if self.preset in ("paper", "pairs") and self.size != PAPER_SIZE:
            raise UserError(f"Size: this recipe paints {PAPER_SIZE} px; choose that.")
        if self.channels % 2:
            raise UserError("Channels must be even: half is the scene's, half the defect's.")


@dataclass(frozen=True)
class Result:
    """parameters: count. megabytes: size of the ONNX file. loss: of the last epoch.

    images: it learned from; held: kept away. best_kid: of its samples, by which the weights were
    chosen. pairs: of noise and picture that it learned from.
    """

    preset: str
    size: int
    latent_dim: int
    paints_mask: bool
    images: int
    held: int
    classes: tuple[str, ...]
    epochs: int
    parameters: int
    megabytes: float
    loss: float
    best_kid: float | None = None
    pairs: int | None = None


def size_of(run: Run) -> int:
    """Edge length that a finished student paints, px."""
    return (run.result or {}).get("size") or specs.stored(Spec, run.spec).size


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Distil the teacher run into `artifacts/student.onnx` and its latent distribution."""
    from backend.synthesis.distilling import distillation, material, pairing

    progress(0.0, "reading teacher images")
    source = runs.sibling(out_dir, spec.teacher_run)
    everything = material.read(source, spec.size)
    if len(everything) < LEAST_IMAGES:
        raise UserError(
            f"Teacher run has {len(everything)} images; a student needs at least {LEAST_IMAGES}."
        )
    if spec.preset == "pairs":
        return pairing.run(spec, source, everything, out_dir, progress)
    share = spec.held_share if spec.preset != "paper" else 0.0
    learned, held = material.divided(everything, share, spec.seed)
    trained = distillation.distill(spec, learned, held, _weights(spec), out_dir, progress)
    card = {"preset": spec.preset}
    megabytes = distillation.save(trained, learned, held, card, out_dir / "artifacts")
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
