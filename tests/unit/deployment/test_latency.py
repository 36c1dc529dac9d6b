"""Latency: a package called as a line calls it, stage by stage, and what else is measured."""

import json
import math
import os
import time
from dataclasses import replace

import numpy as np
import onnx
import pandas as pd
import psutil
import pytest

from backend.core import facts, runs, specs
from backend.deployment.latency import busy_core, figures, series, stages, tables, timing
from backend.deployment.latency import job as latency
from backend.deployment.latency.caller import Caller
from backend.deployment.latency.spec import BATCH, BUSY, COLD, SERIES, STAGES, THREADS, Result, Spec
from backend.deployment.latency.timing import Sample, Variant
from backend.deployment.package import contract
from backend.numeric import hardware
from backend.records import RunState, UserError
from tests.unit.deployment import tiny_packages

QUICK = {"repetitions": 30, "warm_up": 1, "series_calls": 20}


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


@pytest.fixture(params=[contract.ANOMALY, contract.DETECTOR, contract.STUDENT])
def packed(request, tmp_path):
    """A finished run of the kind `package`, with a tiny package in it."""
    run = runs.create(tmp_path / "runs", "package", {})
    tiny_packages.write(contract.folder_of(run.folder), request.param)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return run


def caller_of(tmp_path, kind=contract.ANOMALY, **more):
    return Caller(contract.read(tiny_packages.write(tmp_path / "package", kind, **more)))


def measure(packed, **changed):
    folder = runs.create(packed.folder.parent, "latency", {}).folder
    spec = Spec(package_run=packed.id, **(QUICK | changed))
    return latency.run(spec, folder, quiet), folder


def test_every_kind_of_package_is_timed(packed):
    result, folder = measure(packed, series=(STAGES, THREADS, BATCH))
    rows = facts.read(folder, "latencies")
    plain = tables.plain(rows)
    assert plain["sample"].tolist() == list(range(30))
    assert set(plain["variant"]) == {result.variant} == {"CPU, 1 thread, one part a call"}
    assert 0 < result.p50 <= result.p95 <= result.p99
    assert result.p50 == pytest.approx(plain["milliseconds"].median(), abs=1e-3)
    assert (
        math.isnan(result.p99_high)
        and result.kind == contract.read(contract.folder_of(packed.folder)).kind
    )
    assert set(rows["fingerprint"]) == {hardware.fingerprint().id} == {result.machine.id}
    assert set(rows["series"]) >= {"", STAGES, BATCH}
    batches = rows[rows["series"] == BATCH].groupby("variant")["parts"].first()
    assert batches.to_dict() == {
        **{"1 part": 1, "2 parts": 2, "4 parts": 4, "8 parts": 8, "16 parts": 16}
    }
    json.dumps(specs.to_json(result), allow_nan=False)


@pytest.mark.parametrize("packed", [contract.ANOMALY], indirect=True)
def test_a_cold_start_ends_later_than_each_of_its_steps(packed):
    result, folder = measure(packed, series=(COLD,))
    rows = facts.read(folder, "latencies")
    started = rows[rows["series"] == COLD].pivot(
        index="sample", columns="variant", values="milliseconds"
    )
    steps = started[["Python", "libraries", "model opened", "first verdict"]].to_numpy()
    assert len(steps) == series.STARTS and (np.diff(steps, axis=1) > 0).all()
    assert result.cold_ms == pytest.approx(started["first verdict"].median(), abs=0.1)
    found = tables.of_series(facts.read(folder, "figures"), COLD)
    assert found["variant"].tolist() == list(started[found["variant"]].columns)


@pytest.mark.parametrize("packed", [contract.ANOMALY], indirect=True)
def test_a_model_that_does_not_start_alone_says_so(packed, monkeypatch):
    monkeypatch.setattr(series.sys, "executable", "false")
    with pytest.raises(UserError, match="does not start in a process of its own"):
        measure(packed, series=(COLD,))


def test_stages_cut_the_graph_where_they_end(tmp_path):
    caller = caller_of(tmp_path)
    files = stages.cut(caller.package, caller.package.model, tmp_path)
    assert list(files) == [stages.PREPROCESS, stages.FEATURES, stages.SCORING]
    ends = {stage: [o.name for o in onnx.load(file).graph.output] for stage, file in files.items()}
    assert ends[stages.PREPROCESS] == ["image"], "the crops' shape is no stage's end"
    assert ends[stages.FEATURES] == ["features"]
    assert ends[stages.SCORING] == ["score", "anomaly_map"]
    assert len(onnx.load(files[stages.PREPROCESS]).graph.node) == 3, "nothing beyond is computed"


def test_a_detectors_boxes_come_after_its_last_filter(tmp_path):
    caller = caller_of(tmp_path, contract.DETECTOR)
    files = stages.cut(caller.package, caller.package.model, tmp_path)
    ends = {stage: [o.name for o in onnx.load(file).graph.output] for stage, file in files.items()}
    assert ends[stages.PREPROCESS] == ["image"] and ends[stages.FEATURES] == ["filtered"]
    assert list(files)[-1] == stages.SCORING


def test_a_student_is_one_stage(tmp_path):
    caller = caller_of(tmp_path, contract.STUDENT)
    assert list(stages.cut(caller.package, caller.package.model, tmp_path)) == [stages.FEATURES]
    fed = caller.fed(0, caller.decoded(0, 3))
    assert {name: one.shape for name, one in fed.items()} == {"z": (3, 4)}


def test_a_call_gives_the_verdict_of_the_limits(tmp_path):
    limit = {"limits": {"dots": {"limit": -1.0, "review_limit": -2.0}}}
    caller = caller_of(tmp_path, threshold=limit)
    session = contract.session(caller.package)
    assert caller.whole(session, 0) == ["BAD"], "dots has a limit that each score exceeds"
    assert caller.whole(session, 1) == [""], "edge1 has none"
    assert caller.whole(session, 2, parts=3) == ["BAD"] * 3


def test_a_detectors_verdict_is_whether_it_sees_a_box(tmp_path):
    caller = caller_of(tmp_path, contract.DETECTOR)
    seen = [np.array([[0.1, 0.6], [0.1, 0.2]], np.float32)]
    assert caller.decided(0, [np.zeros((2, 2, 4)), *seen]) == ["BAD", "GOOD"]


def test_a_package_without_pictures_cannot_be_timed(tmp_path):
    folder = tiny_packages.write(tmp_path / "package", contract.ANOMALY)
    package = contract.read(folder)
    (folder / "golden" / "golden.json").write_text('{"pictures": []}')
    with pytest.raises(UserError, match="no picture to time"):
        Caller(package)


def test_variants_have_their_turns():
    called: list[str] = []
    variants = {
        name: Variant(lambda k, name=name: called.append(name), count)  # type: ignore[misc]
        for name, count in (("a", 15), ("b", 5))
    }
    rows = list(timing.in_turn(variants))
    assert [row.variant for row in rows] == ["a"] * 10 + ["b"] * 5 + ["a"] * 5
    assert [row.number for row in rows if row.variant == "a"] == list(range(15))
    assert len(called) == 20 + 3, "before each turn stands a call that does not count"


def test_a_wait_takes_time_but_no_processor():
    row = timing.timed("wait", 0, Variant(lambda k: time.sleep(0.05), 1))
    assert row.ms >= 50 and row.cpu_ms < 25


def test_a_busy_core_is_busy_and_ends():
    before = set(psutil.Process().children())
    with busy_core.at_work():
        (worker,) = set(psutil.Process().children()) - before
        spent = worker.cpu_times().user
        time.sleep(0.5)
        assert worker.cpu_times().user > spent
    assert not worker.is_running()


def test_beside_a_busy_core_the_calls_are_counted_apart(tmp_path):
    caller = caller_of(tmp_path)
    rows = list(series.samples(BUSY, caller, Spec(**QUICK)))
    counts = pd.Series([row.variant for row in rows]).value_counts().to_dict()
    assert counts == {series.ALONE: 20, series.BESIDE: 20}
    assert [row.number for row in rows if row.variant == series.ALONE] == list(range(20))


def test_one_choice_is_no_series(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "usable_cores", lambda: {0})
    monkeypatch.setattr(hardware, "providers", lambda: ("CPU",))
    caller = caller_of(tmp_path)
    assert not [
        row for name in (THREADS, "provider") for row in series.samples(name, caller, Spec())
    ]


def samples(name, variant, values, parts=1, cpu=1.0):
    return [(name, Sample(variant, k, ms, cpu * ms, parts)) for k, ms in enumerate(values)]


def test_stages_add_up_to_the_whole():
    up_to = {"decode": [1, 1, 2], "features": [4, 5, 9], "decision": [6, 6, 8]}
    named = [one for v, values in up_to.items() for one in samples(STAGES, v, values, cpu=0.5)]
    found = {
        one_thread: figures.rows(figures.frame(named, "here"), one_thread)
        for one_thread in (True, False)
    }
    assert [row["value"] for row in found[False]] == [1, 4, 1]
    assert {row["metric"] for row in found[False]} == {"p50 ms"}
    assert sum(row["value"] for row in found[True]) == 0.5 * 6
    assert {row["metric"] for row in found[True]} == {tables.PROCESSOR}


def test_the_time_of_a_batch_is_told_a_part():
    frame = figures.frame(samples(BATCH, "4 parts", [8.0] * 9, parts=4), "here")
    [row] = figures.rows(frame, True)
    assert (row["subject"], row["value"], row["n"]) == ("batch: 4 parts", 2.0, 9)
    assert row["low"] == row["high"] == 2.0


def test_a_bound_that_is_not_known_is_stored_as_none():
    found = figures.rows(figures.frame(samples("", "any", range(1, 41)), "here"), True)
    high = {row["metric"]: row["high"] for row in found}
    assert high["p50 ms"] and high["p99 ms"] is None


RESULT = Result(
    **{"variant": "any", "p50": 1.0, "p95": 2.0, "p99": 3.0, "mean": 1.0, "parts_per_second": 1.0},
    **{"repetitions": 9, "threads": 1, "cpu": "any"},
)


@pytest.mark.parametrize(
    "budget, high, kept",
    [
        (None, 4.0, None),
        (2.5, 4.0, False),
        (5.0, 4.0, True),
        (3.5, 4.0, None),
        (5.0, math.nan, None),
    ],
)
def test_a_budget_is_kept_where_the_upper_bound_keeps_it(budget, high, kept):
    assert replace(RESULT, budget=budget, p99_high=high).keeps_budget is kept


def test_the_package_is_checked_before_it_is_timed(packed):
    model = contract.folder_of(packed.folder) / contract.MODEL
    model.write_bytes(model.read_bytes() + os.urandom(4))
    with pytest.raises(UserError, match="is not the file that was packed"):
        measure(packed)


def test_all_series_are_measured_unless_told_otherwise():
    assert Spec().series == SERIES == tuple(series._MADE)
