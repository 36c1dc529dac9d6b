"""A student to take away: ONNX in FP32 and INT8, its latents, and a model card."""

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.core import facts, lineage, runs
from backend.records import Progress, UserError
from backend.students.export import model_card
from backend.students.export.model_card import File
from backend.students.export.spec import Result, Spec
from backend.students.sampler import FILES, Sampler

if TYPE_CHECKING:
    from backend.students.export.quantize import Gate


NEEDED = ("student.onnx", "student.json", "latents.npz")
CALIBRATION = 64
CALLS, BATCH = 24, 8


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Copy the student, quantise and compare it, time both files, and write the card."""
    from backend.numeric.hardware import cpu_name
    from backend.students.export import quantize

    student = runs.read(runs.sibling(out_dir, spec.student_run))
    measures = _measures(spec, out_dir)
    folder = out_dir / "artifacts"
    _copy(student.folder / "artifacts", folder)
    exact = Sampler(out_dir)
    progress(0.1, "writing the INT8 file (some ten seconds)")
    quantize.quantise(folder, quantize.latents(exact, spec.seed, CALIBRATION))
    progress(0.6, f"comparing {spec.checked} images")
    z = quantize.latents(exact, spec.seed + CALIBRATION, spec.checked)
    gate = quantize.compare(exact, Sampler(out_dir, precision="int8"), z)
    precisions = ["fp32", "int8"] if gate.passes else ["fp32"]
    if not gate.passes:
        (folder / FILES["int8"]).unlink()
    progress(0.8, "timing")
    timed = {name: rates(Sampler(out_dir, precision=name), z[:BATCH]) for name in precisions}
    files = [_file(folder / FILES[name], name, timed[name]) for name in precisions]
    words = _words(gate)
    card = model_card.describe(student, exact, measures, files, words, cpu_name())
    card.write(folder)
    facts.write(out_dir, "figures", _figures(gate, timed, spec.seed))
    progress(1.0, "done")
    return _result(gate, files, card.teacher["licence"], bool(measures), words, cpu_name())


def _measures(spec: Spec, out_dir: Path) -> list[dict[str, Any]]:
    """Rows of `figures` of the similarity run, if one is named. Raises UserError for another's."""
    if not spec.similarity_run:
        return []
    folder = runs.sibling(out_dir, spec.similarity_run)
    if spec.student_run not in lineage.parents(runs.asked_for(folder)):
        raise UserError(
            "Similarity: that run measured another student. Choose one of this student."
        )
    frame = facts.read(folder, "figures").astype(object)
    frame = frame.where(frame.notna(), None)
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in NEEDED:
        if not (source / name).exists():
            raise UserError(f"The student lacks {name}. Distil it again.")
        shutil.copyfile(source / name, target / name)


def rates(sampler: Sampler, z: NDArray[np.float32]) -> NDArray[np.float64]:
    """Images a second of one core, for each of 24 calls after one to warm up. Counted is the time
    the core works on it, so that other work on the computer changes little."""
    sampler.session.run(None, {"z": z})
    found = []
    for _ in range(CALLS):
        started = time.process_time()
        sampler.session.run(None, {"z": z})
        found.append(len(z) / max(time.process_time() - started, 1e-9))
    return np.array(found)


def _file(path: Path, precision: str, timed: NDArray[np.float64]) -> File:
    return File(
        file=path.name,
        precision=precision.upper(),
        megabytes=round(path.stat().st_size / 2**20, 2),
        images_a_second=round(float(np.median(timed)), 1),
        sha256=runs.fingerprint(path),
    )


def _words(gate: "Gate") -> str:
    outcome = "INT8 paints alike" if gate.passes else "INT8 paints differently and was not kept"
    return f"{outcome}: {gate.words}, against FP32 on {len(gate.psnr)} images."


def _figures(
    gate: "Gate", timed: dict[str, NDArray[np.float64]], seed: int
) -> list[dict[str, Any]]:
    from backend.students.similarity import figures

    values = {"PSNR to FP32": gate.psnr, "SSIM to FP32": gate.ssim, "mask IoU to FP32": gate.iou}
    rows = [figures.mean("INT8", name, v, seed) for name, v in values.items() if len(v)]
    for name, each in timed.items():
        rows.append(figures.mean(name.upper(), "images a second", each, seed))
    return rows


def _result(
    gate: "Gate",
    files: list[File],
    licence: str,
    measured: bool,
    words: str,
    computer: str,
) -> Result:
    int8 = files[1] if len(files) > 1 else None
    return Result(
        megabytes=files[0].megabytes,
        images_a_second=files[0].images_a_second,
        int8_passes=gate.passes,
        int8_megabytes=int8.megabytes if int8 else None,
        int8_images_a_second=int8.images_a_second if int8 else None,
        psnr=float(gate.psnr.mean()),
        ssim=float(gate.ssim.mean()),
        mask_iou=float(gate.iou.mean()) if len(gate.iou) else None,
        int8=words,
        checked=len(gate.psnr),
        measured=measured,
        licence=licence,
        computer=computer,
    )
