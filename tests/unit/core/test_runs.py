"""The run folder is the truth: what it says, whole, cut short or torn."""

import json
import os
import subprocess
import sys

import pytest

from backend.core import runs
from backend.records import RunState, UserError


@pytest.fixture
def run(tmp_path):
    return runs.create(
        tmp_path / "runs", "generate", {"count": 2}, name="Täst", parent="p", queued=True
    )


def test_a_new_run_is_pending(run, tmp_path):
    assert runs.RUN_ID.fullmatch(run.id)
    assert run.folder == tmp_path / "runs" / run.id
    assert run == runs.read(run.folder)
    assert (run.state, run.kind, run.name) == (RunState.PENDING, "generate", "Täst")
    assert run.spec == {"count": 2}
    assert (run.parent, run.queued, run.seconds) == ("p", True, None)
    assert run.created.utcoffset().total_seconds() == 0
    assert runs.folders(tmp_path / "runs") == [run.folder]


def test_nobody_sees_a_run_without_its_spec(tmp_path, monkeypatch):
    seen = []
    write = runs.write_json
    monkeypatch.setattr(
        runs,
        "write_json",
        lambda path, value: (seen.append(runs.folders(tmp_path)), write(path, value)),
    )
    made = runs.create(tmp_path, "generate", {})
    assert seen == [[]]
    assert runs.folders(tmp_path) == [made.folder]


def test_life_of_a_run(run):
    runs.claim(run.folder, os.getpid())
    working = runs.read(run.folder)
    assert (working.state, working.finished) == (RunState.RUNNING, None)
    assert working.seconds >= 0
    runs.finish(run.folder, RunState.COMPLETED, result={"images": 2})
    ended = runs.read(run.folder)
    assert (ended.state, ended.result, ended.error) == (RunState.COMPLETED, {"images": 2}, "")
    assert ended.seconds == (ended.finished - ended.started).total_seconds() >= 0


def dead_process() -> dict:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    return {"pid": child.pid, "process_started": 0.0, "started": runs.now().isoformat()}


def test_a_dead_process_without_a_result_means_interrupted(run):
    runs.write_json(run.folder / "process.json", dead_process())
    found = runs.read(run.folder)
    assert found.state is RunState.INTERRUPTED
    assert found.state.ended
    assert found.state.resumable
    assert "without a result" in found.error
    assert found.finished is not None


def test_another_process_with_the_same_pid_is_not_ours(run):
    runs.claim(run.folder, os.getpid())
    claim = runs.read_json(run.folder / "process.json")
    runs.write_json(run.folder / "process.json", claim | {"process_started": 12345.0})
    assert runs.read(run.folder).state is RunState.INTERRUPTED


def test_a_process_that_ends_while_we_look_is_not_interrupted(run, monkeypatch):
    """The job may write its result and exit between our look at the one and at the other."""
    runs.write_json(run.folder / "process.json", dead_process())

    def ends_now(claim):
        runs.finish(run.folder, RunState.COMPLETED, result={})
        return False

    monkeypatch.setattr(runs, "is_alive", ends_now)
    assert runs.read(run.folder).state is RunState.COMPLETED


def test_a_zombie_is_not_alive(run):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    runs.claim(run.folder, child.pid)
    claim = runs.read_json(run.folder / "process.json")
    assert runs.is_alive(claim)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, but not yet reaped
    assert not runs.is_alive(claim)
    child.communicate()
    assert not runs.is_alive(claim)


def test_reopen_makes_it_pending_and_keeps_what_it_had(run):
    runs.claim(run.folder, os.getpid())
    runs.append_event(run.folder, {"fraction": 0.5})
    (run.folder / "cancel").touch()
    (run.folder / "checkpoint").mkdir()
    runs.finish(run.folder, RunState.CANCELED)
    runs.reopen(run.folder, queued=False)
    again = runs.read(run.folder)
    assert (again.state, again.queued, again.started) == (RunState.PENDING, False, None)
    assert (again.name, again.spec, again.created) == (run.name, run.spec, run.created)
    assert runs.last_event(run.folder)["fraction"] == 0.5
    assert (run.folder / "checkpoint").exists()
    assert not (run.folder / "cancel").exists()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("spec.json", ""),
        ("spec.json", '{"kind": "gen'),
        ("spec.json", "[]"),
        ("spec.json", "{}"),
        ("spec.json", '{"kind": "generate", "created": 5, "spec": {}}'),
        ("spec.json", '{"kind": "generate", "created": "yesterday", "spec": {}}'),
        ("spec.json", '{"kind": "generate", "created": "2026-01-01T00:00:00+00:00", "spec": 1}'),
        ("spec.json", None),
        ("process.json", ""),
        ("process.json", "{}"),
        ("process.json", '{"started": "2026-01-01T00:00:00+00:00"}'),
        ("process.json", '{"started": "2026-01-01T00:00:00+00:00", "pid": "x"}'),
        ("process.json", '{"started": "2026-01-01T00:00:00+00:00", "pid": -4}'),
        ("result.json", '{"state": "compl'),
        ("result.json", "{}"),
        ("result.json", "null"),
        ("result.json", '{"state": "wonderful", "finished": "2026-01-01", "error": ""}'),
        ("result.json", '{"state": "completed", "finished": "x", "error": "", "result": {}}'),
        ("result.json", "\udcff"),
    ],
)
def test_a_damaged_file_is_named_in_one_sentence(run, file, content):
    path = run.folder / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError) as damaged:
        runs.read(run.folder)
    assert str(path) in str(damaged.value)
    assert "Restore it or delete the run." in str(damaged.value)
    assert "\n" not in str(damaged.value)
    assert runs.readable(runs.folders(run.folder.parent)) == []


def test_readable_passes_over_the_damaged_one_only(run, tmp_path):
    good = runs.create(tmp_path / "runs", "generate", {})
    (run.folder / "spec.json").write_text("")
    (tmp_path / "runs" / "lost+found").mkdir()
    assert [found.id for found in runs.readable(runs.folders(tmp_path / "runs"))] == [good.id]


def test_no_runs_folder_means_no_runs(tmp_path):
    assert runs.folders(tmp_path / "none") == []


def test_a_torn_last_line_is_left_out(run):
    for step in range(3):
        runs.append_event(run.folder, {"fraction": step / 3, "step": step})
    path = run.folder / "events.jsonl"
    path.write_bytes(path.read_bytes()[:-12])
    assert [event["step"] for event in runs.events(run.folder)] == [0, 1]
    assert runs.last_event(run.folder)["step"] == 1
    for step in (3, 4):  # the first event after a resume shares the torn line
        runs.append_event(run.folder, {"fraction": 1, "step": step})
    assert runs.events(run.folder)[-1]["step"] == 4


def test_events_that_are_no_objects_are_left_out(run):
    (run.folder / "events.jsonl").write_bytes(b'1\n"x"\n\xff\xfe\n{"fraction": 1}\n\n')
    assert runs.events(run.folder) == [{"fraction": 1}]
    assert runs.last_event(run.folder) == {"fraction": 1}


def test_before_the_first_event(run):
    assert runs.events(run.folder) == []
    assert runs.last_event(run.folder) == {}
    assert runs.log_tail(run.folder) == ""


def test_tails_cost_the_same_however_long_the_file(run):
    for step in range(2000):
        runs.append_event(run.folder, {"step": step})
    assert runs.last_event(run.folder)["step"] == 1999
    assert len(runs.tail(run.folder / "events.jsonl")) == 8192
    (run.folder / "log.txt").write_bytes(b"\xff" + b"line\n" * 500)
    assert runs.log_tail(run.folder, 2) == "line\nline"


def test_write_json_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x.json"
    runs.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        runs.write_json(path, {"a": {2}})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path], "no partial file stays"


@pytest.mark.parametrize(
    "run_id",
    [
        "../../etc",
        "..",
        "",
        "/etc",
        "20260101T000000-generate-abcdef/..",
        "20260101T000000-generate-abcdef\n",
    ],
)
def test_a_hostile_id_has_no_folder(run, run_id):
    with pytest.raises(UserError, match="has no result here"):
        runs.sibling(run.folder, run_id)


def test_a_sibling_has_a_result(run):
    other = runs.create(run.folder.parent, "generate", {})
    with pytest.raises(UserError, match=other.id):
        runs.sibling(run.folder, other.id)
    runs.finish(other.folder, RunState.COMPLETED, result={})
    assert runs.sibling(run.folder, other.id) == other.folder


def test_fingerprint_sees_names_and_contents(tmp_path):
    folder = tmp_path / "f"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a").write_bytes(b"1")
    first = runs.fingerprint(folder)
    assert len(first) == 64
    assert first == runs.fingerprint(folder)
    (folder / "sub" / "a").write_bytes(b"2")
    second = runs.fingerprint(folder)
    (folder / "sub" / "a").rename(folder / "sub" / "b")
    third = runs.fingerprint(folder)
    (folder / os.fsdecode(b"caf\xe9")).write_bytes(b"")
    assert len({first, second, third, runs.fingerprint(folder)}) == 4


def test_fingerprint_does_not_run_names_into_contents(tmp_path):
    for name, content in (("a", b"bc"), ("ab", b"c")):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_bytes(content)
    assert runs.fingerprint(tmp_path / "a") != runs.fingerprint(tmp_path / "ab")


def test_an_ended_run_is_read_anew_once_its_files_changed(storage):
    run = runs.create(storage.runs, "generate", {"count": 2})
    runs.finish(run.folder, RunState.COMPLETED, result={"images": 2})
    first = runs.read(run.folder)
    first.spec["count"] = 99
    assert runs.read(run.folder).spec == {"count": 2}, "its own dict for each who asks"
    runs.finish(run.folder, RunState.COMPLETED, result={"images": 3})
    assert runs.read(run.folder).result == {"images": 3}
    runs.move(run.folder, "1234abcd")
    assert runs.read(run.folder).project == "1234abcd"
    runs.reopen(run.folder)
    assert runs.read(run.folder).state is RunState.PENDING


def test_names_are_those_of_a_kind_by_age(storage):
    made = [runs.create(storage.runs, kind, {}).id for kind in ("parts", "line", "parts")]
    (storage.runs / "notes").mkdir()
    assert runs.names(storage.runs) == sorted(made)
    assert runs.names(storage.runs, "parts") == sorted([made[0], made[2]])
    assert runs.names(storage.runs / "none") == []
