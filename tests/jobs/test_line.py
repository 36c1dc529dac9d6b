"""A line as a real process: killed, started again, beside another, without end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request

import pandas as pd
import pytest

from backend.core import jobs, runs
from backend.deployment.package import contract
from backend.line import control, job, report, segments, service, watch
from backend.line.control import Wish
from backend.line.recorder import recording, takeaway
from backend.line.shadow import candidate
from backend.line.shadow.candidate import Candidate
from backend.records import RunState
from backend.settings import PROJECT, quiet_environment
from tests.unit.line import brokers, kills
from tests.unit.line.packages import (
    MODEL_RUN,
    TYPES,
    package_run,
    threshold_run,
    variant_in_force,
)
from tests.unit.line.processes import NAME, accepted, home, started


def test_a_line_ends_with_its_last_part_and_says_what_it_saw(storage, ready):
    target = storage.storage / "out.csv"
    run, process = started(storage, ready | {"count": 120, "sink": [f"csv:{target}"]})
    assert process.wait(300) == 0
    done = runs.read(run.folder)
    assert done.result["accepted"] == 120
    assert done.result["uninspected"] == 0
    assert len(target.read_text().splitlines()) == 121
    found = report.of(home(storage))
    assert (found.accepted, found.duplicates, found.gaps) == (120, 0, 0)
    assert found.good + found.review + found.bad == 120


def test_killed_at_random_moments_every_part_has_one_verdict(storage, ready, tmp_path):
    if not brokers.MOSQUITTO:
        pytest.skip("mosquitto is not installed")
    count, killed = 150, 4
    values = ready | {"count": count, "pace": 3000.0}
    with brokers.running(tmp_path) as broker, brokers.listening(broker.port) as heard:
        found = kills.replayed(storage, values, killed, broker, heard, seed=5)
    assert found.accepted == count
    assert set(found.stored.values()) == {1}, "each part has exactly one verdict"
    assert len(found.stored) == count
    assert (found.unheard, found.gaps) == (0, 0)
    assert set(found.reasons) <= {job.LOST}
    assert found.verdicts["UNINSPECTED"] <= killed * 32, "no more than what was inside"


def test_an_opcua_client_sees_every_part_though_the_server_is_killed_twice(storage, ready, until):
    from tests.unit.line.opcua_client import Follower

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"opc.tcp://127.0.0.1:{one.getsockname()[1]}"
    values = ready | {"count": 150, "sink": [address], "pace": 1500.0}
    client = Follower(f"{address}/{NAME}")
    try:
        for _ in range(2):
            before = len(set(client.keys))
            _, process = started(storage, values)
            until(lambda before=before: len(set(client.keys)) > before)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for more in (150, 1, 1, 1):  # what was not told when it ended is told at its next start
            _, process = started(storage, values | {"count": more})
            assert process.wait(300) == 0
            if len(set(client.keys)) == accepted(storage):
                break
    finally:
        client.stop()
    found = report.of(home(storage))
    assert (len(set(client.keys)), found.duplicates) == (found.accepted, 0)
    assert client.heard.events, "and heard of parts as they came"


def test_the_judge_is_changed_while_the_line_runs(storage, ready, until):
    run, process = started(storage, ready | {"pace": 1200.0})
    until(lambda: accepted(storage) >= 3)
    limits = threshold_run(storage.runs, MODEL_RUN, dict.fromkeys(TYPES, (-1.0, -2.0)))
    control.ask(home(storage), Wish(run.id, ready["package_run"], limits.id))
    until(lambda: watch.newest(home(storage), 1)["thresholds"].tolist() == [9])
    drifted = package_run(storage.runs, shift=1.0)
    control.ask(home(storage), Wish(run.id, drifted.id))
    until(lambda: "golden part" in watch.status(home(storage)).troubles.get("change", ""))
    assert jobs.request_cancel(run.folder)
    assert process.wait(300) == 130
    rows = watch.newest(home(storage), 10_000)
    assert rows["thresholds"].tolist() == sorted(rows["thresholds"]), "4, then 9"
    assert set(rows.loc[rows["thresholds"] == 9, "verdict"]) == {"BAD"}
    assert rows.groupby("config")["thresholds"].nunique().tolist() == [1, 1]


def test_a_variant_put_in_force_judges_from_then_on_and_figures_say_so(storage, ready, until):
    port = brokers.free_port()
    run, process = started(storage, ready | {"pace": 1200.0, "metrics_port": port})
    until(lambda: accepted(storage) >= 3)
    key = service.key_of(home(storage))

    def figures():
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}/metrics", headers={"X-API-Key": key}
        )
        with urllib.request.urlopen(asked, timeout=30) as found:
            return found.read().decode()

    assert 'variant="FP32"' in figures()
    file = variant_in_force(storage.storage, runs.read(storage.runs / ready["package_run"]))
    until(lambda: 'variant="INT8"' in figures())
    digest = contract.sha256(file)[:12]
    assert f'package="{digest}"' in figures()
    until(lambda: watch.newest(home(storage), 1)["package"].tolist() == [digest])
    until(lambda: watch.status(home(storage)).variant == "INT8")
    assert jobs.request_cancel(run.folder)
    assert process.wait(300) == 130


def test_a_candidate_judges_beside_a_line_and_changes_nothing(storage, ready, until):
    run, process = started(storage, ready | {"pace": 1200.0})
    until(lambda: accepted(storage) >= 3)
    limits = threshold_run(storage.runs, MODEL_RUN, dict.fromkeys(TYPES, (-1.0, -2.0)))
    candidate.ask(home(storage), Candidate(run.id, ready["package_run"], limits.id))
    until(lambda: (told := candidate.status(home(storage))) and told.judged >= 5)
    assert jobs.request_cancel(run.folder)
    assert process.wait(300) == 130
    told = candidate.status(home(storage))
    assert told.offered == told.judged + told.dropped
    rows = watch.newest(home(storage), 10_000)
    assert set(rows["thresholds"]) == {4}, "the line goes by its own"
    kept = segments.files(candidate.home_of(home(storage)))
    beside = pd.concat(map(pd.read_parquet, kept))
    assert len(beside) == told.judged and set(beside["verdict"]) == {"BAD"}
    both = beside.merge(rows, on=["epoch", "sequence"], suffixes=("", "_line"))
    assert both["active"].tolist() == both["verdict_line"].tolist()
    assert len(both) == len(beside)


def test_golden_parts_that_differ_stop_the_line_before_its_first_part(storage, ready):
    drifted = package_run(storage.runs, shift=1.0)
    run, process = started(storage, ready | {"package_run": drifted.id})
    assert process.wait(300) == 1
    assert "golden part" in runs.read(run.folder).error
    assert accepted(storage) == 0


def test_two_lines_of_one_name_are_refused(storage, ready, until):
    _, first = started(storage, ready | {"pace": 60.0})
    until(lambda: (home(storage) / "status.json").exists())
    second, process = started(storage, ready | {"pace": 30.0})
    assert process.wait(300) == 1
    assert "runs already" in runs.read(second.folder).error
    assert first.poll() is None
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()


def test_a_line_that_is_stopped_judges_what_it_has(storage, ready, until):
    run, process = started(storage, ready | {"pace": 600.0})
    until(lambda: accepted(storage) >= 5)
    assert jobs.request_cancel(run.folder)
    assert process.wait(300) == 130
    assert runs.read(run.folder).state is RunState.CANCELED
    found = report.of(home(storage))
    assert found.uninspected == 0
    assert found.good + found.review + found.bad == found.accepted


def test_a_queued_line_that_was_killed_is_started_again(storage, store, ready, until):
    supervisor = jobs.Supervisor(storage, store, interval=0.1)
    supervisor.start()
    try:
        run = supervisor.submit("line", ready | {"pace": 600.0}, name=NAME)
        until(lambda: accepted(storage) >= 2)
        pid = runs.read_json(run.folder / "process.json")["pid"]
        os.killpg(pid, signal.SIGKILL)
        before = accepted(storage)
        until(lambda: accepted(storage) > before + 2)
        assert runs.read_json(run.folder / "process.json")["pid"] != pid
        supervisor.cancel(run.id)
        until(lambda: supervisor.find(run.id).state.ended)
    finally:
        supervisor.stop()
    assert report.of(home(storage)).gaps == 0


def test_a_line_beside_a_training_waits_for_nobody(storage, store, ready, until, probe):
    supervisor = jobs.Supervisor(storage, store, interval=0.1)
    busy = supervisor.submit(probe, {"ending": "silent"})
    line = supervisor.submit("line", ready | {"count": 5}, name=NAME)
    supervisor.start()
    try:
        until(lambda: supervisor.find(line.id).state is RunState.COMPLETED)
        assert supervisor.find(busy.id).state is RunState.RUNNING
    finally:
        supervisor.cancel(busy.id)
        until(lambda: supervisor.find(busy.id).state.ended)
        supervisor.stop()


@pytest.mark.parametrize("name", ["", "Press 3", "../up", "x" * 41])
def test_a_name_that_is_no_lines_is_refused_before_it_starts(storage, ready, name):
    with pytest.raises(Exception, match="small letters"):
        jobs.submit(storage, "line", ready, name=name)


def call(storage, *words):
    """A verb in a process of its own."""
    environment = os.environ | quiet_environment(storage)
    environment["DISTILLERY_STORAGE"] = str(storage.storage)
    return subprocess.run(
        [sys.executable, "-m", "backend", *words],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_a_recorded_alarm_is_judged_again_by_the_command_line(storage, ready):
    _, process = started(storage, ready | {"count": 16})
    assert process.wait(300) == 0
    kept = recording.files(home(storage))
    target = storage.storage / "alarm.zip"
    target.write_bytes(takeaway.packed(home(storage), kept[0].name))
    shutil.rmtree(storage.runs)
    done = call(storage, "rejudge", str(target))
    assert done.returncode == 0, done.stderr
    assert "to the bit" in done.stdout
    assert call(storage, "rejudge", str(storage.storage / "none.zip")).returncode == 2


def test_the_command_line_runs_a_line_and_reports(storage, ready):
    words = ["--source", "replay", "--parts-run", "latest", "--pace", "0", "--count", "30"]
    target = storage.storage / "a.csv"
    more = ["--package-run", "latest", "--sink", f"csv:{target}"]
    assert call(storage, "line", "--name", NAME, *words, *more).returncode == 0
    assert call(storage, "line", "--name", NAME, *words, *more).returncode == 0
    shown = json.loads(call(storage, "line-report", "--name", NAME, "--json").stdout)
    assert (shown["accepted"], shown["gaps"], shown["duplicates"]) == (60, 0, 0)
    assert len(target.read_text().splitlines()) == 61
    assert call(storage, "line-report", "--name", "nobody").returncode == 2
