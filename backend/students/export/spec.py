"""Student export: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param


@dataclass(frozen=True)
class Spec:
    """Which student to export, and on how many images INT8 has to prove itself."""

    student_run: str = param("", "student to export", run="distill")
    similarity_run: str = param(
        "", "its measures, for the model card", run="similarity", optional=True
    )
    checked: int = param(64, "images that both files paint, to compare them", lo=8, hi=2000)
    seed: int = param(0, "seed of the latents", lo=0, hi=2**31 - 100_000, advanced=True)


@dataclass(frozen=True)
class Result:
    """int8_passes: whether the INT8 file paints alike; where not, it was not kept, and
    int8_megabytes and int8_images_a_second are None. psnr in dB. int8: the outcome in words."""

    megabytes: float
    images_a_second: float
    int8_passes: bool
    int8_megabytes: float | None
    int8_images_a_second: float | None
    psnr: float
    ssim: float
    mask_iou: float | None
    int8: str
    checked: int
    measured: bool
    licence: str
    computer: str
