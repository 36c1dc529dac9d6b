"""Anomaly model: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param
from backend.records import UserError


@dataclass(frozen=True)
class Spec:
    """What is scored, with which features and which diffusion model."""

    parts_run: str = param("", "the parts to learn from and to score", run="parts")
    weights: str = param(
        "auto",
        "features: auto takes yolov8n.pt from storage/weights, else scattering (no download); "
        "self-supervised trains in each fold on its GOOD parts",
        choices=("auto", "coco", "scattering", "self-supervised", "random"),
    )
    weights_file: str = param(
        "", "a YOLO .pt in place of storage/weights/yolov8n.pt", path="file", optional=True
    )
    mode: str = param(
        "good-only",
        "good-only: no BAD part in training or calibration; uses-bad: the diffusion scores "
        "err(GOOD) − err(BAD) and learns from the training folds' BAD parts, as source B's code",
        choices=("good-only", "uses-bad"),
    )
    separation: float = param(
        0.5,
        "weight of the loss that keeps GOOD and BAD apart",
        lo=0,
        hi=10,
        when=("mode", ("uses-bad",)),
    )
    methods: tuple[str, ...] = param(
        ("padim", "mahalanobis", "knn"),
        "baselines on the same features and folds; flow takes longest",
        choices=("padim", "mahalanobis", "knn", "patchcore", "flow"),
    )
    folds: int = param(5, "parts of a group stay in one fold", lo=2, hi=10)
    repeats: int = param(1, "cross-validations with other folds; scores are averaged", lo=1, hi=10)
    steps: int = param(200, "training steps of the diffusion model", lo=0, hi=20_000)
    timesteps: int = param(4, "noise levels scored; fewer are faster", lo=1, hi=32)
    noise_pairs: int = param(
        1, "± noise maps a level; 0 scores each level once without noise", lo=0, hi=8, advanced=True
    )
    rule: str = param(
        "own class",
        "whose score counts: the part's own class, or the lowest under any class (source B)",
        choices=("own class", "unlikely under all classes"),
        advanced=True,
    )
    class_scores: bool = param(
        True, "keep every part's score under every class, in the first repeat", advanced=True
    )
    reference: str = param(
        "nearest",
        "what the diffusion compares a patch with: the nearest GOOD patch of its type, or the mean",
        choices=("nearest", "mean"),
        advanced=True,
    )
    dims: int = param(128, "principal components kept", lo=8, hi=256, advanced=True)
    shrinkage: float = param(
        0.5, "weight of the type's mean covariance at each position", lo=0, hi=1, advanced=True
    )
    top_share: float = param(
        0.03, "share of the patches whose mean is the score", lo=0.005, hi=1, advanced=True
    )
    strides: str = param(
        "8+16",
        "YOLO layers used; 32 alone is source B's",
        choices=("8+16", "8+16+32", "32"),
        advanced=True,
    )
    zoom: int = param(
        2, "a YOLO sees the crop enlarged so many times; finer, slower", lo=1, hi=4, advanced=True
    )
    backbone_steps: int = param(
        300, "training steps of a self-supervised backbone", lo=10, hi=20_000, advanced=True
    )
    size: int = param(
        128, "edge of a crop, px", choices=(64, 96, 128, 160, 192, 224, 256), advanced=True
    )
    jobs: int = param(1, "folds worked on at the same time", lo=1, hi=64, advanced=True)
    seed: int = param(0, "folds, noise bank and training", lo=0, hi=1_000_000, advanced=True)

    def check(self) -> None:
        """Raises UserError where the diffusion would stand without a baseline."""
        if not self.methods:
            raise UserError("Methods: choose at least one baseline to compare the diffusion with.")


@dataclass(frozen=True, kw_only=True)
class Result:
    """mean_auroc: method -> mean over `averaged` features. None where no BAD part is known.

    baseline: the one with the highest mean AUROC. difference: the diffusion's mean less its.
    lookalikes: what copies and look-alikes across groups mean for these figures, "" for nothing.
    """

    mean_auroc: dict[str, float | None]
    baseline: str = ""
    averaged: tuple[str, ...]
    weakest: str
    difference: float | None
    n: int
    n_good: int
    n_bad: int
    features: tuple[str, ...]
    unreliable: tuple[str, ...]
    backbone: str
    mode: str
    folds: int
    repeats: int
    part_seconds: float
    seconds: float
    lookalikes: str = ""
    notes: tuple[str, ...]
