"""A line is asked for another package or other limits while it runs."""

import pytest

from backend.actions import lines
from backend.core import jobs, projects, runs
from backend.core.audit import Actor, Way, newest
from backend.line import control, report
from backend.line.control import Wish
from backend.line.shadow.candidate import Candidate
from backend.records import UserError
from tests.unit.line.packages import MODEL_RUN, package_run, parts_run, threshold_run

LIMITS = {"dot": (0.5, 0.1)}
ANN = Actor("Ann", Way.PAGE)


@pytest.fixture
def home(storage):
    made = report.home(storage.storage, "press")
    made.mkdir(parents=True)
    return made


def test_a_start_goes_by_its_own_settings_and_a_restart_by_what_was_asked(home, storage):
    first, second = package_run(storage.runs), package_run(storage.runs)
    assert control.current(home, Wish("r1", first.id)) == Wish("r1", first.id)
    lines.change(ANN, home, Wish("r1", second.id))
    assert control.current(home, Wish("r1", first.id)) == Wish("r1", second.id)
    assert control.current(home, Wish("r2", first.id)) == Wish("r2", first.id)
    assert [(line.action, line.about) for line in newest(storage.storage)] == [
        ("change line", "press")
    ]


def test_limits_must_be_of_the_packages_model(home, storage):
    package = package_run(storage.runs)
    own = threshold_run(storage.runs, MODEL_RUN, LIMITS)
    other = threshold_run(storage.runs, "20260101T000000-inspect-ffffff", LIMITS)
    lines.change(ANN, home, Wish("r1", package.id, own.id))
    assert control.wish(home) == Wish("r1", package.id, own.id)
    for wrong in (other.id, package.id):
        with pytest.raises(UserError):
            lines.change(ANN, home, Wish("r1", package.id, wrong))
    with pytest.raises(UserError, match="no finished package"):
        lines.change(ANN, home, Wish("r1", own.id))
    assert control.wish(home) == Wish("r1", package.id, own.id), "a refusal changes nothing"


def test_a_line_never_judges_with_what_is_of_another_project(home, storage):
    place = projects.add(storage.storage, "Windscreens").id
    line = runs.create(storage.runs, "line", {}, name="press", project=place)
    strange, own = package_run(storage.runs), package_run(storage.runs)
    limits = threshold_run(storage.runs, MODEL_RUN, LIMITS)
    runs.move(own.folder, place)
    for package, threshold in ((strange.id, ""), (own.id, limits.id)):
        with pytest.raises(UserError, match="another project than the line press"):
            lines.change(ANN, home, Wish(line.id, package, threshold))
        with pytest.raises(UserError, match="another project than the line press"):
            lines.shadow(ANN, home, Candidate(line.id, package, threshold))
    lines.change(ANN, home, Wish(line.id, own.id))
    assert control.wish(home) == Wish(line.id, own.id)


def test_what_a_line_went_over_to_is_neither_deleted_nor_archived(home, storage):
    line = runs.create(storage.runs, "line", {}, name="press")
    first, second, beside = (package_run(storage.runs) for _ in range(3))
    lines.change(ANN, home, Wish(line.id, second.id))
    lines.shadow(ANN, home, Candidate(line.id, beside.id))
    under_way = jobs.active(runs.folders(storage.runs))
    for used in (second.id, beside.id):
        with pytest.raises(UserError, match="in use by the line press"):
            jobs.refuse_in_use(storage.storage, used, under_way)
    jobs.refuse_in_use(storage.storage, first.id, under_way)


def test_a_line_of_limits_that_do_not_fit_is_refused_before_it_starts(storage):
    package, parts = package_run(storage.runs), parts_run(storage.runs)
    other = threshold_run(storage.runs, "20260101T000000-inspect-ffffff", LIMITS)
    values = {"package_run": package.id, "parts_run": parts.id, "threshold_run": other.id}
    with pytest.raises(UserError, match="another anomaly model"):
        jobs.submit(storage, "line", values, name="press")


def test_a_damaged_wish_is_named(home):
    (home / control.FILE).write_text("{")
    with pytest.raises(UserError, match=r"control\.json"):
        control.wish(home)
