"""Diffusion teacher: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param
from backend.images import imageset
from backend.records import UserError

LEAST_IMAGES = 16


@dataclass(frozen=True)
class Spec:
    """Settings of a training. `minutes` decides how good it becomes; the learning rates fall
    towards its end, so a training cut short by less time differs from the start of a longer one."""

    images_run: str = param(
        "", "labelled images to learn from, with masks or boxes", run=imageset.KINDS
    )
    start: str = param(
        "scratch",
        "start from nothing, or from a model that you trained",
        choices=("scratch", "earlier run"),
    )
    start_run: str = param(
        "", "model to go on from", run="diffusion", when=("start", ("earlier run",))
    )
    minutes: float = param(60.0, "how long to train", lo=0.05, hi=10_080, grows=1)
    codec_share: float = param(
        0.2, "part of that time for coding pictures; 0 keeps the codes", lo=0, hi=0.9, advanced=True
    )
    detail_share: float = param(
        0.2, "part of that time for painting finer from the same codes", lo=0, hi=1, advanced=True
    )
    batch: int = param(32, "images a step", lo=2, hi=1024, advanced=True)
    learning_rate: float = param(4e-4, "AdamW step size", lo=1e-6, hi=0.01, advanced=True)
    seed: int = param(0, "seed of initial weights, order and noise", lo=0, hi=2**31 - 1)

    def check(self) -> None:
        if self.codec_share + self.detail_share > 1:
            raise UserError("Codec share and detail share together must not be above 1.")
        if self.start == "scratch" and not self.codec_share:
            raise UserError("Codec share: a model from scratch must first learn to code pictures.")


@dataclass(frozen=True)
class Result:
    """megabytes: of the weights file. The errors are means over the newest steps: of the picture
    after coding (mean absolute, 0…1), of the denoiser (1: it knows nothing); None: not trained."""

    images: int
    classes: tuple[str, ...]
    codec_steps: int
    detail_steps: int
    steps: int
    codec_error: float
    denoising_error: float
    megabytes: float
    minutes: float
