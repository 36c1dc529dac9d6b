"""Runs beside each other: what differs, what may be tested, and what changed between two sets."""

import numpy as np
import pandas as pd
import pytest

from backend.core.runs import Run
from backend.core.store import Store, signature
from backend.numeric import statistics
from backend.records import UserError
from backend.settings import Settings
from backend.sharing.compare import beside, datasets, overlaid, paired, views
from backend.sharing.compare.views import View
from tests.sharing_runs import FIGURES, made

PARTS = "20260101T000000-parts-abcdef"
MODEL = {"averaged": [], "weakest": "a", "n": 40, "n_good": 30, "n_bad": 10, "features": ["a"]}
LATENCY = {
    **{"variant": "FP32", "p50": 4.0, "p95": 6.0, "p99": 8.0, "mean": 4.4, "cpu": "A"},
    **{"parts_per_second": 200.0, "repetitions": 50, "threads": 1},
}


def scores(shift: float, seed: int) -> pd.DataFrame:
    """30 GOOD and 10 BAD parts, BAD ones higher by `shift`."""
    label = np.array([1] * 30 + [0] * 10)
    score = np.random.default_rng(seed).normal(size=40) + shift * (label == 0)
    parts = [f"p{k}" for k in range(40)]
    same = {"method": "diffusion", "repeat": 0, "fold": 0, "feature": "a"}
    return pd.DataFrame({"part": parts, "label": label, "score": score, **same})


def model(settings: Settings, rows: pd.DataFrame, name: str, parts_run: str = PARTS) -> Run:
    tables = {"scores": rows, "figures": list(FIGURES)}
    return made(settings.storage, "inspect", MODEL, tables, name, parts_run=parts_run)


def test_models_of_the_same_parts_are_tested_in_pairs(storage: Settings) -> None:
    one, other = scores(3.0, 1), scores(0.0, 2)
    runs = [model(storage, one, "good"), model(storage, other, "poor")]
    table, told = paired.table(runs)
    assert told == () and len(table) == 1
    expected = statistics.delong_test(one["label"] == 0, one["score"], other["score"])
    assert table["difference [95 % interval]"].iloc[0].startswith(f"{expected[0]:.3f} [")
    assert table["in words"].iloc[0] == "good is better beyond chance"
    assert table["n"].iloc[0] == "30 GOOD, 10 BAD"


def test_equal_models_cannot_be_told_apart(storage: Settings) -> None:
    runs = [model(storage, scores(1.0, 1), name) for name in ("a", "b")]
    assert paired.table(runs)[0]["in words"].iloc[0] == "cannot be told from chance"


def test_models_of_other_parts_are_not_tested_and_it_is_said(storage: Settings) -> None:
    other = "20260101T000000-parts-fedcba"
    runs = [model(storage, scores(1, 1), "a"), model(storage, scores(1, 1), "b", other)]
    table, told = paired.table(runs)
    assert table.empty
    assert told[0].startswith("a and b were not judged on the same test data")


def test_settings_that_differ_and_figures_stand_side_by_side(storage: Settings) -> None:
    one = made(storage.storage, "latency", LATENCY, {"figures": list(FIGURES)}, "one")
    two = made(storage.storage, "latency", LATENCY, name="two", repetitions=77)
    differ = beside.settings([one, two]).set_index("setting")
    assert list(differ.index) == ["repetitions"]
    assert differ.loc["repetitions", "two"] == "77"
    figures = beside.figures([one, two])
    assert figures["one"].iloc[0] == "0.500 [0.400, 0.600]"
    assert list(figures["two"]) == ["–", "–"]


def test_runs_of_one_name_are_told_apart(storage: Settings) -> None:
    runs = [made(storage.storage, "latency", LATENCY, name="same") for _ in range(2)]
    assert beside.names(runs) == [f"same ({run.id})" for run in runs]


def test_what_cannot_stand_side_by_side_is_refused(storage: Settings) -> None:
    one = made(storage.storage, "latency", LATENCY)
    other = model(storage, scores(1, 1), "model")
    for runs, words in (
        ([one], "two runs or more"),
        ([one, other], "one kind"),
        ([one] * 9, "At most 8"),
    ):
        with pytest.raises(UserError, match=words):
            beside.check(runs)


def test_curves_lie_over_each_other(storage: Settings) -> None:
    runs = [model(storage, scores(2.0, seed), f"m{seed}") for seed in (1, 2)]
    charts = list(overlaid.charts(runs))
    assert [chart.name for chart in charts] == ["curves-roc"]
    assert [trace.name.partition(",")[0] for trace in charts[0].figure.data] == ["m1", "m2"]


def parts(settings: Settings, labels: dict[str, int]) -> Run:
    rows = [
        {"part": part, "path": "x.png", "feature": "dots", "label": label, "group": part}
        for part, label in labels.items()
    ]
    return made(settings.storage, "parts", {}, {"parts": rows})


def test_what_changed_between_two_sets(storage: Settings) -> None:
    before = parts(storage, {"a": 1, "b": 1, "c": 0})
    after = parts(storage, {"a": 1, "c": 1, "d": 0})
    found = datasets.changes(before, after).set_index("image")
    assert found["change"].to_dict() == {"b": "removed", "d": "added", "c": "relabelled"}
    assert tuple(found.loc["c", ["before", "after"]]) == ("BAD, dots", "GOOD, dots")
    assert datasets.changes(before, before).empty


def test_a_set_and_a_model_are_no_two_sets(storage: Settings) -> None:
    with pytest.raises(UserError, match="two sets"):
        datasets.changes(parts(storage, {"a": 1}), model(storage, scores(1, 1), "m"))


def test_a_table_has_the_columns_asked_for_in_order(storage: Settings, store: Store) -> None:
    for name, p99 in (("slow", 80.0), ("fast", 8.0)):
        run = made(storage.storage, "latency", LATENCY | {"p99": p99}, name=name)
        store.ingest(run, signature(run.folder))
    chosen = ("name", "result.p99", "spec.repetitions")
    rows = views.rows(store, View("", "latency", chosen, order="result.p99", falling=False))
    assert list(rows["name"]) == ["fast", "slow"]
    assert list(rows[views.RESULT + "p99"]) == [8.0, 80.0]
    assert len(views.rows(store, View("", "latency", chosen, words="FAS", order="name"))) == 1
    with pytest.raises(UserError, match=r"no 'spec\.nothing'"):
        views.rows(store, View("", "latency", ("spec.nothing",)))


def test_views_are_kept_replaced_and_removed(storage: Settings) -> None:
    first = View("mine", "latency", ("name",), words="x")
    views.save(storage.storage, first)
    assert views.every(storage.storage) == {"mine": first}
    second = View("mine", "latency", ("name", "created"))
    views.save(storage.storage, second)
    assert views.every(storage.storage) == {"mine": second}
    views.remove(storage.storage, "mine")
    assert views.every(storage.storage) == {}
    with pytest.raises(UserError):
        views.remove(storage.storage, "mine")
    with pytest.raises(UserError, match="1 to 60"):
        views.save(storage.storage, View(" ", "latency", ()))
