"""The kinds of job: which verb, which spec, which function, which section."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from backend.records import UserError


@dataclass(frozen=True)
class Kind:
    """A kind of job: a package with `spec.py`, which holds `Spec` and `Result` and imports nothing
    heavy, and `job.py` with `run(spec, out_dir, progress) -> Result`, which may also have
    `check_inputs(spec, runs_folder)`; it raises UserError where the runs that a spec names cannot
    be worked with. A field that `Result` got later has a default, for older runs' results.

    `job.py` too must import without torch; its heavy half is imported inside `run`.
    """

    name: str
    section: str
    title: str
    summary: str
    package: str

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


class Keeper(Protocol):
    """A section's module that keeps a journal in the storage folder, beside the runs."""

    JOURNAL: str  # the file's name

    def refuse_deletion(self, storage: Path, run_id: str) -> None:
        """Raises UserError where the run is in use by what the journal says."""
        ...


KEEPERS = ("backend.inspection.threshold.active",)


def keepers() -> list[Keeper]:
    """What sections keep beside the runs: it is backed up with them, and holds runs in use."""
    return [cast(Keeper, importlib.import_module(name)) for name in KEEPERS]


KINDS = (
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
        "student-export",
        "students",
        "Student export",
        "Write a student as ONNX in FP32 and INT8, with a model card.",
        "backend.students.export",
    ),
    Kind(
        "dataset",
        "detection",
        "Synthetic data set",
        "Mix students' samples, image sets and real photographs into a data set with boxes.",
        "backend.detection.dataset",
    ),
    Kind(
        "testset",
        "detection",
        "Frozen test set",
        "Keep real photographs apart from every training, under a hash.",
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
        "Find out whether synthetic data helps on real parts: arms, seeds, intervals.",
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
        "Cross-validate GOOD-only scores per feature type, with a baseline on the same folds.",
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
        "Ablation",
        "Repeat an anomaly model with one setting changed at a time, on the same folds.",
        "backend.inspection.ablation",
    ),
    Kind(
        "export",
        "deployment",
        "Export",
        "Write the anomaly model as one ONNX file and check that the scores agree.",
        "backend.deployment.export",
    ),
    Kind(
        "latency",
        "deployment",
        "Latency",
        "Time an exported model on this computer, part by part.",
        "backend.deployment.latency",
    ),
)

_BY_NAME = {kind.name: kind for kind in KINDS}


def get(name: str) -> Kind:
    """The kind of that name. Raises UserError for an unknown one."""
    if name not in _BY_NAME:
        raise UserError(f"Unknown kind of job '{name}'. Known are: {', '.join(_BY_NAME)}.")
    return _BY_NAME[name]
