"""Units of work: files whole or not at all, what is missing alone is made, how it stands."""

import shutil
from pathlib import Path

import pytest

from backend import settings as settings_module
from backend.core import cluster, runs, units
from backend.core.units import Needs
from backend.records import Cancelled, Shortage, UserError


def square(shared: int, item: int, file: Path, tick) -> None:
    tick(0.5, f"squaring {item}")
    file.write_text(str(shared + item**2))


def half(shared: int, item: int, file: Path, tick) -> None:
    file.write_text("half of it")
    raise ValueError("the disk came off")


def refuse(shared: int, item: int, file: Path, tick) -> None:
    raise UserError("Crop it.")


def wait_for_cancel(shared: int, item: int, file: Path, tick) -> None:
    (file.parents[2] / "cancel").touch()
    tick(0.5, "at work")
    raise AssertionError("never reached")


@pytest.fixture
def folder(tmp_path) -> Path:
    return runs.create(tmp_path, "generate", {}).folder


def files_of(folder: Path, count: int) -> dict[Path, int]:
    return {folder / "checkpoint" / "squares" / f"unit-{k}.txt": k for k in range(count)}


def make(
    folder: Path, work=square, jobs: int = 1, told=lambda fraction, message: None
) -> list[str]:
    items = files_of(folder, 4)
    cluster.make_all(work, 100, items, folder, told, noun="unit", jobs=jobs)
    return [file.read_text() for file in items]


@pytest.mark.parametrize("jobs", [1, 2])
def test_only_what_is_missing_is_made(folder, jobs):
    there = list(files_of(folder, 4))[2]
    there.parent.mkdir(parents=True)
    there.write_text("as it was")
    assert make(folder, jobs=jobs) == ["100", "101", "as it was", "109"]
    now = units.standing(folder)
    assert [unit.began for unit in now.units] == [1, 1, 0, 1]
    assert (now.lost, now.repeated) == (0, 0)
    assert all(unit.node for unit in now.of("done"))


def test_a_unit_that_ended_after_its_job_is_noted_by_the_next(folder):
    last = list(files_of(folder, 4))[3]
    assert units.work_on(square, 100, 3, last, folder, node="a computer of the cluster")
    make(folder)
    shutil.rmtree(folder / "checkpoint")
    assert [unit.state for unit in units.standing(folder).units] == ["done"] * 4
    assert units.standing(folder).units[3].node == "a computer of the cluster"


def test_progress_of_the_whole_is_told_and_a_cancel_ends_it(folder):
    told = []
    make(folder, told=lambda fraction, message: told.append((fraction, message)))
    assert [f for f, _ in told] == sorted(f for f, _ in told) and told[-1][0] == 1
    assert (0.375, "squaring 1") in told
    assert any(message.startswith("unit 2 of 4 done, about") for _, message in told)

    def cancel(fraction: float, message: str) -> None:
        raise Cancelled

    next(iter(files_of(folder, 4))).unlink()
    with pytest.raises(Cancelled):
        make(folder, told=cancel)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_a_unit_is_the_jobs_and_leaves_no_half_file(folder, jobs):
    with pytest.raises(ValueError, match="the disk came off"):
        make(folder, half, jobs)
    assert list((folder / "checkpoint" / "squares").iterdir()) == []
    with pytest.raises(UserError, match="Crop it"):
        make(folder, refuse, jobs)


def test_a_unit_in_another_process_heeds_the_runs_cancel(folder):
    with pytest.raises(Cancelled):
        make(folder, wait_for_cancel, jobs=2)


def test_a_unit_that_was_begun_twice_was_lost_once(folder):
    file = next(iter(files_of(folder, 1)))
    board = units.Board(folder, "here", Needs())
    board.expect(["unit-0", "unit-1"])
    units._Mark(folder, "unit-0", "press").tell(0.25, "at work")
    now = units.standing(folder)
    assert [(u.state, u.node, u.fraction) for u in now.units] == [
        ("running", "press", 0.25),
        ("waiting", "", 0.0),
    ]
    assert units.work_on(square, 0, 3, file, folder, node="press 2")
    board.done("unit-0")
    now = units.standing(folder)
    assert (now.lost, now.repeated) == (1, 1)
    assert (now.units[0].state, now.units[0].node) == ("done", "press 2")
    assert units.standing(folder.parent) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"units": 1, "nodes": []}', '{"units": {}}'])
def test_a_damaged_board_ends_no_job(folder, text):
    (folder / units.FILE).write_text(text)
    marks = folder / "checkpoint" / "marks"
    marks.mkdir(parents=True)
    (marks / "note.json").write_text("{}")
    (marks / "unit-0.1.json").write_text("[1]")
    assert make(folder) == ["100", "101", "104", "109"]
    assert len(units.standing(folder).of("done")) == 4


@pytest.mark.parametrize("text", ["ray", "local:0", "local:", "http://x:1", "host", "ray://host"])
def test_an_address_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv("DISTILLERY_CLUSTER", text)
    settings_module.settings.cache_clear()
    with pytest.raises(UserError, match="DISTILLERY_CLUSTER must be"):
        settings_module.settings()


def test_what_is_missing_to_use_a_cluster_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    assert "pip install" in cluster.lacking("local:2")
    monkeypatch.setattr(cluster, "find_spec", lambda name: object())
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cluster.lacking("local:2") == ""
    assert "RAY_AUTH_TOKEN" in cluster.lacking("head:6379")
    monkeypatch.setenv("DISTILLERY_CLUSTER", "head:6379")
    settings_module.settings.cache_clear()
    folder = runs.create(tmp_path, "generate", {}).folder
    with pytest.raises(Shortage, match="No token"):
        make(folder)
