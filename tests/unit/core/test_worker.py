"""The job's side: what it reports, how its errors read, where its result comes from."""

import errno
import json
import signal

import pytest

from backend.core import endings, runs, worker
from backend.core.worker import Reporter
from backend.records import Cancelled, Cause, RunState, Shortage, UserError
from backend.settings import PROJECT


@pytest.fixture
def folder(tmp_path):
    return runs.create(tmp_path / "runs", "generate", {"count": 1}).folder


def test_progress_becomes_events_at_most_every_interval(folder):
    report = Reporter(folder, interval=3600)
    for step in range(50):
        report(step / 50, "working")
    report(0.5, "measured", step=7, metrics={"loss": 0.25})
    report(1.0, "done")
    found = [{k: v for k, v in event.items() if k != "t"} for event in runs.events(folder)]
    assert found == [
        {"fraction": 0.0, "message": "working"},
        {"fraction": 0.5, "message": "measured", "step": 7, "metrics": {"loss": 0.25}},
        {"fraction": 1.0, "message": "done"},
    ]


def test_progress_takes_numbers_of_numpy(folder):
    import numpy as np

    metrics: dict = {"loss": np.float32(2)}
    Reporter(folder)(np.float32(0.5), step=np.int64(3), metrics=metrics)
    event = runs.last_event(folder)
    assert (event["fraction"], event["step"], event["metrics"]) == (0.5, 3, {"loss": 2.0})


def test_progress_raises_where_a_cancel_was_asked_for(folder):
    report = Reporter(folder)
    report(0.1)
    (folder / "cancel").touch()
    with pytest.raises(Cancelled):
        report(0.2)
    assert len(runs.events(folder)) == 1


def test_no_librarys_except_exception_swallows_a_cancel():
    assert not issubclass(Cancelled, Exception)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UserError("The file 'x' is not square. Crop it."), "The file 'x' is not square. Crop it."),
        (MemoryError(), "Not enough memory. Use a smaller batch"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "Not enough memory."),
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full. Free some space"),
        (RuntimeError("write failed: No space left on device"), "The disk is full."),
        (Shortage("Its input was deleted. Restore that."), "Its input was deleted. Restore that."),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "Not enough memory."),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Not enough memory."),
        (
            PermissionError(errno.EACCES, "no", "/data/a.png"),
            "Cannot use '/data/a.png': permission",
        ),
        (OSError(errno.EROFS, "no", "/data/a.png"), "Cannot use '/data/a.png': it is read-only."),
        (OSError(errno.EIO, "no"), "A file cannot be used: the drive does not answer"),
        (FileNotFoundError(errno.ENOENT, "no", "/data/a.png"), "'/data/a.png' is no longer there."),
    ],
)
def test_what_a_person_can_put_right_is_one_sentence(error, words):
    assert endings.explain(error).startswith(words)
    assert "\n" not in endings.explain(error)
    mistake = type(error) is UserError
    assert endings.cause_of(error) is (Cause.MISTAKE if mistake else Cause.SHORTAGE)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ZeroDivisionError("division by zero\nmore"), "ZeroDivisionError: division by zero; det"),
        (ValueError(), "ValueError; details"),
        (FileNotFoundError(errno.ENOENT, "no", str(PROJECT / "x")), "FileNotFoundError: [Errno 2]"),
        (FileNotFoundError(errno.ENOENT, "no", "x"), "FileNotFoundError: [Errno 2]"),
    ],
)
def test_what_nobody_foresaw_is_called_a_fault_of_the_program(error, words):
    said = endings.explain(error)
    assert said.startswith(f"This is a fault of the program, not of your data: {words}")
    assert said.endswith("details in the log, log.txt in the run's folder.")
    assert "\n" not in said
    assert endings.cause_of(error) is Cause.FAULT


def test_without_a_claim_nobody_waits_for_us(folder, monkeypatch, bystander):
    assert not worker._wait_for_claim(folder, patience=0.05)
    runs.claim(folder, bystander)
    assert not worker._wait_for_claim(folder, patience=0.05), "the claim names another process"
    monkeypatch.setattr(worker, "_wait_for_claim", lambda folder: False)
    assert worker.run(folder) == 3
    assert not (folder / "result.json").exists()


@pytest.fixture
def handlers():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run_with(folder, monkeypatch, work):
    monkeypatch.setattr(worker, "_wait_for_claim", lambda folder: True)
    monkeypatch.setattr(worker, "_work", work)
    return worker.run(folder)


def test_a_second_sigterm_does_not_break_into_the_end(folder, monkeypatch, handlers):
    """The queue sends SIGTERM twice a second until the process is gone."""
    finish = runs.finish

    def finish_under_fire(*values, **named):
        signal.raise_signal(signal.SIGTERM)
        finish(*values, **named)

    monkeypatch.setattr(runs, "finish", finish_under_fire)
    facts_there = folder / "facts"
    facts_there.mkdir()

    def work(folder):
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("not reached")

    assert run_with(folder, monkeypatch, work) == 130
    assert runs.read(folder).state is RunState.CANCELED
    assert not facts_there.exists()


def test_a_sigterm_after_the_work_leaves_the_result(folder, monkeypatch, handlers):
    finish = runs.finish

    def finish_under_fire(*values, **named):
        signal.raise_signal(signal.SIGTERM)
        finish(*values, **named)

    monkeypatch.setattr(runs, "finish", finish_under_fire)
    assert run_with(folder, monkeypatch, lambda folder: {"images": 1}) == 0
    assert runs.read(folder).result == {"images": 1}


def test_a_sigterm_while_an_error_is_reported_means_canceled(folder, monkeypatch, handlers):
    monkeypatch.setattr(worker, "explain", lambda error: signal.raise_signal(signal.SIGTERM))

    def work(folder):
        raise ValueError("broken")

    assert run_with(folder, monkeypatch, work) == 130
    assert runs.read(folder).state is RunState.CANCELED


def test_provenance_hashes_every_input(folder, tmp_path, probe):
    from probe_kind.spec import Spec

    from backend.core import facts

    source = runs.create(folder.parent, "probe", {})
    facts.write(source.folder, "figures", [{"subject": "a", "metric": "b", "value": 1.0}])
    runs.finish(source.folder, RunState.COMPLETED, result={})
    spec = Spec(source_run=source.id)
    first = worker.provenance(folder, spec)
    wanted = runs.fingerprint(source.folder / "facts", source.folder / "artifacts")
    assert first["inputs"] == {f"source_run:{source.id}": wanted}
    assert {"numpy", "pandas", "torch"} <= set(first["versions"])
    assert first["python"].startswith("3.")
    json.dumps(first)
    facts.write(source.folder, "figures", [{"subject": "a", "metric": "b", "value": 2.0}])
    assert worker.provenance(folder, spec)["inputs"] != first["inputs"]


def test_provenance_hashes_folders_of_the_user(folder, tmp_path):
    from backend.teachers.generate.spec import Spec

    photographs = tmp_path / "photographs"
    photographs.mkdir()
    (photographs / "a.png").write_bytes(b"1")
    found = worker.provenance(folder, Spec(folder=str(photographs)))["inputs"]
    assert found == {f"folder:{photographs}": runs.fingerprint(photographs)}
