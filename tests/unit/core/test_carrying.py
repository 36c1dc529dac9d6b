"""From a finished run to the next form: what is filled in, and how the new run is called."""

import pytest

from backend.core import carrying, estimates, facts, naming, registry, runs, specs
from backend.core.estimates import Measured
from backend.records import RunState


def run(where, kind, name="", /, **spec):
    return runs.create(where, kind, spec, name=name)


def test_a_run_fills_the_first_field_that_takes_it(tmp_path):
    student = run(tmp_path, "distill")
    assert carrying.carried("sample", student) == {"student_run": student.id}
    assert carrying.carried("dataset", student) == {"source_runs": (student.id,)}


def test_what_is_behind_a_run_is_filled_in_too(tmp_path):
    student = run(tmp_path, "distill")
    similarity = run(tmp_path, "similarity", student_run=student.id)
    assert carrying.carried("package", similarity) == {
        "model_run": student.id,
        "similarity_run": similarity.id,
    }


def test_a_line_replays_the_parts_that_its_package_was_made_from(tmp_path):
    parts = run(tmp_path, "parts")
    model = run(tmp_path, "inspect", parts_run=parts.id)
    package = run(tmp_path, "package", model_run=model.id)
    found = carrying.carried("line", package)
    assert (found["package_run"], found["parts_run"]) == (package.id, parts.id)


def test_a_field_is_filled_in_with_the_choice_that_makes_it_count(tmp_path):
    model = run(tmp_path, "diffusion")
    found = carrying.carried("generate", model)
    assert found["teacher"] == "diffusion" and model.id in found.values()


def test_a_data_set_brings_the_test_set_that_it_left_out(tmp_path):
    photographs = run(tmp_path, "generate", teacher="folder")
    tests = run(tmp_path, "testset", images_run=photographs.id)
    row = {"source_run": photographs.id, "image": "000000", "group": "a", "digest": "0"}
    facts.write(tests.folder, "put_aside", [row])
    runs.finish(tests.folder, RunState.COMPLETED, result={})
    dataset = run(tmp_path, "dataset", source_runs=[photographs.id])
    assert carrying.carried("detector", dataset) == {"dataset_run": dataset.id}
    runs.write_json(dataset.folder / "provenance.json", {"put_aside_by": [tests.id]})
    assert carrying.carried("detector", dataset) == {
        "dataset_run": dataset.id,
        "test_run": tests.id,
    }
    study = carrying.carried("study", tests)
    assert study == {"real_run": photographs.id, "test_run": tests.id}


@pytest.mark.parametrize("kind", registry.KINDS, ids=lambda kind: kind.name)
def test_what_is_carried_fits_its_fields(tmp_path, kind):
    known = {p.name: p for p in specs.params(kind.spec_type)}
    for source in registry.KINDS:
        for name, value in carrying.carried(kind.name, run(tmp_path, source.name)).items():
            specs.check(known[name], value)


def test_a_run_without_a_name_is_called_after_what_it_is_made_from(tmp_path):
    dataset = run(tmp_path, "dataset", "Data · glass, week 12")
    named = naming.proposed("detector", {"dataset_run": dataset.id}, tmp_path)
    assert named == "Detector · glass, week 12"
    folder = {"teacher": "folder", "folder": "/data/glass.zip"}
    assert naming.proposed("generate", folder, tmp_path) == "Teacher images · glass"
    assert naming.proposed("generate", {}, tmp_path) == "Teacher images · renderer"
    gone = {"dataset_run": "20200101T000000-dataset-000000"}
    assert naming.proposed("detector", gone, tmp_path).startswith("Detector · ")


def spec(kind, **values):
    return specs.from_json(registry.get(kind).spec_type, values)


def test_an_estimate_is_the_newest_runs_scaled_to_the_settings():
    done = [Measured({"count": 100, "size": 128}, 10.0), Measured({"count": 50, "size": 128}, 5.0)]
    wanted = spec("generate", count=300, size=256)
    assert estimates.factor(wanted, done[0].spec) == pytest.approx(3 * 4)
    words = estimates.words(wanted, done)
    assert words.startswith("About 2 min, from the 2 newest such runs on this computer")
    assert "scaled by count and size" in words


def test_runs_of_another_choice_say_nothing():
    done = [Measured({"teacher": "diffusion", "count": 10}, 1000.0)]
    assert "1000" not in estimates.words(spec("generate"), done)
    assert estimates.words(spec("threshold", inspect_run="r"), []) == estimates.NONE
