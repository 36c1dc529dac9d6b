"""Parts: what the job is asked for, and what it gives back."""

from dataclasses import dataclass

from backend.core.specs import param
from backend.inspection.parts.importers import detect
from backend.records import UserError
from backend.wording import counted

SIMULATED = ("source", ("simulator",))
IMPORTED = ("source", ("folder", "crops"))
DETECTED = ("source", ("crops",))


@dataclass(frozen=True)
class Spec:
    """Where the parts come from."""

    source: str = param(
        "simulator",
        "simulator: rendered inkjet prints, no download; folder: your own pictures of single "
        "parts; crops: full pictures in which a detector finds the parts",
        choices=("simulator", "folder", "crops"),
    )
    folder: str = param(
        "",
        "folder or zip with a metadata.csv (file_name, feature, label: 1 GOOD, 0 BAD; optionally "
        "group, defect and the box x1, y1, x2, y2), MVTec AD folders, or folders good and bad",
        path="folder",
        upload=(".zip",),
        when=IMPORTED,
    )
    layout: str = param(
        "auto", "how the labels are given; auto finds out", choices=detect.LAYOUTS, when=IMPORTED
    )
    detector_run: str = param(
        "", "your own detector that finds the parts", run="detector", optional=True, when=DETECTED
    )
    detector_file: str = param(
        "",
        "a YOLO .pt instead; its class names are the feature types",
        path="file",
        optional=True,
        when=DETECTED,
    )
    confidence: float = param(
        0.25, "how sure the detector must be of a part", lo=0.01, hi=1, when=DETECTED
    )
    detector_size: int = param(
        640,
        "edge length at which the YOLO file looks, px; an own detector has its own",
        lo=64,
        hi=4096,
        when=DETECTED,
        advanced=True,
    )
    margin: float = param(
        0.1, "space around a box, as a share of its longer side", lo=0, hi=1, when=IMPORTED
    )
    skip_unreadable: bool = param(
        False, "leave out pictures that cannot be read instead of stopping", when=IMPORTED
    )
    group_lookalikes: bool = param(
        False,
        "groups that share a copy or a look-alike become one, so that no model is judged on "
        "the twin of a part that it learned from; the names given are kept beside",
    )
    scale: float = param(
        0.3, "share of the inkjet paper's 1,327 parts", lo=0.02, hi=1.0, when=SIMULATED, grows=1
    )
    severity: float = param(1.0, "size of the defects", lo=0.2, hi=3.0, when=SIMULATED)
    size: int = param(128, "edge of a crop, px", lo=64, hi=512, when=SIMULATED)
    seed: int = param(0, "another seed gives other parts", lo=0, hi=1_000_000, when=SIMULATED)

    def check(self) -> None:
        if self.source == "crops" and bool(self.detector_run) == bool(self.detector_file):
            raise UserError(
                "Detector: choose a detector run, or name a YOLO file, one of the two. To import "
                "pictures of single parts, choose the source 'folder'."
            )


@dataclass(frozen=True, kw_only=True)
class Result:
    """counts: feature -> [GOOD, BAD]. duplicates: images that occur in more than one group.

    alike: parts that look almost the same as one of another group. joined: groups as given that
    are one with another for their parts look alike. left_out: pictures, or parts of them, that
    were not taken in. problems: checks that found one. lookalikes: what the copies and
    look-alikes mean for every figure that rests on these parts, "" where there are none.
    """

    n: int
    n_good: int
    n_bad: int
    features: tuple[str, ...]
    counts: dict[str, list[int]]
    groups: int
    duplicates: int
    alike: int | None = None
    joined: int | None = None
    left_out: int | None = None
    problems: int | None = None
    layout: str = ""
    source: str
    lookalikes: str = ""
    notes: tuple[str, ...]

    @property
    def holds(self) -> str:
        """What there is to learn from, counted."""
        return f"{counted(self.n or 0, 'part')}, {self.n_good} GOOD, {self.n_bad} BAD"
