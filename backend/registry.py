"""The kinds of job: which verb, which spec, which function, which section."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from backend.records import UserError


@dataclass(frozen=True)
class Kind:
    """A kind of job. `module` defines `Spec` and `run(spec, out_dir, progress) -> Result`, and may
    define `check_inputs(spec, runs_folder)`, which raises UserError where the runs that a spec
    names cannot be worked with.

    The module must import without torch; its heavy half is imported inside `run`.
    """

    name: str
    section: str
    title: str
    summary: str
    module: str

    @property
    def spec_type(self) -> type[Any]:
        return importlib.import_module(self.module).Spec

    @property
    def function(self) -> Callable[..., Any]:
        return importlib.import_module(self.module).run

    def check_inputs(self, spec: Any, runs_folder: Path) -> None:
        """Raises UserError where the runs that a spec names, all of them completed, do not fit."""
        check = getattr(importlib.import_module(self.module), "check_inputs", None)
        if check is not None:
            check(spec, runs_folder)


class Keeper(Protocol):
    """A section's module that keeps a journal in the storage folder, beside the runs."""

    JOURNAL: str  # the file's name

    def refuse_deletion(self, storage: Path, run_id: str) -> None:
        """Raises UserError where the run is in use by what the journal says."""
        ...


KEEPERS = ("backend.inspection.active_threshold",)


def keepers() -> list[Keeper]:
    """What sections keep beside the runs: it is backed up with them, and holds runs in use."""
    return [cast(Keeper, importlib.import_module(name)) for name in KEEPERS]


KINDS = (
    Kind(
        "generate",
        "synthesis",
        "Teacher images",
        "Make or import defect images, each with an honest label.",
        "backend.synthesis.teacher",
    ),
    Kind(
        "composite",
        "synthesis",
        "Defects on good parts",
        "Put defects on photographs of your own good parts; masks and boxes are exact.",
        "backend.synthesis.composites",
    ),
    Kind(
        "label",
        "synthesis",
        "Automatic labels",
        "Guess masks and boxes for images that have none.",
        "backend.synthesis.labelling",
    ),
    Kind(
        "agreement",
        "synthesis",
        "Label agreement",
        "Measure how far automatic labels agree with exact masks.",
        "backend.synthesis.agreement",
    ),
    Kind(
        "lora",
        "synthesis",
        "Own style (LoRA)",
        "Teach Stable Diffusion what your own defects look like.",
        "backend.synthesis.lora",
    ),
    Kind(
        "diffusion",
        "synthesis",
        "Diffusion teacher",
        "Train the small diffusion model on labelled images, so that it makes more like them.",
        "backend.synthesis.diffusion",
    ),
    Kind(
        "distill",
        "synthesis",
        "Student generator",
        "Distil teacher images into a small generator that runs on a CPU.",
        "backend.synthesis.student",
    ),
    Kind(
        "similarity",
        "synthesis",
        "Similarity",
        "Compare a student's images with its teacher's, in pairs and as sets, with controls.",
        "backend.synthesis.similarity",
    ),
    Kind(
        "sample",
        "synthesis",
        "Student images",
        "Let a student paint images with their masks and boxes, as many as you like.",
        "backend.synthesis.sampling",
    ),
    Kind(
        "student-export",
        "synthesis",
        "Student export",
        "Write a student as ONNX in FP32 and INT8, with a model card.",
        "backend.synthesis.student_export",
    ),
    Kind(
        "dataset",
        "synthesis",
        "Synthetic data set",
        "Mix students' samples, image sets and real photographs into a data set with boxes.",
        "backend.synthesis.dataset",
    ),
    Kind(
        "testset",
        "synthesis",
        "Frozen test set",
        "Keep real photographs apart from every training, under a hash.",
        "backend.synthesis.frozen_test",
    ),
    Kind(
        "detector",
        "synthesis",
        "Detector",
        "Train YOLO on a data set and judge it on images it never saw.",
        "backend.synthesis.detector",
    ),
    Kind(
        "study",
        "synthesis",
        "Study",
        "Find out whether synthetic data helps on real parts: arms, seeds, intervals.",
        "backend.synthesis.study",
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
        "backend.inspection.crossval",
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
