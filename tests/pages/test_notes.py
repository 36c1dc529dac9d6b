"""What was left out, scaled or not labelled reaches people: on the run's page and in a terminal."""

import os
from pathlib import Path

import pytest

from backend.core import facts, runs, specs, terminal
from backend.detection.study import pool
from backend.detection.testset import job as frozen_test
from backend.detection.testset import test_images
from backend.detection.testset.spec import Spec as TestsetSpec
from backend.images import imagefiles
from backend.records import RunState
from pages.ui import resources
from tests import tiny_photographs
from tests.pages.test_evidence_pages import DETECTOR, STUDY, detector, study
from tests.pages.test_pages import is_well, open_page, words

NOTE = "2 .heic files left out: this format is not read. Save as PNG or JPEG."


def quiet(*args: object, **kwargs: object) -> None:
    pass


@pytest.fixture
def photographs(tmp_path) -> tuple[Path, Path]:
    found = tiny_photographs.make(tmp_path / "photographs")
    for number in range(2):
        (found[0] / f"IMG_{number}.HEIC").write_bytes(b"x")
    return found


@pytest.mark.parametrize(("make", "page"), [(study, STUDY), (detector, DETECTOR)])
def test_a_study_and_a_detector_say_what_was_left_out(empty_dashboard, storage, make, page):
    run = make(storage)
    runs.finish(run.folder, RunState.COMPLETED, result={**run.result, "notes": [NOTE]})
    resources.take_in(runs.read(run.folder))
    app = open_page(page)
    is_well(app)
    assert NOTE in words(app).replace("\\", "")


def test_a_frozen_set_says_so_on_its_page_in_a_terminal_and_to_who_is_judged_on_it(
    empty_dashboard, storage, photographs, capsys
):
    values = {"folder": str(photographs[0]), "intact_folder": str(photographs[1])}
    run = runs.create(storage.storage / "making", "testset", values)
    runs.claim(run.folder, os.getpid())
    result = frozen_test.run(specs.from_json(TestsetSpec, values), run.folder, quiet)
    runs.finish(run.folder, RunState.COMPLETED, result=specs.to_json(result))
    made = runs.read(run.folder.rename(storage.runs / run.id))
    resources.take_in(made)
    app = open_page("pages/detection/testset.py")
    is_well(app)
    assert NOTE in words(app).replace("\\", "")
    terminal._say_how_it_ended(made)
    assert f"Note: {NOTE}" in capsys.readouterr().err
    assert NOTE in test_images.of_run(made.folder).notes


def test_a_study_keeps_what_was_noticed_while_reading_when_it_is_resumed(tmp_path, photographs):
    from backend.detection.study.spec import Spec

    made = runs.create(tmp_path / "runs", "teach", {})
    one_image(made.folder)
    spec = Spec(
        real_folder=str(photographs[0]),
        intact_folder=str(photographs[1]),
        synthetic_runs=(made.id,),
        size=64,
    )
    run = runs.create(tmp_path / "runs", "study", {})
    first = pool.gather(spec, run.folder, quiet, 0.1)
    again = pool.gather(spec, run.folder, quiet, 0.1)
    assert NOTE in first.notes and again.notes == first.notes


def one_image(folder: Path) -> None:
    """A run with one labelled image."""
    from backend.images import boxes
    from backend.renderer import render

    shot = render(5, 128, defects=(1, 1))
    imagefiles.write(folder / "artifacts" / "a.png", shot.image)
    row = {"image": "a", "path": "artifacts/a.png", "source": "renderer"}
    facts.write(folder, "images", [row])
    facts.write(folder, "boxes", [boxes.box_row("a", box) for box in shot.boxes])
    runs.finish(folder, RunState.COMPLETED, result={})
