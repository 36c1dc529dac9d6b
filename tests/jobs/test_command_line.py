"""The command line: exit codes, JSON, plain lines and Ctrl-C, as people and scripts meet them."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from backend.__main__ import main
from backend.core import audit, jobs, registry, runs, specs, terminal
from backend.core.audit import Actor, Way
from backend.core.store import Store
from backend.records import RunState
from backend.settings import PROJECT, quiet_environment, settings


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "backend", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def call(storage, monkeypatch):
    """A verb that starts no job, called in this process: exit code, stdout, stderr."""
    for name, value in quiet_environment(settings()).items():
        monkeypatch.setenv(name, value)  # so that what the call sets is undone

    def invoke(*arguments):
        done = CliRunner().invoke(main, arguments)
        return done.exit_code, done.stdout, done.stderr

    return invoke


@pytest.fixture
def make(storage):
    def make_run(kind="generate", state=RunState.COMPLETED, name=""):
        run = runs.create(storage.runs, kind, {}, name=name)
        if state:
            runs.finish(run.folder, state, result={}, error="why" if state == "failed" else "")
        return run

    return make_run


def test_a_verb_runs_its_job_and_prints_the_result_as_json(storage):
    process = start("generate", "--count", "2", "--classes", "chip", "--name", "Two", "--json")
    out, err = process.communicate()
    assert process.returncode == 0, err
    record = json.loads(out)
    assert (record["state"], record["error"], record["result"]["images"]) == ("completed", "", 2)
    run = runs.read(storage.runs / record["id"])
    assert (run.name, run.spec["classes"]) == ("Two", ["chip"])
    assert "\x1b" not in err, "plain lines where there is no terminal"
    assert re.match(r"Teacher images: +\d+%", err)
    assert f"{run.id} completed in " in err.splitlines()[-1]
    store = Store(storage.database)
    assert len(store.facts("images", run.id)) == 2
    store.close()


def test_a_job_that_fails_exits_with_1_and_names_its_log(storage, probe):
    process = start("probe", "--ending", "refuse", "--json")
    out, err = process.communicate()
    assert process.returncode == 1
    record = json.loads(out)
    assert (record["state"], record["result"]) == ("failed", None)
    assert record["error"] == "The picture 'x.png' is not square. Crop it."
    assert str(storage.runs / record["id"] / "log.txt") in err
    assert "resumed, it would only fail again" in err
    assert "Traceback" not in err
    process = start("resume", record["id"])
    out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert f"{record['id']} would fail again: The picture 'x.png' is not square. Crop it." in err
    assert "Traceback" not in err
    assert runs.read(storage.runs / record["id"]).state is RunState.FAILED, "left as it was"


def test_ctrl_c_cancels_the_job(storage, probe, until):
    process = start("probe", "--steps", "1000", "--pause", "0.05", "--json")
    until(
        lambda: [
            run for run in runs.readable(runs.folders(storage.runs)) if runs.last_event(run.folder)
        ]
    )
    run = runs.readable(runs.folders(storage.runs))[0]
    pid = runs.read_json(run.folder / "process.json")["pid"]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert json.loads(out)["state"] == "canceled"
    assert "canceled." in err
    assert "Traceback" not in err
    assert runs.read(run.folder).state is RunState.CANCELED
    assert not (run.folder / "facts").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_signal_that_breaks_into_a_print_prints_nothing(storage, probe, monkeypatch):
    """A print within a print met a half-imported module of rich, and the job was left alone."""
    run = jobs.submit(storage, probe, {"steps": 1000, "pause": 0.05}, queued=False)
    before = signal.getsignal(signal.SIGINT)
    depths = [0]
    said = []

    def watched(words, **_):
        depths.append(depths[-1] + 1)
        said.append(words)
        if len(said) == 1:
            signal.raise_signal(signal.SIGINT)
        depths.append(depths[-1] - 1)

    monkeypatch.setattr(terminal.console, "print", watched)
    ada = Actor("Ada", Way.COMMAND_LINE)
    assert terminal.follow(ada, storage, run.folder).state is RunState.CANCELED
    assert max(depths) == 1
    assert said[-1] == f"{run.id} canceled. "
    noted = [(one.action, one.about) for one in audit.newest(storage.storage)]
    assert noted == [("cancel", run.id)], "once, though two signals came"
    assert signal.getsignal(signal.SIGINT) is before


def test_a_resumed_job_that_is_killed_exits_with_3(storage, probe, until):
    run = runs.create(storage.runs, probe, {"steps": 1000, "pause": 0.05})
    runs.finish(run.folder, RunState.FAILED, error="as if")
    process = start("resume", run.id)
    until(lambda: runs.last_event(run.folder))
    os.kill(runs.read_json(run.folder / "process.json")["pid"], signal.SIGKILL)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 3
    assert f"{run.id} interrupted." in err
    assert "Traceback" not in err
    store = Store(storage.database)
    assert list(store.runs()["state"]) == ["interrupted"]
    store.close()


def test_a_wrong_call_exits_with_2_before_any_work(storage, monkeypatch):
    process = start("generate", "--count", "0")
    _, err = process.communicate()
    assert process.returncode == 2
    assert "--count" in err
    assert list(storage.runs.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate", "--count", "many"], "'--count'"),
        (["generate", "--classes", "moss"], "'--classes'"),
        (["generate", "--colour", "red"], "--colour"),
        (["generate", "--folder", "/no/such"], "there is no folder '/no/such'"),
        (["generate", "--severity-least", "0.9", "--severity-most", "0.1"], "Severity least"),
        (["conjure"], "conjure"),
        (["probe", "--source-run", "../../etc"], "there is no run '../../etc'"),
        (["resume", "../../etc"], "There is no run '../../etc'"),
        (["cancel", "../.."], "There is no run '../..'"),
        (
            ["cancel", "20260101T000000-generate-abcdef"],
            "'python -m backend runs' lists those that there are",
        ),
        (["probe", "--source-run", "latest"], "no 'probe' run is completed yet"),
        (["generate", "--count", "0"], "Count must be between 1 and 100000; got 0. Raise it to 1."),
        (["generate", "--count", "many"], "a whole number between 1 and 100000; got 'many'."),
        (["generate", "--count", "2.5"], "Count must be a whole number between 1 and 100000"),
        (["generate", "--severity-most", "nan"], "Severity most must be a number between 0 and 1"),
        (["generate", "--classes", "moss"], "Classes must be one of: "),
        (["generate", "--classes", "dent"], "'dent' does not go with material 'glass'. Choose"),
        (["distill", "--size", "100", "--teacher-run", "x"], "Size must be one of: "),
        (["distill", "--size", "wide", "--teacher-run", "x"], "a whole number, one of: "),
        (["distill"], "or 'sample' or 'pseudo-label' run is completed yet"),
        (["dataset", "--source-runs", "latest"], "Source runs: no 'distill' or 'generate' or "),
        (["generate", "--dry-run", "--folder", "/no/such"], "there is no folder '/no/such'"),
    ],
)
def test_a_bad_value_exits_with_2_and_is_named(call, storage, probe, arguments, words):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err
    assert list(storage.runs.iterdir()) == []


@pytest.mark.parametrize("verb", ["runs", "check", "generate"])
def test_a_bad_environment_exits_with_2(call, monkeypatch, verb):
    monkeypatch.setenv("DISTILLERY_MAX_JOBS", "none")
    settings.cache_clear()
    code, _, err = call(verb)
    assert code == 2
    assert "DISTILLERY_MAX_JOBS must be a whole number" in err


def test_dry_run_prints_the_whole_spec_and_starts_nothing(call, storage):
    code, out, _ = call("generate", "--dry-run", "--count", "7", "--classes", "chip")
    kind = registry.get("generate")
    expected = specs.from_json(kind.spec_type, {"count": 7, "classes": ["chip"]})
    assert code == 0
    shown = json.loads(out)
    assert (shown["kind"], shown["spec"]) == ("generate", specs.to_json(expected))
    assert shown["estimate"] == expected.estimate()
    assert specs.from_json(kind.spec_type, json.loads(out)["spec"]) == expected
    assert list(storage.runs.iterdir()) == []
    code, _, err = call("generate", "--dry-run", "--severity-least", "1", "--severity-most", "0")
    assert (code, "Severity least" in err) == (2, True)


def test_latest_is_the_newest_completed_run_of_the_kind(call, make, probe):
    runs_made = [make(probe), make(probe), make(probe, RunState.FAILED), make("generate")]
    newest = max(run.id for run in runs_made[:2])
    broken = make(probe)
    (broken.folder / "spec.json").write_text("")
    code, out, _ = call("probe", "--dry-run", "--source-run", "latest")
    assert code == 0
    assert json.loads(out)["spec"]["source_run"] == newest


def test_latest_serves_several_runs_too(call, make):
    first, second, third = sorted(make().id for _ in range(3))
    taken = ("--source-runs", "latest")

    def sources(*arguments):
        code, out, err = call("dataset", "--dry-run", *arguments)
        assert code == 0, err
        return json.loads(out)["spec"]["source_runs"]

    assert sources(*taken) == [third]
    assert sources(*taken, *taken) == [third, second]
    assert sources(*taken, "--source-runs", third, *taken) == [second, third, first]
    code, _, err = call("dataset", *taken, *taken, *taken, *taken)
    assert code == 2
    assert "Source runs: only 3 'distill' or 'generate'" in err
    assert "or 'pseudo-label' runs are completed. Run that verb first, or name a run." in err


def test_no_option_shows_a_limit_that_is_none(call):
    for kind in registry.KINDS:
        assert "None" not in call(kind.name, "--help")[1].replace("none", "")


def test_a_verb_does_not_start_from_a_run_that_is_under_way(call, make, storage, probe):
    waiting = make(probe, None)
    code, _, err = call("probe", "--source-run", waiting.id)
    assert code == 2
    assert f"Its input {waiting.id} is not completed. Wait for that, or add --queue." in err
    assert call("probe", "--source-run", waiting.id, "--queue")[0] == 0


def test_a_queued_run_is_left_to_the_dashboard(call, storage):
    code, out, _ = call("generate", "--queue", "--json", "--name", "caf\udce9")
    assert code == 0
    run = runs.read(storage.runs / json.loads(out)["id"])
    assert (run.state, run.queued, run.name) == (RunState.PENDING, True, "caf?")
    code, _, err = call("generate", "--queue")
    assert code == 2
    assert f"already pending as {run.id}" in err
    assert call("cancel", run.id)[0] == 0
    assert runs.read(run.folder).state is RunState.CANCELED
    assert "is queued" in call("generate", "--queue")[1]


def test_runs_are_listed_newest_first(call, make):
    made = [make(name="One"), make(state=RunState.FAILED), make(state=None)]
    expected = sorted((run.id for run in made), reverse=True)
    code, out, _ = call("runs")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == expected
    listed = json.loads(call("runs", "--json", "--limit", "2")[1])
    assert [row["id"] for row in listed] == expected[:2]
    everything = {row["id"]: row for row in json.loads(call("runs", "--json")[1])}
    assert everything[made[1].id]["state"] == "failed"
    assert everything[made[1].id]["error"] == "why"


def test_one_damaged_run_does_not_hide_the_others(call, make):
    good, damaged = make(), make()
    (damaged.folder / "result.json").write_text("{")
    code, out, _ = call("runs")
    assert code == 0
    assert good.id in out


def test_check_reindex_migrate_and_backup(call, make, storage, tmp_path):
    run = make()
    code, _, err = call("check")
    assert code == 1
    assert run.id in err
    assert call("reindex")[0] == 0
    assert call("check")[:2] == (0, "Run folders and database agree.\n")
    assert "is up to date" in call("migrate")[1]
    code, _, _ = call("backup", "--to", str(tmp_path / "b.tar"))
    assert (code, (tmp_path / "b.tar").exists()) == (0, True)
    (run.folder / "result.json").write_text("{")
    code, _, err = call("reindex")
    assert code == 1
    assert str(run.folder / "result.json") in err


def test_a_completed_run_is_not_resumed(call, make):
    run = make()
    code, _, err = call("resume", run.id)
    assert code == 2
    assert "only a stopped run can be resumed" in err


def test_every_kind_has_a_verb_with_help_for_every_option(call):
    listed = call("--help")[1]
    for kind in registry.KINDS:
        assert f"\n  {kind.name} " in listed
        code, out, _ = call(kind.name, "--help")
        assert code == 0
        for p in specs.params(kind.spec_type):
            assert f"--{p.name.replace('_', '-')}" in out


def test_one_kind_that_cannot_be_imported_leaves_the_others_working(call, monkeypatch):
    broken = registry.Kind("broken", "teachers", "Broken", "", "backend.no_such_module")
    monkeypatch.setattr(registry, "KINDS", (*registry.KINDS, broken))
    assert call("generate", "--dry-run")[0] == 0
