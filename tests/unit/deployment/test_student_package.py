"""A student to take away: INT8 behind a gate, a card with measures, and code that runs."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from backend.core import facts, runs, specs
from backend.deployment.package import contract
from backend.deployment.package import job as package
from backend.deployment.package import student as packing
from backend.deployment.package.spec import Spec as PackageSpec
from backend.records import RunState, UserError
from backend.students import quantize
from backend.students.sample import job as sampling
from backend.students.sample.spec import Spec as SampleSpec
from backend.students.sampler import Sampler
from tests import tiny_student
from tests.tiny_student import quiet

ROW = {"subject": "samples", "metric": "KID", "value": 12.0, "low": 8.0, "high": 16.0, "n": 200}


def pack(folder, student, **more):
    values = {"model_run": student} | more
    run = runs.create(folder, "package", values)
    result = package.run(specs.from_json(PackageSpec, values), run.folder, quiet)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return runs.read(run.folder), result


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(packing, "CHECKED", 8)


@pytest.fixture
def student(tmp_path):
    return tiny_student.student(tmp_path, tiny_student.teacher(tmp_path).id)


def similarity(folder, student_run):
    run = runs.create(folder, "similarity", {"student_run": student_run})
    facts.write(
        run.folder, "figures", [ROW, {k: ROW[k] for k in ("subject", "metric", "value", "n")}]
    )
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return run.id


def test_a_package_is_a_student_in_both_precisions(tmp_path, student):
    run, result = pack(tmp_path, student.id)
    assert result.int8_passes and result.sort == "student", result.int8
    assert result.difference == 0 and result.images_a_second > 0
    read = contract.read(contract.folder_of(run.folder))
    assert {"model_int8.onnx", "latents.npz", "student.json"} <= set(read.head["files"])
    exact, quantised = (Sampler(run.folder, precision=p) for p in ("fp32", "int8"))
    both = [sampler.sample([1, 2])[0].astype(int) for sampler in (exact, quantised)]
    assert 0 < np.abs(both[0] - both[1]).mean() < 5
    spec = specs.from_json(SampleSpec, {"student_run": run.id, "precision": "int8", "count": 2})
    painted = runs.create(tmp_path, "sample", specs.to_json(spec))
    assert "CC BY 4.0" in sampling.run(spec, painted.folder, quiet).licence


def test_golden_codes_become_the_pictures_beside_them(tmp_path, student):
    run, _ = pack(tmp_path, student.id)
    read = contract.read(contract.folder_of(run.folder))
    rows = runs.read_json(read.folder / "golden" / "golden.json")["pictures"]
    z = np.array([row["z"] for row in rows], np.float32)
    [image] = read.answers(contract.session(read), {"z": z})
    for made, row in zip(image, rows, strict=True):
        wanted = np.asarray(Image.open(read.folder / "golden" / row["file"]))
        assert np.abs(made[:3].transpose(1, 2, 0) * 255 - wanted).max() <= 0.51
    with pytest.raises(UserError, match="takes latents, not pictures"):
        read.feed(np.zeros((1, 8, 8, 3), np.uint8))
    assert contract.test_images(run) == ()


def test_int8_that_paints_differently_is_not_kept(tmp_path, student, monkeypatch):
    monkeypatch.setattr(quantize, "LEAST_PSNR", 99.0)
    run, result = pack(tmp_path, student.id)
    assert not result.int8_passes
    assert result.int8_images_a_second is None
    assert "was not kept" in result.int8
    folder = contract.folder_of(run.folder)
    assert not (folder / "model_int8.onnx").exists()
    card = json.loads((folder / "model_card.json").read_text())
    assert [file["precision"] for file in card["files"]] == ["FP32"]


def test_the_card_holds_licence_measures_and_limits(tmp_path, student):
    measured = similarity(tmp_path, student.id)
    run, result = pack(tmp_path, student.id, similarity_run=measured)
    folder = contract.folder_of(run.folder)
    card = json.loads((folder / "model_card.json").read_text())
    assert result.measured
    assert card["teacher"]["licence"].startswith("CC BY 4.0 (run ")
    assert card["training"]["images"] == tiny_student.COUNT
    assert card["measures"][0]["value"] == 12
    assert card["measures"][1]["low"] is None
    words = (folder / "MODEL_CARD.md").read_text()
    assert "| samples | KID | 12 | [8, 16] | 200 |" in words
    assert "Limits" in words


def test_another_students_measures_are_refused(tmp_path, student):
    other = similarity(tmp_path, tiny_student.student(tmp_path).id)
    with pytest.raises(UserError, match="another student"):
        pack(tmp_path, student.id, similarity_run=other)


@pytest.mark.parametrize("masks", (True, False))
def test_the_example_paints_an_image(tmp_path, masks):
    student = tiny_student.student(tmp_path, masks=masks)
    run, _ = pack(tmp_path, student.id)
    folder = contract.folder_of(run.folder)
    code = (folder / "example.py").read_text()
    assert code in (folder / "MODEL_CARD.md").read_text()
    code += "print(image.shape, image.dtype)\n"
    assert len(code.splitlines()) <= 14
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.stdout.strip() == "(64, 64, 3) uint8", done.stderr
