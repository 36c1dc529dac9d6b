"""Synthetic data set: what the job is asked for, and what it gives back."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from backend.core.specs import param
from backend.images import imageset
from backend.images.folder import SUFFIXES
from backend.images.vocabulary import LABELLED, ONE_CLASS, VARIATION, VARIATION_HELP
from backend.records import UserError

LABELS = ("all", "exact", "hand", "automatic", "centred")


@dataclass(frozen=True)
class Spec:
    """Settings of a data set. `centred` boxes are source A's dummies, kept for comparison."""

    source_runs: tuple[str, ...] = param(
        (),
        "students and image sets to take images from; what was put aside for tests is left out",
        run=f"distill|{imageset.KINDS}",
        wants=LABELLED,
    )
    counts: tuple[int, ...] = param(
        (0,),
        "images of each source, one number for all or one a source; 0: all (a student: 200)",
        lo=0,
        hi=100_000,
        grows=1,
    )
    real_folder: str = param(
        "",
        "real photographs in YOLO's layout; those of its split 'train' are taken",
        path="folder",
        upload=(".zip",),
        optional=True,
    )
    real_count: int = param(0, "real photographs to take, 0: all", lo=0, hi=100_000)
    intact_folder: str = param(
        "",
        "photographs of intact parts to add as negatives",
        path="folder",
        upload=(".zip", *SUFFIXES),
        optional=True,
    )
    intact_count: int = param(0, "photographs of intact parts to take, 0: all", lo=0, hi=100_000)
    classes: str = param(
        "one",
        "one: every defect is of the class 'defect'; keep: classes as they are; or a list with "
        "commas, and boxes of other classes are left out",
    )
    labels: str = param(
        "all",
        "which boxes: as people left them, only exact ones, only by hand, only guessed ones, or a "
        "dummy in the middle; images with other boxes are left out",
        choices=LABELS,
    )
    validation_share: float = param(0.2, "share kept for validation", lo=0.05, hi=0.5)
    validation_runs: tuple[str, ...] = param(
        (),
        "image sets kept for validation whole: good parts, say, that tell a detector how sure a "
        "box has to be, and that it does not learn from",
        run=imageset.KINDS,
        wants=LABELLED,
        optional=True,
        advanced=True,
    )
    group_duplicates: bool = param(
        True,
        "near-duplicates stay in one split, but for a student's samples, which are often all alike",
        advanced=True,
    )
    without_runs: tuple[str, ...] = param(
        (),
        "test sets that the detector will be judged on: their images, and what looks like them, "
        "are left out",
        run="testset",
        optional=True,
        advanced=True,
    )
    variation: float = param(VARIATION, f"student: {VARIATION_HELP}", lo=0, hi=1, advanced=True)
    seed: int = param(0, "seed of the samples, the draw and the split", lo=0, hi=2**31 - 1)

    def check(self) -> None:
        if not self.source_runs and not self.real_folder:
            raise UserError("Choose at least one source, or name a folder of real photographs.")
        if len(self.counts) not in (1, len(self.source_runs)) and self.source_runs:
            raise UserError(
                f"Counts has {len(self.counts)} numbers for {len(self.source_runs)} sources. Give "
                "one number for all, or one a source."
            )
        twice = set(self.source_runs) & set(self.validation_runs)
        if twice:
            raise UserError(
                f"Run '{min(twice)}' is among the sources and the validation runs. What is kept "
                "for validation whole teaches nothing: take it out of one of them."
            )
        if not self.class_names(()):
            raise UserError("Classes is empty. Write one, keep, or class names with commas.")

    def class_names(self, of_each: Iterable[Collection[str]]) -> tuple[str, ...]:
        """The data set's classes: one, those of each source, or a list."""
        if self.classes == "one":
            return ONE_CLASS
        if self.classes == "keep":
            return tuple(sorted(frozenset().union(*of_each))) or ONE_CLASS
        return tuple(dict.fromkeys(w.strip() for w in self.classes.split(",") if w.strip()))

    def count_of_each(self) -> tuple[int, ...]:
        """Images wanted of each source run."""
        one = len(self.counts) == 1
        return self.counts * len(self.source_runs) if one else self.counts


@dataclass(frozen=True, kw_only=True)
class Result:
    """sources: how many images are of each. groups: what cannot be split: a specimen with its
    views and near-duplicates. hash: over image files, boxes and splits; the set's version.
    notes: what was noticed while reading the photographs."""

    images: int
    boxes: int
    empty: int
    training: int
    validation: int
    groups: int | None = None
    source: str
    labels: str
    classes: tuple[str, ...] = ()
    hash: str = ""
    notes: tuple[str, ...] = ()
