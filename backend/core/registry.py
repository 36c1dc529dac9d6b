"""The kinds of job: which verb, which spec, which function, which section."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from backend.core.runs import Run
from backend.records import UserError


@dataclass(frozen=True)
class Kind:
    """A kind of job: a package with `spec.py`, which holds `Spec` and `Result` and imports nothing
    heavy, and `job.py` with `run(spec, out_dir, progress) -> Result`, which may also have
    `check_inputs(spec, runs_folder)`; it raises UserError where the runs that a spec names cannot
    be worked with. A field that `Result` got later has a default, for older runs' results.

    `job.py` too must import without torch; its heavy half is imported inside `run`.

    service: it runs beside the jobs, at full priority, until it is stopped, and is started again
    where it ends by itself without a result. Its name is part of what it is asked for: `job.py` has
    `check_name(name)`, which raises UserError, and `goes_by(run)`: see the methods here.
    """

    name: str
    section: str
    title: str
    summary: str
    package: str
    service: bool = False

    @property
    def spec_type(self) -> type[Any]:
        return importlib.import_module(f"{self.package}.spec").Spec

    @property
    def result_type(self) -> type[Any]:
        return importlib.import_module(f"{self.package}.spec").Result

    @property
    def function(self) -> Callable[..., Any]:
        return importlib.import_module(f"{self.package}.job").run

    def check_inputs(self, spec: Any, runs_folder: Path) -> None:
        """Raises UserError where the runs that a spec names, all of them completed, do not fit."""
        check = getattr(importlib.import_module(f"{self.package}.job"), "check_inputs", None)
        if check is not None:
            check(spec, runs_folder)

    def check_name(self, name: str) -> None:
        """Raises UserError where a run of this kind cannot bear that name."""
        if self.service:
            importlib.import_module(f"{self.package}.job").check_name(name)

    def goes_by(self, run: Run) -> set[str]:
        """Ids of the runs that a service under way goes by now, beside those that its settings
        name."""
        if not self.service:
            return set()
        return set(importlib.import_module(f"{self.package}.job").goes_by(run))


class Keeper(Protocol):
    """A section's module that keeps a journal in the storage folder, beside the runs."""

    JOURNAL: str  # the file's name

    def refuse_deletion(self, storage: Path, run_id: str) -> None:
        """Raises UserError where the run is in use by what the journal says."""
        ...


KEEPERS = (
    "backend.inspection.threshold.active",
    "backend.deployment.in_force",
    "backend.sharing.links",
    "backend.sharing.compare.views",
    "backend.sharing.query.questions",
    "backend.sharing.marks",
    "backend.core.projects",
    "backend.notices.config",
)


def keepers() -> list[Keeper]:
    """What sections keep beside the runs: it is backed up with them, and holds runs in use."""
    return [cast(Keeper, importlib.import_module(name)) for name in KEEPERS]


class Feed(Protocol):
    """A section's module whose files a table of the store takes in while they grow."""

    TABLE: str

    def fresh(self, storage: Path, upto: Mapping[str, int]) -> Iterable[tuple[str, int, Path]]:
        """What is new: who made the file, up to which of its rows' `id` it goes, and the file.

        upto: maker → `id` of its newest row in the store.
        """
        ...

    def kept(self, storage: Path) -> Iterable[Path]:
        """Its files that no run holds, for a backup: they no longer change, though one may go when
        another holds the same."""
        ...


FEEDS = ("backend.line.segments", "backend.line.review.feed", "backend.line.shadow.stored")


def feeds() -> list[Feed]:
    """What comes in beside the runs."""
    return [cast(Feed, importlib.import_module(name)) for name in FEEDS]


KINDS: tuple[Kind, ...] = (
    Kind(
        "generate",
        "teachers",
        "Teacher images",
        "Make or import defect images, each with an honest label.",
        "backend.teachers.generate",
    ),
    Kind(
        "composite",
        "composites",
        "Defects on good parts",
        "Put defects on photographs of your own good parts; masks and boxes are exact.",
        "backend.composites",
    ),
    Kind(
        "label",
        "labels",
        "Automatic labels",
        "Guess masks and boxes for images that have none.",
        "backend.labels.label",
    ),
    Kind(
        "agreement",
        "labels",
        "Label agreement",
        "Measure how far automatic labels agree with exact masks.",
        "backend.labels.agreement",
    ),
    Kind(
        "lora",
        "teachers",
        "Own style (LoRA)",
        "Teach Stable Diffusion what your own defects look like.",
        "backend.teachers.lora",
    ),
    Kind(
        "diffusion",
        "teachers",
        "Diffusion teacher",
        "Train the small diffusion model on labelled images, so that it makes more like them.",
        "backend.teachers.diffusion",
    ),
    Kind(
        "distill",
        "students",
        "Student generator",
        "Distil teacher images into a small generator that runs on a CPU.",
        "backend.students.distill",
    ),
    Kind(
        "similarity",
        "students",
        "Similarity",
        "Compare a student's images with its teacher's, in pairs and as sets, with controls.",
        "backend.students.similarity",
    ),
    Kind(
        "sample",
        "students",
        "Student images",
        "Let a student paint images with their masks and boxes, as many as you like.",
        "backend.students.sample",
    ),
    Kind(
        "dataset",
        "detection",
        "Synthetic data set",
        "Mix students' samples, image sets and real photographs into a data set with boxes.",
        "backend.detection.dataset",
    ),
    Kind(
        "pseudo-label",
        "detection",
        "Labels by a detector",
        "Let a detector label photographs that nobody labelled yet.",
        "backend.detection.pseudo_labels",
    ),
    Kind(
        "testset",
        "detection",
        "Locked test images",
        "Keep real photographs apart from every training, so that nobody changes them unseen.",
        "backend.detection.testset",
    ),
    Kind(
        "detector",
        "detection",
        "Detector",
        "Train YOLO on a data set and judge it on images it never saw.",
        "backend.detection.detector",
    ),
    Kind(
        "study",
        "detection",
        "Study",
        "Find out whether synthetic data helps on real parts: variants, seeds, intervals.",
        "backend.detection.study",
    ),
    Kind(
        "parts",
        "inspection",
        "Parts",
        "Simulate printed parts, or import your own, and check them before anything is learned.",
        "backend.inspection.parts",
    ),
    Kind(
        "inspect",
        "inspection",
        "Anomaly model",
        "Score parts by GOOD ones alone, per feature type, beside a baseline in the same test "
        "rounds.",
        "backend.inspection.model",
    ),
    Kind(
        "threshold",
        "inspection",
        "Threshold",
        "Set limits of the score that keep a promise about false alarms, as a new version.",
        "backend.inspection.threshold",
    ),
    Kind(
        "ablation",
        "inspection",
        "What each setting brings",
        "Repeat an anomaly model with one setting changed at a time, in the same test rounds.",
        "backend.inspection.ablation",
    ),
    Kind(
        "benchmark",
        "inspection",
        "Benchmark",
        "Judge the anomaly model on a public set, or on your own tree, by the split that it "
        "brings, beside what others published.",
        "backend.inspection.benchmark",
    ),
    Kind(
        "package",
        "deployment",
        "Package",
        "Pack a finished anomaly model, detector or student into files that run without this "
        "program, and prove that they give the same.",
        "backend.deployment.package",
    ),
    Kind(
        "gate",
        "deployment",
        "Gate",
        "Judge a package and its INT8 and FP16 variants on this computer: may they go on the line?",
        "backend.deployment.gate",
    ),
    Kind(
        "latency",
        "deployment",
        "Latency",
        "Time a packed model on this computer, part by part.",
        "backend.deployment.latency",
    ),
    Kind(
        "line",
        "line",
        "Line",
        "Judge parts one by one as they come, and tell machines: no part passes unseen as good.",
        "backend.line",
        service=True,
    ),
)

_BY_NAME = {kind.name: kind for kind in KINDS}


def get(name: str) -> Kind:
    """The kind of that name. Raises UserError for an unknown one."""
    if name not in _BY_NAME:
        raise UserError(f"Unknown kind of job '{name}'. Known are: {', '.join(_BY_NAME)}.")
    return _BY_NAME[name]


def is_service(name: str) -> bool:
    """Is it the name of a kind that runs beside the jobs? An unknown kind's is none."""
    return name in _BY_NAME and _BY_NAME[name].service
