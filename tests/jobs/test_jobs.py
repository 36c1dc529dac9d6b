"""Jobs as real child processes, driven by the queue, into a real DuckDB file."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backend.core import facts, jobs, runs
from backend.core.jobs import Supervisor
from backend.core.store import Store, differences
from backend.records import Cause, RunState, UserError

SMALL = {"count": 3, "size": 128, "seed": 5}
LONG = {"count": 5000, "size": 128}


@pytest.fixture
def supervisor(storage, store):
    made = Supervisor(storage, store, interval=0.1)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def ended(supervisor, until):
    """Waits until the run has ended and the database knows it; returns the run."""

    def wait(run_id):
        until(lambda: supervisor.find(run_id).state.ended)
        until(lambda: run_id in supervisor.store.signatures())
        return supervisor.find(run_id)

    return wait


@pytest.fixture
def running(supervisor, until):
    """Waits until the run reports progress; returns its pid."""

    def wait(run_id, fraction=0.0):
        folder = supervisor.find(run_id).folder
        until(lambda: runs.last_event(folder).get("fraction", -1) > fraction)
        return runs.read_json(folder / "process.json")["pid"]

    return wait


def rows(store, run_id, table):
    return store.facts(table, run_id).drop(columns="run_id").to_csv(index=False)


def test_from_submission_to_rows(supervisor, ended, storage):
    run = supervisor.submit("generate", SMALL, name="  Three  ")
    assert (run.state, run.name) == (RunState.PENDING, "Three")
    done = ended(run.id)
    assert (done.state, done.error) == (RunState.COMPLETED, "")
    assert done.result["images"] == 3
    images = supervisor.store.facts("images", run.id)
    boxes = supervisor.store.facts("boxes", run.id)
    assert len(images) == 3
    assert len(boxes) == done.result["boxes"] > 0
    assert set(boxes["image"]) <= set(images["image"])
    assert all((done.folder / path).is_file() for path in images["path"])
    assert [event["fraction"] for event in runs.events(done.folder)][-1] == 1.0
    provenance = runs.read_json(done.folder / "provenance.json")
    assert provenance["versions"]["numpy"] != "not installed"
    assert provenance["inputs"] == {}
    assert not (done.folder / "checkpoint").exists()
    assert supervisor.store.runs()["name"][0] == "Three"
    assert differences(supervisor.store, storage.runs) == []


def test_metrics_become_curves_and_inputs_are_hashed(supervisor, ended, probe):
    first = ended(supervisor.submit(probe, {"steps": 40, "ending": "not a number"}).id)
    curve = supervisor.store.facts("curves", first.id)
    assert list(curve["value"]) == [1 / (1 + step) for step in range(40)]
    on_disk = facts.read(first.folder, "figures")
    in_store = supervisor.store.facts("figures", first.id)[list(on_disk.columns)]
    assert in_store.to_csv() == on_disk.to_csv()
    assert first.result == {"steps": 40, "score": None, "words": ["a", "b"]}, "NaN is null"
    stored = supervisor.store.read("SELECT result FROM runs WHERE id = ?", [first.id])
    assert json.loads(stored["result"][0]) == first.result
    second = ended(supervisor.submit(probe, {"source_run": first.id}).id)
    provenance = runs.read_json(second.folder / "provenance.json")
    assert provenance["inputs"] == {
        f"source_run:{first.id}": runs.fingerprint(
            first.folder / "facts", first.folder / "artifacts"
        )
    }
    assert supervisor.dependents(first.id) == [second.id]


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("generate", {"count": 0}, "Count must be between 1 and 100000; got 0."),
        ("generate", {"colour": 1}, "Unknown setting 'colour'."),
        ("generate", {"teacher": "folder"}, "Folder is missing"),
        ("generate", {"folder": "/no/such"}, "there is no folder '/no/such'"),
        ("generate", {"folder": "/etc/hostname"}, "there is no folder '/etc/hostname'"),
        ("generate", {"folder": "x" * 5000}, "there is no folder 'xxx"),
        ("conjure", {}, "Unknown kind of job 'conjure'. Known are: generate"),
        ("probe", {"source_run": "../../etc"}, "Source run: there is no run '../../etc'."),
        ("probe", {"source_run": ".."}, "Source run: there is no run '..'."),
        ("probe", {"source_run": "20260101T000000-probe-abcdef"}, "there is no run '2026"),
    ],
)
def test_a_bad_job_is_refused_before_any_work(storage, probe, kind, values, words):
    with pytest.raises(UserError) as refused:
        jobs.submit(storage, kind, values)
    assert words in str(refused.value)
    assert list(storage.runs.iterdir()) == []


@pytest.mark.parametrize("state", ["failed", "canceled", "interrupted"])
def test_an_input_that_did_not_complete_is_refused(storage, probe, state):
    source = runs.create(storage.runs, probe, {})
    runs.finish(source.folder, RunState(state))
    with pytest.raises(UserError, match=f"run '{source.id}' is {state}"):
        jobs.submit(storage, probe, {"source_run": source.id})
    other = runs.create(storage.runs, "generate", {})
    with pytest.raises(UserError, match="is of kind 'generate', not 'probe'"):
        jobs.submit(storage, probe, {"source_run": other.id})


def test_a_nearly_full_disk_is_refused(storage, monkeypatch):
    usage = shutil.disk_usage(storage.storage)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=400 * 2**20))
    with pytest.raises(UserError, match=r"Only 400 MB are free .* at least 500 MB"):
        jobs.submit(storage, "generate", SMALL)
    assert list(storage.runs.iterdir()) == []


def test_a_storage_nobody_can_make_is_refused_in_words(storage, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"Cannot write to .*Set DISTILLERY_STORAGE"):
        jobs.check_disk(tmp_path / "file" / "storage")


def test_a_full_disk_is_told_in_one_sentence(supervisor, ended, probe):
    run = ended(supervisor.submit(probe, {"ending": "full"}).id)
    assert run.state is RunState.FAILED
    assert run.error == "The disk is full. Free some space (Storage page), then resume the run."
    assert (run.cause, run.resumable) == (Cause.SHORTAGE, True)
    assert supervisor.store.facts("figures", run.id).empty
    assert "Traceback" in runs.log_tail(run.folder)


def test_a_mistake_of_the_user_ends_in_one_sentence_and_is_not_resumed(supervisor, ended, probe):
    run = ended(supervisor.submit(probe, {"ending": "refuse"}).id)
    sentence = "The picture 'x.png' is not square. Crop it."
    assert (run.state, run.cause, run.error) == (RunState.FAILED, Cause.MISTAKE, sentence)
    assert runs.log_tail(run.folder) == sentence, "no traceback"
    with pytest.raises(UserError, match=rf"{run.id} would fail again: {sentence} Change that"):
        supervisor.resume(run.id)
    assert supervisor.find(run.id).state is RunState.FAILED
    again = supervisor.submit(probe, run.spec | {"ending": "good"}, parent=run.id)
    assert ended(again.id).state is RunState.COMPLETED


def test_a_fault_of_the_program_says_so_and_can_be_resumed(supervisor, ended, probe):
    run = ended(supervisor.submit(probe, {"ending": "crash"}).id)
    assert (run.state, run.cause, run.resumable) == (RunState.FAILED, Cause.FAULT, True)
    assert run.error.startswith("This is a fault of the program, not of your data: ZeroDivision")
    assert "Traceback" in runs.log_tail(run.folder)
    supervisor.resume(run.id)


def test_a_failed_run_of_an_older_version_still_opens(storage, store, probe):
    """Its result.json says nothing of the cause; it may be resumed, as it always could."""
    still = Supervisor(storage, store)
    run = runs.create(storage.runs, probe, {})
    runs.finish(run.folder, RunState.FAILED, error="why")
    outcome = runs.read_json(run.folder / "result.json")
    del outcome["cause"]
    runs.write_json(run.folder / "result.json", outcome)
    old = runs.read(run.folder)
    assert (old.state, old.error, old.cause) == (RunState.FAILED, "why", Cause.UNKNOWN)
    still.resume(run.id)
    assert still.find(run.id).state is RunState.PENDING


def test_a_pending_run_is_canceled_at_once(storage, store, probe):
    still = Supervisor(storage, store)
    run = still.submit(probe, {})
    still.cancel(run.id)
    assert still.find(run.id).state is RunState.CANCELED
    still.tick()
    assert not (run.folder / "process.json").exists()
    assert list(store.runs()["state"]) == ["canceled"]
    still.resume(run.id)
    assert still.find(run.id).state is RunState.PENDING


def test_a_running_job_is_not_doubled_and_canceled_at_its_next_step(
    supervisor, running, ended, storage, until
):
    run = supervisor.submit("generate", LONG)
    with pytest.raises(UserError, match=f"is already .* as {run.id}"):
        supervisor.submit("generate", LONG)
    pid = running(run.id)
    with pytest.raises(UserError, match=f"is already running as {run.id}"):
        supervisor.submit("generate", LONG | {"classes": ("crack",)}, name="another name")
    supervisor.cancel(run.id)
    done = ended(run.id)
    assert (done.state, done.result) == (RunState.CANCELED, None)
    assert supervisor.store.facts("images", run.id).empty
    assert not (run.folder / "facts").exists()
    assert differences(supervisor.store, storage.runs) == []
    until(lambda: not Path(f"/proc/{pid}").exists())
    supervisor.cancel(supervisor.submit("generate", LONG).id)  # ended, it may be asked for again


def test_a_cancel_meets_a_run_that_just_starts(storage, store, probe, monkeypatch, until):
    """Another process cancels between the queue's look at a pending run and its start."""
    still = Supervisor(storage, store)
    run = still.submit(probe, {"steps": 1000, "pause": 0.05})
    start = jobs.start

    def late(settings, folder):
        jobs.request_cancel(folder)
        return start(settings, folder)

    monkeypatch.setattr(jobs, "start", late)
    still.tick()
    until(lambda: not still._children or still.tick())
    assert still.find(run.id).state is RunState.CANCELED
    assert runs.events(run.folder) == [], "no work was done"


def test_a_library_that_swallows_exceptions_is_canceled_too(supervisor, running, ended, probe):
    run = supervisor.submit(probe, {"ending": "swallow"})
    running(run.id, 0.4)
    assert jobs.memory_in_use(supervisor.find(run.id)) > 2**20
    supervisor.cancel(run.id)
    done = ended(run.id)
    assert done.state is RunState.CANCELED
    assert supervisor.store.facts("figures", run.id).empty
    assert jobs.memory_in_use(done) == 0


@pytest.fixture
def leader():
    """The pid of a living process that leads a group."""
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as child:
        yield child.pid
        child.kill()


@pytest.mark.parametrize("whose", ["first", "own", "group"])
def test_only_a_group_that_a_job_leads_is_signalled(storage, monkeypatch, leader, whose):
    """kill(-1) would end every process of the machine, the dashboard's group the dashboard."""
    monkeypatch.setattr(os, "killpg", lambda *_: pytest.fail("signalled"))
    monkeypatch.setattr(os, "getpgrp", lambda: leader)  # who leads that of the tests may be gone
    run = jobs.submit(storage, "parts", {"scale": 0.02}, queued=False)
    runs.claim(run.folder, {"first": 1, "own": os.getpid(), "group": leader}[whose])
    claim = runs.read_json(run.folder / "process.json")
    assert runs.is_alive(claim)
    jobs.signal_group(claim, signal.SIGKILL)


def test_a_process_that_leads_no_group_is_not_signalled(storage, bystander):
    run = jobs.submit(storage, "parts", {"scale": 0.02}, queued=False)
    runs.claim(run.folder, bystander)
    claim = runs.read_json(run.folder / "process.json")
    jobs.signal_group(claim, signal.SIGKILL)
    assert runs.is_alive(claim)


def test_a_deaf_process_is_killed(supervisor, ended, probe, until, monkeypatch):
    run = supervisor.submit(probe, {"ending": "deaf"})
    until((run.folder / "deaf").exists)
    pid = runs.read_json(run.folder / "process.json")["pid"]
    assert (run.folder / "facts" / "figures.parquet").exists()
    monkeypatch.setattr(jobs, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(jobs, "KILL_SECONDS", 0.5)
    supervisor.cancel(run.id)
    done = ended(run.id)
    assert done.state is RunState.CANCELED
    assert not (run.folder / "facts").exists()
    assert supervisor.store.facts("figures", run.id).empty
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_sigterm_ends_a_job_that_reports_no_progress(supervisor, probe, until):
    run = supervisor.submit(probe, {"ending": "silent"})
    until((run.folder / "silent").exists)
    os.killpg(runs.read_json(run.folder / "process.json")["pid"], signal.SIGTERM)
    until(lambda: supervisor.find(run.id).state.ended)
    assert supervisor.find(run.id).state is RunState.CANCELED


def test_killed_means_interrupted_at_the_next_round(storage, store, probe, monkeypatch, until):
    still = Supervisor(storage, store)
    run = _killed(still, {"count": 5}, monkeypatch, until)
    still.tick()
    assert still.store.runs(state="interrupted")["id"].tolist() == [run.id]
    assert still.interval <= 5.0, "seconds to the next round"
    stopped = still.find(run.id)
    assert stopped.result is None
    assert "without a result" in stopped.error
    assert still.store.facts("images", run.id).empty


def _killed(still: Supervisor, spec, monkeypatch, until) -> runs.Run:
    """A run of the kind generate whose process was killed at a tenth of its work."""
    run = still.submit("generate", spec)
    with monkeypatch.context() as held:
        held.setenv("PROBE_HOLD", "0.1")
        still.tick()
    until(lambda: runs.last_event(run.folder).get("fraction", 0) >= 0.1)
    os.kill(runs.read_json(run.folder / "process.json")["pid"], signal.SIGKILL)
    until(lambda: still.find(run.id).state.ended)
    return run


def test_a_killed_run_resumes_to_what_it_would_have_been(storage, store, probe, monkeypatch, until):
    """The same facts, pictures and result as a run that nothing disturbed."""
    supervisor = Supervisor(storage, store)
    spec = {"count": 30, "size": 128, "seed": 9}
    run = _killed(supervisor, spec, monkeypatch, until)
    supervisor.resume(run.id)
    until(lambda: supervisor.tick() or run.id in _completed(supervisor))
    whole = supervisor.submit("generate", spec)
    until(lambda: supervisor.tick() or whole.id in _completed(supervisor))
    whole, resumed = supervisor.find(whole.id), supervisor.find(run.id)
    assert resumed.result == whole.result
    for table in ("images", "boxes"):
        assert rows(supervisor.store, run.id, table) == rows(supervisor.store, whole.id, table)
    assert runs.fingerprint(resumed.artifacts) == runs.fingerprint(whole.artifacts)
    assert runs.events(resumed.folder)[0]["t"] < resumed.started.timestamp(), "its history is kept"


def _completed(supervisor: Supervisor) -> list[str]:
    return list(supervisor.store.runs(state="completed")["id"])


def test_deleted_and_restored(supervisor, ended, probe, storage):
    run = ended(supervisor.submit(probe, {}).id)
    before = rows(supervisor.store, run.id, "figures")
    with pytest.raises(UserError, match="is completed; only a stopped run can be resumed"):
        supervisor.resume(run.id)
    supervisor.cancel(run.id)
    assert supervisor.find(run.id).state is RunState.COMPLETED, "a late cancel changes nothing"
    supervisor.delete(run.id)
    assert supervisor.store.runs().empty
    assert supervisor.store.facts("figures", run.id).empty
    assert (storage.trash / run.id / "result.json").exists()
    with pytest.raises(UserError, match="There is no run"):
        supervisor.find(run.id)
    supervisor.restore(run.id)
    assert list(supervisor.store.runs()["id"]) == [run.id]
    assert rows(supervisor.store, run.id, "figures") == before
    supervisor.delete(run.id)
    supervisor.empty_trash()
    with pytest.raises(UserError, match="is not in the trash"):
        supervisor.restore(run.id)


@pytest.mark.parametrize("run_id", ["../../etc", "..", "", ".", "/etc", "20260101T000000-x-abcdef"])
def test_a_hostile_id_finds_nothing(storage, store, run_id):
    still = Supervisor(storage, store)
    (storage.trash / "x").mkdir(parents=True)
    for attempt in (still.find, still.cancel, still.resume, still.delete):
        with pytest.raises(UserError, match="There is no run"):
            attempt(run_id)
    with pytest.raises(UserError, match="is not in the trash"):
        still.restore(run_id)
    assert {path.name for path in storage.storage.iterdir()} >= {"runs", "trash"}


def test_a_disk_that_fills_up_at_the_start_of_a_job(storage, store, probe, monkeypatch):
    """The claim cannot be written: no process stays, the others wait, and it is tried again."""
    still = Supervisor(storage, store)
    run = still.submit(probe, {})
    started = []
    popen = subprocess.Popen

    def remembered(*call, **named):
        started.append(popen(*call, **named))
        return started[-1]

    def full(folder, pid):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(jobs.subprocess, "Popen", remembered)
        patch.setattr(runs, "claim", full)
        still.tick()
    assert [process.poll() for process in started] == [-signal.SIGKILL]
    assert "No space left on device" in still.problems[run.id]
    assert still.find(run.id).state is RunState.PENDING
    still.tick()
    assert still.find(run.id).state is RunState.RUNNING
    assert still.problems == {}


def test_the_database_can_be_lost(storage, supervisor, ended, probe):
    crashed = [ended(supervisor.submit(probe, {"ending": e}).id) for e in ("good", "crash")][1]
    assert "a fault of the program" in crashed.error
    supervisor.stop()
    before = {name: frame.to_csv() for name, frame in supervisor.store.tables().items()}
    supervisor.store.close()
    storage.database.unlink()
    fresh = Store(storage.database)
    Supervisor(storage, fresh).tick()
    assert {name: frame.to_csv() for name, frame in fresh.tables().items()} == before
    fresh.close()
