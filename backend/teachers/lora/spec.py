"""Own style (LoRA): what the job is asked for, and what it gives back."""

from dataclasses import dataclass
from pathlib import Path

from backend.core.specs import param
from backend.records import UserError
from backend.teachers.stable_diffusion.settings import MODEL

LEAST_IMAGES = 4
CLASS = "{class}"


@dataclass(frozen=True)
class Spec:
    """Settings of a LoRA training (Hu et al., arXiv 2106.09685).

    A prompt with {class} names the classes of each image's own boxes; images without a box are
    then left out. Where `minutes` cuts training short, the result depends on the computer's speed.
    """

    images_run: str = param("", "photographs to learn from", run="generate|composite")
    prompt: str = param(
        "a photograph of a crack in glass",
        "what they show, in words; {class} stands for the kind of defect in each",
    )
    model: str = param(
        MODEL, "Stable Diffusion 1.x or 2.x: a name on the hub, or a folder here", advanced=True
    )
    steps: int = param(500, "training steps", lo=1, hi=100_000, grows=1)
    minutes: float = param(
        720.0, "stop after this long even if steps are left", lo=0.1, hi=10_080, advanced=True
    )
    rank: int = param(
        8, "how much can be learned: rank of the added weights", lo=1, hi=256, advanced=True
    )
    alpha: int = param(8, "their scale; as large as the rank: 1", lo=1, hi=512, advanced=True)
    learning_rate: float = param(1e-4, "AdamW step size", lo=1e-7, hi=0.1, advanced=True)
    batch: int = param(1, "images a step", lo=1, hi=64, advanced=True)
    pixels: int = param(512, "edge length to train at, px, a multiple of 8", lo=64, hi=1024)
    preview_every: int = param(
        100, "steps between two sample images; 0: none", lo=0, hi=100_000, advanced=True
    )
    precision: str = param(
        "auto",
        "number format; auto: bfloat16 on a GPU that has it, else float32",
        choices=("auto", "float32", "bfloat16"),
        advanced=True,
    )
    seed: int = param(0, "seed of the weights, the order and the noise", lo=0, hi=2**31 - 1)

    def check(self) -> None:
        if not self.prompt.strip():
            raise UserError("Prompt is empty: say what the photographs show.")
        if self.pixels % 8:
            raise UserError(f"Pixels must be a multiple of 8; got {self.pixels}.")


@dataclass(frozen=True)
class Result:
    """loss_before, loss_after: mean squared error of the noise on the same draws from the images
    learned from. megabytes: size of artifacts/lora.safetensors. parameters: count."""

    images: int
    steps: int
    parameters: int
    megabytes: float
    loss_before: float
    loss_after: float


@dataclass(frozen=True)
class Example:
    """One photograph to learn from, and its words."""

    path: Path
    prompt: str
