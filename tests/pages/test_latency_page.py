"""The page Latency: fast enough or not, on which computer, and beside other runs."""

from dataclasses import asdict, replace

import pytest

from backend.core import facts, runs
from backend.deployment.latency import figures, tables
from backend.deployment.latency.spec import COLD, STAGES, THREADS
from backend.deployment.latency.timing import Sample
from backend.numeric import hardware
from backend.records import RunState
from pages.ui import resources
from tests.pages.test_pages import is_well, open_page, open_tab, words

LATENCY = "pages/deployment/latency.py"
LOAD = {
    **{"cores": 2, "others_before": 0.63, "others_during": 0.2, "load": 1.2, "other_jobs": 1},
    **{"mhz": 2600.0, "most_mhz": None, "throttled": None, "on_battery": None},
}
BUSY = "The computer was busy: 63% of its cores were at work on other things."
SERIES = {
    STAGES: ("decode", "scoring"),
    THREADS: ("1 thread", "2 threads"),
    COLD: ("Python", "first verdict"),
}


PLAIN = [{"variant": "any", "sample": k, "milliseconds": 1.0 + k} for k in range(9)]


def texts(elements):
    return " ".join(str(one.value).replace("\\", "") for one in elements)


def make_latency(storage, spec, more=None, rows=PLAIN, measured=()):
    """A finished run, by default with nine calls of 1 to 9 ms as older versions kept them."""
    run = runs.create(storage.runs, "latency", spec)
    facts.write(run.folder, "latencies", rows)
    facts.write(run.folder, "figures", measured)
    result = dict.fromkeys(("p50", "p95", "p99", "parts_per_second"), 1.0)
    result |= {"variant": "FP32", "cpu": "any", "repetitions": 9, "threads": 1} | (more or {})
    runs.finish(run.folder, RunState.COMPLETED, result=result)
    resources.supervisor().tick()
    return run


def make_measured(storage, p99_high, machine, **more):
    """A run of this version: its samples with their series, its figures and its machine."""
    known = {"budget": 5.0, "p99_high": p99_high, "within": 0.97, "machine": asdict(machine)}
    named = [("", Sample("any", k, 1.0 + k, 1.0)) for k in range(9)]
    for series, variants in SERIES.items():
        named += [(series, Sample(v, k, 2.0 + k, 1.0)) for v in variants for k in range(9)]
    table = figures.frame(named, machine.id)
    spec = {"package_run": "gone"}
    return make_latency(storage, spec, known | more, table, figures.rows(table, True))


@pytest.fixture
def package(empty_dashboard, storage):
    made = runs.create(storage.runs, "package", {"model_run": "gone"})
    runs.finish(made.folder, RunState.COMPLETED, result={})
    return made


def test_a_latency_measured_beside_others_says_so_and_is_measured_again(package, storage):
    here = {"load": LOAD, "busy": BUSY, "machine": asdict(hardware.fingerprint())}
    run = make_latency(storage, {"package_run": package.id}, here)
    app = open_page(LATENCY, run=run.id)
    is_well(app)
    assert "63% of its cores" in texts(app.warning)
    assert "63% of 2 cores before" in texts(app.caption)
    next(b for b in app.button if b.label == "Measure again").click().run()
    assert not app.exception
    assert resources.supervisor().active()[-1].spec["package_run"] == package.id


def test_a_run_of_an_older_version_is_shown_but_not_repeated(empty_dashboard, storage):
    run = make_latency(storage, {"export_run": "20260101T000000-export-abcdef"})
    app = open_page(LATENCY, run=run.id)
    is_well(app)
    assert "99 of 100 parts are done within 1.00 ms, measured on 9 parts" in words(app)
    assert "An older version measured this" in texts(app.caption)
    assert "How busy the computer was is not known" in texts(app.caption)
    assert not [b for b in app.button if b.label == "Measure again"]


@pytest.mark.parametrize(
    "p99, p99_high, busy, told",
    [
        (3.0, 4.0, "", "Fast enough]"),
        (3.0, None, "", "Probably fast enough"),
        (9.0, None, "", "Too slow]"),
        (9.0, None, BUSY, "Too slow while the computer was busy]"),
    ],
)
def test_whether_it_is_fast_enough_is_said_first(
    empty_dashboard, storage, p99, p99_high, busy, told
):
    here = hardware.fingerprint()
    run = make_measured(storage, p99_high, here, p99=p99, busy=busy)
    app = open_page(LATENCY, run=run.id)
    is_well(app)
    assert told in words(app) and "the budget is 5 ms" in words(app)
    assert "another computer" not in texts(app.warning)


def test_another_computers_run_says_what_differs_and_stands_beside_this_ones(
    empty_dashboard, storage
):
    here = hardware.fingerprint()
    own = make_measured(storage, 4.0, here)
    there = make_measured(storage, 4.0, replace(here, cores=here.cores + 6))
    app = open_page(LATENCY, run=there.id)
    is_well(app)
    assert f"cores: {here.cores} became {here.cores + 6}" in texts(app.warning)
    assert not [f for f in app.dataframe if "computer" in f.value.columns]
    app.multiselect(key=f"beside-{there.id}").select(own.id).run()
    is_well(app)
    [table] = [f.value for f in app.dataframe if "computer" in f.value.columns]
    assert table["50 % within"].tolist() == ["1.00 ms [2.0, 8.0]"] * 2
    assert here.id in table["computer"].iloc[1] and here.id not in table["computer"].iloc[0]


def test_a_picture_for_each_series_that_was_measured(empty_dashboard, storage):
    run = make_measured(storage, 4.0, hardware.fingerprint())
    app = open_page(LATENCY, run=run.id)
    is_well(app)
    charts = [
        len(open_tab(app, name).get("plotly_chart"))
        for name in ("Spread", "Step by step", "What a change does")
    ]
    assert charts[0] == 1 and sum(charts) == 1 + len(SERIES)
    assert tables.of_series(facts.read(run.folder, "figures"), STAGES)["value"].tolist() == [1, 0]


def test_without_a_package_the_page_says_what_comes_first(empty_dashboard):
    app = open_page(LATENCY)
    is_well(app)
    assert "This starts from “Package”" in texts(app.info)
