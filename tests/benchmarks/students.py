"""The student's recipes beside each other, the mean image and fresh teacher images."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from backend.core import facts
from backend.core.runs import Run
from tests.benchmarks.jobs import run_job

TEACHER = {"count": 150, "size": 128, "seed": 7_000_000, "classes": ["crack"]}
RECIPES: dict[str, dict[str, Any]] = {
    "paper": {"preset": "paper", "epochs": 50, "minutes": 60.0},
    "default": {"preset": "default", "epochs": 5000, "minutes": 5.0},
    "sharp": {"preset": "sharp", "epochs": 5000, "minutes": 15.0},
}
ROWS = {
    "KID of samples": ("samples", "KID"),
    "SSIM, matched minus random": ("matched minus random", "SSIM"),
    "the same, held-out images": ("held-out matched minus random", "SSIM"),
    "mask IoU, reconstructions": ("reconstructions", "mask IoU"),
    "mask IoU, held-out images": ("held-out reconstructions", "mask IoU"),
    "sharpness (teacher: 1)": ("samples", "sharpness"),
    "high frequencies (teacher: 1)": ("samples", "high frequencies"),
    "diversity (teacher: 1)": ("samples", "diversity"),
    "recall": ("samples", "recall"),
    "coverage": ("samples", "coverage"),
    "not copies": ("samples", "not copies"),
    "mask contrast": ("samples", "mask contrast"),
}
CONTROLS = ("mean image", "fresh teacher images")
Figures = dict[tuple[str, str], facts.Figure]


def students(folder: Path) -> None:
    """Students of 150 rendered images at 128 px (aims: KID a twentieth of the paper's; gap 0.25;
    sharpness 0.5; mask IoU 0.65; diversity 0.8; not copies 0.95; 15 MB; 100 images a second)."""
    place = folder / "students"
    teacher = run_job(place, "generate", TEACHER)
    table: dict[str, dict[str, str]] = {}
    for name, values in RECIPES.items():
        started = time.perf_counter()
        student = run_job(place, "distill", values | {"teacher_run": teacher.id})
        minutes = (time.perf_counter() - started) / 60
        measured = run_job(place, "similarity", {"student_run": student.id, "pairs": 150})
        figures = _figures(measured)
        table[name] = {row: _words(figures.get(key)) for row, key in ROWS.items()}
        table[name] |= _cost(student, minutes)
    for control in CONTROLS:  # the same in each comparison: teacher and seeds are
        table[control] = {
            row: _words(figures.get((control, metric)))
            for row, (subject, metric) in ROWS.items()
            if subject == "samples"
        }
    _print(table)


def _figures(run: Run) -> Figures:
    return facts.by_name(facts.read(run.folder, "figures"))


def _cost(student: Run, minutes: float) -> dict[str, str]:
    """Size, training time, and images a second of ONNX Runtime on one core."""
    from backend.deployment.package.student import BATCH, rates
    from backend.students import quantize
    from backend.students.sampler import Sampler

    sampler = Sampler(student.folder)
    found = rates(sampler, quantize.latents(sampler, 0, BATCH))
    return {
        "images a second, one core": f"{np.median(found):.0f}",
        "MB": f"{(student.result or {})['megabytes']:.1f}",
        "minutes": f"{minutes:.1f}",
    }


def _words(row: Any) -> str:
    if row is None:
        return "–"
    digits = 0 if abs(row.value) >= 20 else 2
    return f"{row.value:.{digits}f} [{row.low:.{digits}f}, {row.high:.{digits}f}]"


def _print(table: dict[str, dict[str, str]]) -> None:
    names = list(dict.fromkeys(row for column in table.values() for row in column))
    print(f"  {'':<32}" + "".join(f"{name:>24}" for name in table))
    for name in names:
        print(f"  {name:<32}" + "".join(f"{c.get(name, '–'):>24}" for c in table.values()))
