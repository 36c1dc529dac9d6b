"""Anomaly model: what the job is asked for, and what it gives back."""

from dataclasses import dataclass, field

from backend.core.specs import param
from backend.records import UserError

OWN = ("weights", ("own", "own+scattering"))
INNER = 3  # rounds inside a test round's training parts, by which the best per type is chosen


@dataclass(frozen=True)
class Spec:
    """What is scored, with which features and which diffusion model."""

    parts_run: str = param("", "the parts to learn from and to score", run="parts")
    weights: str = param(
        "auto",
        "features: auto takes coco (yolov8n.pt in storage/weights) and scattering together, or, "
        "without that file, rendered (the program's own detector, no download) in place of coco; "
        "own takes the backbone named below; self-supervised trains in each test round on its "
        "GOOD parts",
        choices=(
            *("auto", "coco+scattering", "coco", "rendered+scattering", "rendered", "scattering"),
            *("own", "own+scattering", "self-supervised", "random"),
        ),
    )
    weights_file: str = param(
        "",
        "a YOLO .pt in place of storage/weights/yolov8n.pt",
        path="file",
        optional=True,
        advanced=True,
    )
    backbone: str = param(
        "",
        "a folder in storage/weights, or its whole path: a vision model that transformers reads "
        "(DINOv2, SigLIP, ConvNeXt, ResNet, MobileNetV2 …), or timm where it is installed, with "
        "config.json and model.safetensors",
        optional=True,
        when=OWN,
    )
    layer: int = param(
        0,
        "which of its layers, 1 is the first; 0 chooses one",
        lo=0,
        hi=200,
        when=OWN,
        advanced=True,
    )
    mode: str = param(
        "good-only",
        "good-only: no BAD part in training or calibration; uses-bad: the diffusion scores "
        "err(GOOD) − err(BAD) and learns from the BAD parts of the training rounds, as the "
        "inkjet paper's code",
        choices=("good-only", "uses-bad"),
    )
    separation: float = param(
        0.5,
        "weight of the loss that keeps GOOD and BAD apart",
        lo=0,
        hi=10,
        when=("mode", ("uses-bad",)),
        advanced=True,
    )
    methods: tuple[str, ...] = param(
        ("padim", "mahalanobis", "knn"),
        "baselines on the same features and test rounds; flow takes longest",
        choices=("padim", "mahalanobis", "knn", "patchcore", "flow"),
        advanced=True,
    )
    folds: int = param(
        5, "rounds of training and test; the parts of a group stay in one", lo=2, hi=10, grows=1
    )
    repeats: int = param(
        1,
        "times that all rounds are done, dealt anew; scores are averaged",
        lo=1,
        hi=10,
        grows=1,
        advanced=True,
    )
    steps: int = param(200, "training steps of the diffusion model", lo=0, hi=20_000)
    timesteps: int = param(4, "noise levels scored; fewer are faster", lo=1, hi=32, advanced=True)
    noise_pairs: int = param(
        1, "± noise maps a level; 0 scores each level once without noise", lo=0, hi=8, advanced=True
    )
    rule: str = param(
        "own class",
        "whose score counts: the part's own class, or the lowest under any class (the inkjet "
        "paper)",
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
    best_per_type: bool = param(
        False,
        "for each type with 10 known BAD parts take the best of: trained or untrained, all "
        "features or one set alone; chosen inside the training rounds, so it takes four times as "
        "long",
    )
    both_references: bool = param(
        False,
        "score the diffusion, trained and untrained, with the other reference too",
        advanced=True,
    )
    dims: int = param(128, "principal components kept", lo=8, hi=256, advanced=True)
    shrinkage: float = param(
        0.5, "weight of the type's mean covariance at each position", lo=0, hi=1, advanced=True
    )
    rank: int = param(
        16,
        "directions in which each place of a part may vary in its own way, beside those of its "
        "type; fewer make the model smaller",
        lo=1,
        hi=256,
        before=256,
        advanced=True,
    )
    patches: int = param(
        2048,
        "GOOD patches kept a type, where the nearest is sought; fewer make the model smaller and "
        "faster",
        lo=16,
        hi=65_536,
        before=4096,
        when=("reference", ("nearest",)),
        advanced=True,
    )
    top_share: float = param(
        0.03, "share of the patches whose mean is the score", lo=0.005, hi=1, advanced=True
    )
    strides: str = param(
        "8+16",
        "YOLO layers used; 32 alone is the inkjet paper's",
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
    jobs: int = param(1, "test rounds worked on at the same time", lo=1, hi=64, advanced=True)
    seed: int = param(0, "test rounds, noise bank and training", lo=0, hi=1_000_000, advanced=True)

    def check(self) -> None:
        """Raises UserError where the diffusion has no baseline, own features no backbone, or the
        best per type a rule that looks at all types."""
        if not self.methods:
            raise UserError("Methods: choose at least one baseline to compare the diffusion with.")
        if self.weights in OWN[1] and not self.backbone:
            raise UserError("Backbone: name the folder in storage/weights that holds it.")
        if self.best_per_type and self.rule != "own class":
            raise UserError("Best per type goes with the rule 'own class' alone. Choose that.")


@dataclass(frozen=True, kw_only=True)
class Result:
    """mean_auroc: method -> mean over `averaged` features. None where no BAD part is known.

    baseline: the one with the highest mean AUROC. difference: the diffusion's mean less its.
    lookalikes: what copies and look-alikes across groups mean for these figures, "" for nothing.
    part_ms: processor time from a picture to its score, one thread: of the "whole" model, and of
    each feature set alone where there are several.
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
    part_ms: dict[str, float] = field(default_factory=dict)
    lookalikes: str = ""
    notes: tuple[str, ...]
