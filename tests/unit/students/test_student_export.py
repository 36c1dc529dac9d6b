"""A student to take away: INT8 behind a gate, a card with measures, and code that runs."""

import json
import subprocess
import sys

import numpy as np
import pytest

from backend.core import facts, runs, specs
from backend.records import RunState, UserError
from backend.students.export import job as student_export
from backend.students.export import quantize
from backend.students.export.spec import Spec as ExportSpec
from backend.students.sample import job as sampling
from backend.students.sample.spec import Spec as SampleSpec
from backend.students.sampler import Sampler
from tests import tiny_student
from tests.tiny_student import quiet

ROW = {"subject": "samples", "metric": "KID", "value": 12.0, "low": 8.0, "high": 16.0, "n": 200}


def export(folder, **values):
    run = runs.create(folder, "student-export", values)
    result = student_export.run(specs.from_json(ExportSpec, values), run.folder, quiet)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return runs.read(run.folder), result


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


def test_an_export_is_a_student_in_both_precisions(tmp_path, student):
    run, result = export(tmp_path, student_run=student.id, checked=8)
    assert result.int8_passes, result.int8
    assert result.psnr > quantize.LEAST_PSNR
    exact, quantised = (Sampler(run.folder, precision=p) for p in ("fp32", "int8"))
    both = [sampler.sample([1, 2])[0].astype(int) for sampler in (exact, quantised)]
    assert 0 < np.abs(both[0] - both[1]).mean() < 5
    spec = specs.from_json(SampleSpec, {"student_run": run.id, "precision": "int8", "count": 2})
    painted = runs.create(tmp_path, "sample", specs.to_json(spec))
    assert "CC BY 4.0" in sampling.run(spec, painted.folder, quiet).licence


def test_int8_that_paints_differently_is_not_kept(tmp_path, student, monkeypatch):
    monkeypatch.setattr(quantize, "LEAST_PSNR", 99.0)
    run, result = export(tmp_path, student_run=student.id, checked=8)
    assert not result.int8_passes
    assert result.int8_images_a_second is None
    assert "was not kept" in result.int8
    assert not (run.artifacts / "student_int8.onnx").exists()
    card = json.loads((run.artifacts / "model_card.json").read_text())
    assert [file["precision"] for file in card["files"]] == ["FP32"]


def test_the_card_holds_licence_measures_and_limits(tmp_path, student):
    measured = similarity(tmp_path, student.id)
    run, _ = export(tmp_path, student_run=student.id, similarity_run=measured, checked=8)
    card = json.loads((run.artifacts / "model_card.json").read_text())
    assert card["teacher"]["licence"].startswith("CC BY 4.0 (run ")
    assert card["training"]["images"] == tiny_student.COUNT
    assert card["measures"][0]["value"] == 12
    assert card["measures"][1]["low"] is None
    words = (run.artifacts / "MODEL_CARD.md").read_text()
    assert "| samples | KID | 12 | [8, 16] | 200 |" in words
    assert "Limits" in words


def test_another_students_measures_are_refused(tmp_path, student):
    other = similarity(tmp_path, tiny_student.student(tmp_path).id)
    with pytest.raises(UserError, match="another student"):
        export(tmp_path, student_run=student.id, similarity_run=other)


@pytest.mark.parametrize("masks", (True, False))
def test_the_code_on_the_card_paints_an_image(tmp_path, masks):
    student = tiny_student.student(tmp_path, masks=masks)
    run, _ = export(tmp_path, student_run=student.id, checked=8)
    text = (run.artifacts / "MODEL_CARD.md").read_text()
    code = text.split("```python\n")[1].split("```")[0] + "print(image.shape, image.dtype)\n"
    assert len(code.splitlines()) <= 14
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=run.artifacts, capture_output=True, text=True
    )
    assert done.stdout.strip() == "(64, 64, 3) uint8", done.stderr
