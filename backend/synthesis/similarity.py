"""How alike student and teacher are: SSIM per pair, never without its controls."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend import facts, runs
from backend.records import Progress
from backend.specs import param

PAPER_PAIRS = 9
PAPER_MEAN = 0.108
PAPER_RANGE = (0.036, 0.188)
RESAMPLES = 2000


@dataclass(frozen=True)
class Spec:
    """Settings of a comparison. Nine pairs is source A's protocol."""

    student_run: str = param("", "student to compare with its teacher", run="distill")
    pairs: int = param(60, f"pairs to compare; source A took {PAPER_PAIRS}", lo=2, hi=2000)
    seed: int = param(0, "seed of the choice of pairs and of the samples", lo=0, hi=2**31 - 1)


@dataclass(frozen=True)
class Result:
    """Means over pairs. pairing: how a teacher image got its partner.

    gap: matched minus random, the figure that cannot be had by blurring.

    sharpness, diversity: of the samples, teacher = 1. mask_iou: of reconstructions, nan if none.
    """

    pairs: int
    pairing: str
    matched_ssim: float
    random_ssim: float
    mean_image_ssim: float
    gap: float
    sharpness: float
    diversity: float
    mask_iou: float | None


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Compare pairs and the two controls; writes the picture pairs beside the figures."""
    from backend.synthesis import teacher
    from backend.synthesis.distilling.sampler import Sampler

    student = runs.sibling(out_dir, spec.student_run)
    sampler = Sampler(student)
    teacher_run = runs.read(student).spec["teacher_run"]
    images, masks = teacher.load(runs.sibling(student, teacher_run), sampler.size)
    random = np.random.default_rng(spec.seed)
    chosen = random.permutation(len(images))[: min(spec.pairs, len(images))]
    progress(0.1, "painting")
    z = _partners(sampler, chosen, spec.seed)
    made, made_masks = sampler.paint(z)
    rows = _compare(images, chosen, made, random, out_dir, progress)
    samples, _ = sampler.sample([spec.seed + k for k in range(len(chosen))])
    overlap = _mask_iou(masks[chosen], made_masks > 0.5) if sampler.paints_mask else np.array([])
    facts.write(out_dir, "ssim_pairs", rows)
    figures = _figures(rows, samples, images[chosen], overlap, spec.seed)
    facts.write(out_dir, "figures", figures)
    by_name = {(row["subject"], row["metric"]): row["value"] for row in figures}
    return Result(
        pairs=len(chosen),
        pairing="own latent" if len(sampler.latents) else "random z, as in source A",
        matched_ssim=by_name["matched", "SSIM"],
        random_ssim=by_name["random", "SSIM"],
        mean_image_ssim=by_name["mean image", "SSIM"],
        gap=by_name["matched minus random", "SSIM"],
        sharpness=by_name["samples", "sharpness"],
        diversity=by_name["samples", "diversity"],
        mask_iou=by_name.get(("reconstructions", "mask IoU")),
    )


def _partners(sampler: Any, chosen: np.ndarray, seed: int) -> np.ndarray:
    """The latents of the chosen teacher images; where none were learned, random ones as in A."""
    if len(sampler.latents):
        return sampler.latents[chosen]
    return np.stack([sampler.draw(np.random.default_rng(seed + k)) for k in range(len(chosen))])


def _compare(
    images: np.ndarray,
    chosen: np.ndarray,
    made: np.ndarray,
    random: np.random.Generator,
    out_dir: Path,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Rows of `ssim_pairs`: each pair matched, paired at random, and against the mean image."""
    from backend.synthesis import pictures

    mean_image = images.astype(np.float32).mean(0).round().astype(np.uint8)
    shift = int(random.integers(1, len(chosen)))
    rows = []
    for pair, index in enumerate(chosen):
        teacher_path, student_path = (
            f"artifacts/{who}/{pair:05d}.png" for who in ("teacher", "student")
        )
        pictures.write(out_dir / teacher_path, images[index])
        pictures.write(out_dir / student_path, made[pair])
        other = made[(pair + shift) % len(chosen)]
        for pairing, painted in (
            ("matched", made[pair]),
            ("random", other),
            ("mean image", mean_image),
        ):
            rows.append(
                {
                    "pairing": pairing,
                    "pair": pair,
                    "teacher_path": teacher_path,
                    "student_path": student_path,
                    "ssim": ssim(images[index], painted),
                }
            )
        progress(0.1 + 0.8 * (pair + 1) / len(chosen), f"pair {pair + 1} of {len(chosen)}")
    return rows


def ssim(first: np.ndarray, second: np.ndarray) -> float:
    """Structural similarity of two uint8 RGB images [H, W, 3] (Wang et al. 2004), -1…1."""
    from skimage.metrics import structural_similarity

    return float(structural_similarity(first, second, channel_axis=2, data_range=255))


def ssim_map(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where two images agree: SSIM per pixel [H, W], -1…1."""
    from skimage.metrics import structural_similarity

    _, local = structural_similarity(first, second, channel_axis=2, data_range=255, full=True)
    return np.asarray(local).mean(-1)


def sharpness(images: np.ndarray) -> float:
    """Mean absolute Laplacian of the grey images uint8 [N, H, W, 3]."""
    grey = images.astype(np.float32).mean(-1)
    inner = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    return float(np.abs(4 * inner - around).mean())


def diversity(images: np.ndarray) -> float:
    """Mean distance between images of the set: root mean square over pixels, grey levels."""
    rows = images.astype(np.float32).reshape(len(images), -1)
    total_variance = rows.var(0, ddof=1).mean() if len(rows) > 1 else 0.0
    return float(np.sqrt(2 * total_variance))


def _mask_iou(wanted: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Intersection over union per image [N]; images without a defect are left out."""
    union = (wanted | made).sum((1, 2))
    overlap = (wanted & made).sum((1, 2))
    seen = wanted.any((1, 2))
    return (overlap / np.maximum(union, 1))[seen]


def _figures(
    rows: list[dict[str, Any]],
    samples: np.ndarray,
    teachers: np.ndarray,
    overlap: np.ndarray,
    seed: int,
) -> list[dict[str, Any]]:
    values = {
        pairing: np.array([row["ssim"] for row in rows if row["pairing"] == pairing])
        for pairing in ("matched", "random", "mean image")
    }
    values["matched minus random"] = values["matched"] - values["random"]
    found = [_figure(name, "SSIM", each, seed) for name, each in values.items()]
    if len(overlap):
        found.append(_figure("reconstructions", "mask IoU", overlap, seed))
    for metric, measure in (("sharpness", sharpness), ("diversity", diversity)):
        ratio = measure(samples) / max(measure(teachers), 1e-9)
        found.append({"subject": "samples", "metric": metric, "value": ratio, "n": len(samples)})
    return found


def _figure(subject: str, metric: str, values: np.ndarray, seed: int) -> dict[str, Any]:
    """Mean with a percentile bootstrap interval over pairs."""
    random = np.random.default_rng(seed)
    means = values[random.integers(len(values), size=(RESAMPLES, len(values)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "subject": subject,
        "metric": metric,
        "value": float(values.mean()),
        "low": float(low),
        "high": float(high),
        "n": len(values),
    }
