"""Student generator: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param
from backend.images import imageset
from backend.records import UserError

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
    epochs: int = param(160, "passes over the teacher images", lo=1, hi=5000, grows=1)
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
        "by which textures are compared; from storage/weights yolo needs yolov8n.pt, vgg "
        "vgg16.pth of torchvision, lpips lpips-vgg.pth beside it; these two take longest",
        choices=("wavelets", "yolo", "vgg", "lpips", "none"),
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


@dataclass(frozen=True, kw_only=True)
class Result:
    """parameters: count. megabytes: size of the ONNX file. loss: of the last epoch.

    images: it learned from; held: kept away. ended: why it did: "epochs", "time" or "patience" was
    up, "" where an earlier version did not keep it. best_kid: of its samples, by which the weights
    were chosen. pairs: of noise and picture that it learned from.
    """

    preset: str
    size: int
    latent_dim: int
    paints_mask: bool
    images: int
    held: int = 0
    classes: tuple[str, ...] = ()
    epochs: int
    ended: str = ""
    parameters: int
    megabytes: float
    loss: float
    best_kid: float | None = None
    pairs: int | None = None


def cut_short(spec: Spec, result: Result) -> str:
    """That the time was up before the epochs were, in a sentence; "" where it was not."""
    if spec.preset == "pairs" or result.ended != "time":
        return ""
    return (
        f"Its time ({spec.minutes:g} min) was up after {result.epochs} of {spec.epochs} "
        "epochs. Give it more minutes, or train while the computer does nothing else: its pictures "
        "get clearer."
    )
