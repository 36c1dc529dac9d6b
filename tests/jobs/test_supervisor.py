"""The queue: order, limits, inputs, damaged neighbours, and an owner that dies."""

import os
import signal
import subprocess
import sys

import pytest

from backend import demo
from backend.actions import work
from backend.core import facts, jobs, runs
from backend.core import store as store_module
from backend.core.audit import Actor, Way
from backend.core.jobs import Supervisor
from backend.core.store import Store, differences
from backend.records import Cause, RunState, UserError

SLOW = {"steps": 1000, "pause": 0.05}


@pytest.fixture
def make(storage, store):
    """Makes a queue that moves only when told to, so that each step can be looked at."""
    return lambda **changes: Supervisor(
        type(storage)(**(storage.__dict__ | changes)), store, interval=0.1
    )


def states(queue, made):
    return [queue.find(run.id).state.value for run in made]


def test_at_most_max_jobs_run_and_the_oldest_goes_first(make, probe, until):
    queue = make(max_jobs=2)
    made = [queue.submit(probe, SLOW | {"seed": seed}) for seed in range(3)]
    for _ in range(3):
        queue.tick()
        assert states(queue, made) == ["running", "running", "pending"]
    assert [run.id for run in queue.active()] == [run.id for run in made]
    queue.cancel(made[0].id)
    until(lambda: queue.tick() or states(queue, made) == ["canceled", "running", "running"])
    for run in made[1:]:
        queue.cancel(run.id)
    until(lambda: queue.tick() or states(queue, made) == ["canceled"] * 3)
    queue.tick()
    assert queue.store.counts() == {"canceled": 3}
    assert queue.active() == []


def test_none_is_started_where_none_may_run(make, probe):
    queue = make(max_jobs=0)
    made = queue.submit(probe, {"seed": 1})
    queue.tick()
    assert states(queue, [made]) == ["pending"]


def test_a_run_waits_for_its_input_and_others_pass_it(make, probe, tmp_path, until):
    queue = make(max_jobs=1)
    gates = [tmp_path / "first", tmp_path / "second"]
    first = queue.submit(probe, {"gate": str(gates[0])})
    second = queue.submit(probe, {"source_run": first.id, "gate": str(gates[1])})
    assert queue.waits_for(second) == [first.id]
    queue.tick()
    other = queue.submit(probe, {"seed": 8})
    assert states(queue, [first, second, other]) == ["running", "pending", "pending"]
    with pytest.raises(UserError, match=f"{first.id} is running. Cancel it first."):
        queue.delete(first.id)
    gates[0].touch()
    until(lambda: queue.tick() or queue.find(first.id).state is RunState.COMPLETED)
    with pytest.raises(UserError, match=f"{first.id} is in use by {second.id}. Cancel that first."):
        queue.delete(first.id)
    assert queue.dependents(first.id) == [second.id]
    gates[1].touch()
    until(lambda: queue.tick() or states(queue, [second, other]) == ["completed"] * 2)
    assert queue.find(second.id).started < queue.find(other.id).started


def test_what_is_behind_a_waiting_run_is_in_use_too(make, probe, until):
    """A job may read the inputs of its inputs: a comparison, or a search for copies, does."""
    queue = make(max_jobs=1)
    first = queue.submit(probe, {"steps": 1})
    second = queue.submit(probe, {"source_run": first.id})
    until(lambda: queue.tick() or states(queue, [first, second]) == ["completed"] * 2)
    third = queue.submit(probe, {"source_run": second.id, "pause": 1.0, "steps": 60})
    with pytest.raises(UserError, match=f"{first.id} is in use by {third.id}"):
        queue.delete(first.id)
    assert queue.dependents(first.id) == [second.id], "those that name it themselves"
    queue.cancel(third.id)
    until(lambda: queue.tick() or queue.find(third.id).state.ended)
    queue.delete(first.id)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RunState.FAILED, "failed"),
        (RunState.INTERRUPTED, "was interrupted"),
        (None, "was deleted"),
    ],
)
def test_a_run_whose_input_will_never_come_says_so(make, probe, storage, state, words):
    queue = make(max_jobs=1)
    source = runs.create(storage.runs, probe, {})
    run = queue.submit(probe, {"source_run": source.id})
    queue.tick()
    assert queue.find(run.id).state is RunState.PENDING, "it waits"
    if state:
        runs.finish(source.folder, state)
    else:
        source.folder.rename(storage.storage / "away")
    queue.tick()
    failed = queue.find(run.id)
    assert failed.state is RunState.FAILED
    assert f"Its input {source.id} {words}." in failed.error
    assert failed.resumable, "once its input is there"
    with pytest.raises(UserError, match=f"Its input {source.id} {words}."):
        queue.resume(run.id)
    assert not (run.folder / "process.json").exists()
    queue.tick()
    assert run.id in set(queue.store.runs(state="failed")["id"])


def test_what_waits_for_a_canceled_run_was_not_started_and_failed_in_nothing(make, probe, storage):
    queue = make(max_jobs=1)
    source = runs.create(storage.runs, probe, {})
    second = queue.submit(probe, {"source_run": source.id})
    third = queue.submit(probe, {"source_run": second.id})
    runs.finish(source.folder, RunState.CANCELED)
    queue.tick()
    queue.tick()
    for run, before in ((second, source), (third, second)):
        ended = queue.find(run.id)
        assert ended.state is RunState.CANCELED
        assert ended.error == (
            f"Not started. Its input {before.id} was canceled. Resume that, then this run."
        )
        with pytest.raises(UserError, match=f"Its input {before.id} was canceled. Resume that"):
            queue.resume(run.id)
    queue.tick()
    assert queue.store.runs(state="failed").empty
    for run in (source, second, third):
        queue.resume(run.id)
    assert states(queue, [source, second, third]) == ["pending"] * 3


def test_a_run_whose_input_cannot_go_on_cannot_either(make, probe, storage):
    queue = make(max_jobs=1)
    source = runs.create(storage.runs, probe, {})
    run = queue.submit(probe, {"source_run": source.id})
    runs.finish(source.folder, RunState.FAILED, error="Too few parts.", cause=Cause.MISTAKE)
    queue.tick()
    failed = queue.find(run.id)
    assert f"Its input {source.id} failed: Too few parts. Start that again" in failed.error
    assert not failed.resumable


def test_a_run_of_the_command_line_is_left_to_it(make, probe, storage):
    queue = make(max_jobs=1)
    run = jobs.submit(storage, probe, {}, queued=False)
    queue.tick()
    assert queue.find(run.id).state is RunState.PENDING
    runs.claim(run.folder, os.getpid())
    waiting = queue.submit(probe, {"seed": 1})
    queue.tick()
    assert queue.find(waiting.id).state is RunState.PENDING, "but counts against the limit"


def test_damaged_runs_are_named_and_stop_nobody(make, probe, storage, until):
    queue = make(max_jobs=1)
    damaged = {}
    for file, content in (
        ("spec.json", ""),
        ("spec.json", '{"kind": "probe", "created": 3, "spec": {}}'),
        ("process.json", "{}"),
        ("result.json", '{"state": "completed", "fini'),
        ("result.json", '{"state": "completed"}'),
        ("events.jsonl", '{"metrics": "none"}\n'),
        ("provenance.json", "{"),
        ("facts/figures.parquet", "PAR1"),
    ):
        run = runs.create(storage.runs, probe, {})
        facts.write(run.folder, "figures", [])
        runs.finish(run.folder, RunState.COMPLETED, result={})
        (run.folder / file).write_text(content)
        damaged[run.id] = file
    (storage.runs / "20260101T000000-probe-abcdef").mkdir()
    (storage.runs / "notes.txt").write_text("no run")
    good = queue.submit(probe, {})
    until(lambda: queue.tick() or queue.find(good.id).state is RunState.COMPLETED)
    queue.tick()
    assert list(queue.store.runs()["id"]) == [good.id], "nothing half-written"
    assert len(queue.problems) == len(damaged) + 1
    for run_id, file in damaged.items():
        assert str(storage.runs / run_id / file) in queue.problems[run_id]
        assert "\n" not in queue.problems[run_id]
    assert len(differences(queue.store, storage.runs)) == len(damaged) + 1
    for run_id in list(queue.problems):
        queue.delete(run_id)
    queue.tick()
    assert queue.problems == {}


def test_a_run_that_cannot_be_taken_in_for_an_unknown_reason_stops_nobody(
    make, probe, storage, monkeypatch, caplog
):
    queue = make(max_jobs=1)
    bad, good = (runs.create(storage.runs, probe, {}) for _ in range(2))
    for run in (bad, good):
        runs.finish(run.folder, RunState.COMPLETED, result={})
    row_of = store_module._row

    def broken(run, mark):
        if run.id == bad.id:
            raise RuntimeError("no idea")
        return row_of(run, mark)

    monkeypatch.setattr(store_module, "_row", broken)
    for _ in range(3):
        queue.tick()
    assert list(queue.store.runs()["id"]) == [good.id]
    assert "no idea" in queue.problems[bad.id]
    assert len(caplog.records) == 1, "logged once, not at every round"


@pytest.mark.parametrize(
    "spec", [{"colour": 1}, {"steps": "many"}, {"source_run": 5}, {"steps": 0}]
)
def test_a_pending_run_with_a_spoilt_spec_fails_in_words(make, probe, storage, spec):
    queue = make(max_jobs=1)
    run = runs.create(storage.runs, probe, spec, queued=True)
    queue.tick()
    failed = queue.find(run.id)
    assert failed.state is RunState.FAILED
    assert next(iter(spec)) in failed.error.lower().replace(" ", "_")


def test_a_pending_run_of_an_unknown_kind_fails_in_words(make, storage):
    queue = make(max_jobs=1)
    run = runs.create(storage.runs, "conjure", {}, queued=True)
    queue.tick()
    assert "Unknown kind of job 'conjure'" in queue.find(run.id).error


def test_a_folder_removed_by_hand_is_forgotten(make, probe, storage):
    queue = make(max_jobs=1)
    run = runs.create(storage.runs, probe, {})
    runs.finish(run.folder, RunState.COMPLETED, result={})
    queue.tick()
    assert list(queue.store.runs()["id"]) == [run.id]
    run.folder.rename(storage.storage / "away")
    queue.tick()
    assert queue.store.runs().empty


OWNER = """
import sys, time
from pathlib import Path
from backend.core.audit import Actor, Way
from backend.core.jobs import Supervisor
from backend.settings import Settings
from backend.core.store import Store

settings = Settings(storage=Path(sys.argv[1]), threads=1)
owner = Supervisor(settings, Store(settings.database), interval=0.1)
run = owner.submit("probe", {"steps": 100, "gate": sys.argv[2]})
queued = owner.submit("probe", {"steps": 1})
owner.start()
print(run.id, queued.id, flush=True)
time.sleep(300)
"""


def test_a_job_outlives_its_owner_and_is_adopted(storage, probe, tmp_path, until):
    """kill -9 of the dashboard's process: the job goes on, the next owner takes it in."""
    gate = tmp_path / "gate"
    command = [sys.executable, "-c", OWNER, str(storage.storage), str(gate)]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    first, second = owner.stdout.readline().split()
    folder = storage.runs / first
    until(lambda: runs.last_event(folder).get("fraction", 0) > 0)
    job = runs.read_json(folder / "process.json")["pid"]
    with pytest.raises(UserError, match="in use by another process"):
        Store(storage.database)
    os.kill(owner.pid, signal.SIGKILL)
    owner.communicate()
    at_death = runs.last_event(folder)["fraction"]
    store = Store(storage.database)
    heir = Supervisor(storage, store, interval=0.1)
    heir.tick()
    adopted = heir.active()
    assert [(run.id, run.state.value) for run in adopted] == [
        (first, "running"),
        (second, "pending"),
    ]
    assert runs.read_json(folder / "process.json")["pid"] == job, "the same process, not a second"
    gate.touch()
    until(lambda: heir.tick() or second in store.signatures())
    assert runs.last_event(folder)["fraction"] == 1.0 > at_death
    assert list(store.runs(state="completed")["id"]) == [second, first]
    assert len(store.facts("figures", first)) == 100
    assert differences(store, storage.runs) == []
    store.close()


def test_the_demo_queues_every_step_and_each_waits_for_its_inputs(storage, store):
    supervisor = jobs.Supervisor(storage, store)
    work.queue(Actor("Ada", Way.PAGE), supervisor, demo.PLAN)
    waiting = supervisor.active()
    assert [run.name for run in waiting] == [demo.PLAN.name_of(step) for step in demo.STEPS]
    by_name = {step.name: run.id for run, step in zip(waiting, demo.STEPS, strict=True)}
    for run, step in zip(waiting, demo.STEPS, strict=True):
        assert supervisor.waits_for(run) == [by_name[source] for _, source in step.sources]


@pytest.mark.parametrize("leaves", [1, 2, 3, 5, 9])
def test_many_runs_are_taken_in_and_looked_at_in_turn(make, storage, monkeypatch, leaves):
    """More ended runs than a round looks at: what is new is seen at once, all within a turn, and
    none is passed over where one before it starts again."""
    monkeypatch.setattr(jobs, "LOOKS", 3)
    monkeypatch.setattr(jobs, "TAKEN_IN", 4)
    made = [runs.create(storage.runs, "generate", {"count": n}) for n in range(10)]
    made.sort(key=lambda run: run.id)
    for run in made:
        runs.finish(run.folder, RunState.COMPLETED, result={"images": 1})
    queue, rounds = make(max_jobs=0), []
    while len(queue.store.signatures()) < len(made):
        queue.tick()
        rounds.append(len(queue.store.signatures()))
    assert rounds == [4, 8, 10]
    fresh = runs.create(storage.runs, "generate", {"count": 99})
    queue.tick()
    assert [run.id for run in queue.active()] == [fresh.id]
    restarted, gone = made.pop(leaves), made.pop(0)
    gone.folder.rename(storage.storage / "elsewhere")
    for moved in made:
        runs.move(moved.folder, "1234abcd")
    runs.reopen(restarted.folder, queued=False)
    for _ in range(4):  # 10 ended runs, 3 a round
        queue.tick()
    rows = queue.store.read("SELECT id, project FROM runs").set_index("id")["project"]
    assert dict(rows) == {moved.id: "1234abcd" for moved in made}
    assert {run.id for run in queue.active()} == {fresh.id, restarted.id}


def test_one_run_is_taken_in_when_its_page_asks(make, storage):
    queue = make(max_jobs=0)
    run = runs.create(storage.runs, "generate", {"count": 1})
    queue.tick()
    runs.finish(run.folder, RunState.COMPLETED, result={"images": 1})
    assert not queue.knows(runs.read(run.folder))
    queue.take_in(run.id)
    assert queue.knows(runs.read(run.folder)) and queue.active() == []


def test_runs_that_cannot_be_taken_in_keep_none_behind_them_waiting(make, storage, monkeypatch):
    """As many damaged ones as a round takes in: those before them are taken in all the same."""
    monkeypatch.setattr(jobs, "TAKEN_IN", 2)
    made = [runs.create(storage.runs, "generate", {"count": n}) for n in range(6)]
    made.sort(key=lambda run: run.id)
    for run in made:
        runs.finish(run.folder, RunState.COMPLETED, result={"images": 1})
    damaged = made[2:]
    for run in damaged:
        facts.write(run.folder, "figures", [{"subject": "a", "metric": "b", "value": 1.0}])
        facts.path(run.folder, "figures").write_bytes(b"no table")
    queue = make(max_jobs=0)
    for _ in range(4):
        queue.tick()
    assert set(queue.store.signatures()) == {run.id for run in made[:2]}
    assert set(queue.problems) == {run.id for run in damaged}
    assert not queue._waiting, "rounds follow each other at once as long as some wait"
    facts.path(made[2].folder, "figures").unlink()
    queue.tick()
    assert made[2].id in queue.store.signatures() and made[2].id not in queue.problems


def test_a_run_folder_that_cannot_be_looked_into_stops_nobody(make, storage):
    lost = runs.create(storage.runs, "generate", {"count": 1})
    good = runs.create(storage.runs, "generate", {"count": 2})
    runs.finish(good.folder, RunState.COMPLETED, result={"images": 1})
    lost.folder.rename(storage.storage / "elsewhere")
    lost.folder.symlink_to(lost.folder)  # as a link of another disk, or one without the right
    assert [run.id for run in runs.readable(runs.folders(storage.runs))] == [good.id]
    queue = make(max_jobs=0)
    queue.tick()
    assert list(queue.store.signatures()) == [good.id]
