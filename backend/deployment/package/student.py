"""A student as a package: its own network and the codes it learned; INT8 too if it paints alike."""

import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.core import facts, lineage, runs
from backend.core.runs import Run
from backend.deployment.package import contract
from backend.deployment.package.made import GOLDEN, Golden, Made, Parity, network_sizes
from backend.deployment.package.spec import Spec
from backend.records import Progress, UserError
from backend.students import model_card
from backend.students.model_card import File
from backend.students.sampler import FILES, Sampler

if TYPE_CHECKING:
    from backend.students.quantize import Gate

NEEDED = {  # of the student's files: as they are called in the package
    **{"student.onnx": contract.MODEL, "student.json": "student.json"},
    "latents.npz": "latents.npz",
}
INT8 = FILES["int8"][1]
CALIBRATION, CHECKED = 64, 64  # images painted
CALLS, BATCH = 24, 8


def make(spec: Spec, model: Run, folder: Path, progress: Progress) -> Made:
    """Copy the student, quantise and compare it, time both files, and write its card.

    Raises UserError where files of the student are gone, or the measures are another's.
    """
    from backend.numeric.hardware import cpu_name
    from backend.students import quantize

    out_dir, measures = folder.parent.parent, _measures(spec, model)
    _copy(model.artifacts, folder)
    exact = Sampler(out_dir)
    progress(0.1, "writing the INT8 file (some ten seconds)")
    latents = quantize.latents(exact, 0, CALIBRATION)
    quantize.quantise(folder / contract.MODEL, folder / INT8, latents)
    progress(0.6, f"comparing {CHECKED} images")
    z = quantize.latents(exact, CALIBRATION, CHECKED)
    gate = quantize.compare(exact, Sampler(out_dir, precision="int8"), z)
    precisions = ["fp32", "int8"] if gate.passes else ["fp32"]
    if not gate.passes:
        (folder / INT8).unlink()
    progress(0.8, "timing")
    timed = {name: rates(Sampler(out_dir, precision=name), z[:BATCH]) for name in precisions}
    files = [_file(folder / FILES[name][1], name, timed[name]) for name in precisions]
    words = _words(gate)
    card = model_card.describe(model, exact, measures, files, words, cpu_name())
    card.write(folder)
    facts.write(out_dir, "figures", _figures(gate, timed))
    golden = tuple(_golden(exact))
    parity = Parity(len(golden), _difference(model, golden), {}, 0)
    return Made(
        _head(exact),
        network_sizes(folder / contract.MODEL),
        parity,
        golden,
        card.example,
        lambda head: card.words,
        _told(files, words, bool(measures), cpu_name()),
    )


def _measures(spec: Spec, model: Run) -> list[dict[str, Any]]:
    """Rows of `figures` of the similarity run, if one is named. Raises UserError for another's."""
    if not spec.similarity_run:
        return []
    folder = runs.sibling(model.folder, spec.similarity_run)
    if model.id not in lineage.parents(runs.asked_for(folder)):
        raise UserError(
            "Similarity: that run measured another student. Choose one of this student."
        )
    frame = facts.read(folder, "figures").astype(object)
    frame = frame.where(frame.notna(), None)
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


def _copy(source: Path, target: Path) -> None:
    for name, packed in NEEDED.items():
        if not (source / name).exists():
            raise UserError(f"The student lacks {name}. Distil it again.")
        shutil.copyfile(source / name, target / packed)


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
        megabytes=round(path.stat().st_size / 1e6, 2),
        images_a_second=round(float(np.median(timed)), 1),
        sha256=contract.sha256(path),
    )


def _words(gate: "Gate") -> str:
    outcome = "INT8 paints alike" if gate.passes else "INT8 paints differently and was not kept"
    return f"{outcome}: {gate.words}, against FP32 on {len(gate.psnr)} images."


def _told(files: Sequence[File], words: str, measured: bool, computer: str) -> dict[str, Any]:
    """What the result tells of a student alone."""
    exact, int8 = files[0], files[1] if len(files) > 1 else None
    return {
        "images_a_second": exact.images_a_second,
        "int8": words,
        "int8_passes": int8 is not None,
        "int8_megabytes": int8.megabytes if int8 else None,
        "int8_images_a_second": int8.images_a_second if int8 else None,
        "measured": measured,
        "computer": computer,
    }


def _figures(gate: "Gate", timed: dict[str, NDArray[np.float64]]) -> list[dict[str, Any]]:
    from backend.students.similarity import figures

    values = {"PSNR to FP32": gate.psnr, "SSIM to FP32": gate.ssim, "mask IoU to FP32": gate.iou}
    rows = [figures.mean("INT8", name, v, 0) for name, v in values.items() if len(v)]
    for name, each in timed.items():
        rows.append(figures.mean(name.upper(), "images a second", each, 0))
    return rows


def _golden(sampler: Sampler) -> Iterator[Golden]:
    """Codes and the pictures that they become."""
    from backend.students import quantize

    z = quantize.latents(sampler, CALIBRATION + CHECKED, GOLDEN)
    images, masks = sampler.paint(z)
    for place, (image, mask) in enumerate(zip(images, masks, strict=True)):
        share = float((mask > 0.5).mean())
        yield Golden(f"{place}", image, {"z": z[place].tolist()}, {"defect_share": share})


def _difference(model: Run, golden: Sequence[Golden]) -> float:
    """Largest difference, in grey levels, to what the trained student paints of the codes."""
    z = np.array([one.asked["z"] for one in golden], np.float32)
    images, _ = Sampler(model.folder).paint(z)
    pairs = zip(images, golden, strict=True)
    return float(max(np.abs(a.astype(int) - b.pixels).max() for a, b in pairs))


def _head(sampler: Sampler) -> dict[str, Any]:
    """What of package.json tells of inputs and outputs."""
    channels = 4 if sampler.paints_mask else 3
    mask = ", then the probability of defect" if sampler.paints_mask else ""
    return {
        "size": sampler.size,
        "classes": list(sampler.classes),
        "inputs": [
            {
                **{"name": "z", "dtype": "float32", "shape": ["batch", sampler.latent_dim]},
                "meaning": "a code: see example.py for how one is drawn from latents.npz",
            }
        ],
        "outputs": [
            {
                **{"name": "image", "dtype": "float32", "unit": "0 to 1"},
                "shape": ["batch", channels, sampler.size, sampler.size],
                "meaning": f"red, green, blue{mask}",
            }
        ],
    }
