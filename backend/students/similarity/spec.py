"""Similarity: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend import published
from backend.core.specs import param
from backend.images.vocabulary import VARIATION, VARIATION_HELP

OWN_LATENT = "own latent"  # how a teacher image got its partner


@dataclass(frozen=True)
class Spec:
    """Settings of a comparison."""

    student_run: str = param("", "student to compare with its teacher", run="distill")
    pairs: int = param(
        60,
        f"most pairs to compare; the glass paper took {published.SSIM_PAIRS}, which the page "
        "shows too",
        lo=2,
        hi=2000,
    )
    samples: int = param(
        200, "samples to draw, and fresh teacher images to compare them with", lo=20, hi=5000
    )
    variation: float = param(VARIATION, VARIATION_HELP, lo=0, hi=1, advanced=True)
    seed: int = param(0, "seed of the choice of pairs and of the samples", lo=0, hi=2**31 - 1)


@dataclass(frozen=True, kw_only=True)
class Result:
    """Means over pairs. pairing: how a teacher image got its partner.

    gap: matched minus random, the figure that cannot be had by blurring; held_out_gap: the same on
    images it did not learn from, None where there are none, as for their mask_iou.

    kid, sharpness, diversity, not_copies, mask_contrast: of the samples; sharpness and diversity
    with teacher = 1. control: what stands beside the samples. mask_iou: of reconstructions.
    notes: for a person, about images that are no longer what the student saw.
    """

    pairs: int
    pairing: str = ""
    matched_ssim: float
    random_ssim: float
    mean_image_ssim: float
    gap: float
    held_out_gap: float | None = None
    samples: int | None = None
    control: str = ""
    kid: float | None = None
    control_kid: float | None = None
    sharpness: float
    diversity: float
    not_copies: float | None = None
    mask_iou: float | None
    held_out_mask_iou: float | None = None
    mask_contrast: float | None = None
    notes: tuple[str, ...] = ()
