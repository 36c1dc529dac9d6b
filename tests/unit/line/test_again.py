"""What other limits would have made of the parts of the last weeks."""

from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from backend.core.store import Store
from backend.inspection.threshold.limits import verdicts
from backend.line import again, reviewed
from backend.line.again import Asked, Costs, Period, Stratum
from backend.numeric.statistics import clopper_pearson

HOUR = 3600.0
PERIOD = Period("press", 0.0, 1e9)
LIMITS = {"dot": (2.0, 1.0), "edge": (None, 1.5), "bar": (0.5, None)}


def row(
    sequence, score, feature="dot", verdict="GOOD", package="aaa", captured=None, maker="press"
):
    moment = sequence * 60.0 if captured is None else captured
    return (maker, 1, sequence, feature, moment, verdict, score, package)


@pytest.fixture
def store():
    with closing(Store(":memory:")) as made:
        yield made


def fill(store, rows):
    columns = ["maker", "epoch", "sequence", "feature", "captured", "verdict", "score", "package"]
    frame = pd.DataFrame(rows, columns=columns)
    with store._transaction() as cursor:
        cursor.register("rows", frame)
        cursor.execute("INSERT INTO verdicts BY NAME SELECT * FROM rows")


def test_verdicts_are_those_that_the_line_would_give(store):
    scores = np.random.default_rng(3).normal(1, 1, 300).round(1)
    names = np.array(["dot", "edge", "bar", "other"])[np.arange(300) % 4]
    fill(store, [row(k, float(s), f) for k, (s, f) in enumerate(zip(scores, names, strict=True))])
    found = again.counts(store, Asked(PERIOD, "aaa", LIMITS))
    for name in names[:4]:
        alarm, review = LIMITS.get(name, (None, None))
        wanted = pd.Series(verdicts(scores[names == name], alarm, review)).str.upper()
        mine = found[found["feature"] == name].groupby("now")["n"].sum()
        assert mine.to_dict() == wanted.value_counts().to_dict()


def test_what_cannot_be_judged_again_is_left_out(store):
    fill(
        store,
        [
            *(row(1, 3.0), row(2, None, verdict="UNINSPECTED")),
            *(row(3, 3.0, verdict="UNINSPECTED"), row(4, 3.0, package="bbb")),
            *(row(5, 3.0, captured=2e9), row(6, 3.0, maker="other")),
        ],
    )
    found = again.counts(store, Asked(PERIOD, "aaa", LIMITS))
    assert found["n"].sum() == 1
    whose = again.packages(store, PERIOD)
    assert whose.values.tolist() == [["aaa", False, 1], ["bbb", False, 1]]


def test_another_model_is_asked_where_it_ran_as_shadow(store):
    fill(store, [row(k, 0.0) for k in range(4)])
    columns = ["maker", "epoch", "sequence", "feature", "captured", "verdict", "score", "package"]
    found = pd.DataFrame([row(k, 3.0, package="bbb") for k in range(3)], columns=columns)
    frame = found.assign(active=["GOOD", "BAD", "GOOD"])
    with store._transaction() as cursor:
        cursor.register("rows", frame)
        cursor.execute("INSERT INTO shadows BY NAME SELECT * FROM rows")
    assert again.packages(store, PERIOD).values.tolist() == [["aaa", False, 4], ["bbb", True, 3]]
    other = again.counts(store, Asked(PERIOD, "bbb", LIMITS, shadow=True))
    assert other[["was", "now", "n"]].values.tolist() == [["BAD", "BAD", 1], ["GOOD", "BAD", 2]]


def test_parts_of_a_silent_source_have_the_type_that_is_told(store):
    fill(store, [row(1, 3.0, feature="")])
    found = again.counts(store, Asked(PERIOD, "aaa", LIMITS, feature="dot"))
    assert found[["feature", "now"]].values.tolist() == [["dot", "BAD"]]


def test_a_shift_has_its_share_with_an_exact_interval(store):
    fill(store, [row(k, 3.0 if k < 10 else 0.0, captured=k * 10 * HOUR) for k in range(100)])
    found = again.counts(store, Asked(PERIOD, "aaa", LIMITS, hours=100))
    assert again.shifts(found) == 10
    figure = again.a_shift(again.total(found, "now", "BAD"), found)
    low, high = clopper_pearson(10, 100)
    assert (figure.value, figure.low, figure.high) == pytest.approx((1, 10 * low, 10 * high))
    assert again.a_shift(0, found.head(0)).value is None


def test_reviews_count_by_majority_and_those_taken_back_do_not(store):
    assert reviewed.decisions(store, "press").empty
    fill(store, [row(k, 0.0) for k in range(1, 5)])
    said = [
        *((1, 1, "bad", "Ann", 0), (2, 1, "good", "Bob", 0), (3, 1, "bad", "Eve", 0)),
        *((4, 2, "bad", "Ann", 0), (5, 2, "bad", "Ann", 4)),
        *((6, 3, "good", "Ann", 0), (7, 3, "bad", "Ann", 0), (8, 4, "unsure", "Ann", 0)),
    ]
    frame = pd.DataFrame(said, columns=["number", "sequence", "decision", "who", "took_back"])
    with store._transaction() as cursor:
        cursor.register("said", frame.assign(maker="press", epoch=1))
        cursor.execute("INSERT INTO reviews BY NAME SELECT * FROM said")
        cursor.execute("UPDATE verdicts SET blind = 0.01 WHERE sequence = 3")
    found = reviewed.decisions(store, "press")
    assert found.values.tolist() == [[1, 1, True, 0.0], [1, 3, True, 0.01]]


def decisions(rows):
    return pd.DataFrame(rows, columns=["epoch", "sequence", "bad", "drawn"])


def test_known_escapes_are_counted_by_what_passes(store):
    fill(
        store, [row(1, 1.5, verdict="REVIEW"), row(2, 0.5), row(3, 0.2), row(4, 5.0, verdict="BAD")]
    )
    asked = Asked(PERIOD, "aaa", {"dot": (3.0, 1.8)})
    judged = again.decided(
        store, asked, decisions([(1, 1, True, False), (1, 2, False, True), (1, 3, True, False)])
    )
    assert judged[["sequence", "was", "now"]].sort_values("sequence").values.tolist() == [
        [1, "REVIEW", "GOOD"],
        [2, "GOOD", "GOOD"],
        [3, "GOOD", "GOOD"],
    ]
    found = again.counts(store, asked)
    now = again.strata(found, judged, "now")
    assert now == [Stratum(2, 1, 0), Stratum(1, 1, 1)], "one that was not drawn blindly counts not"
    assert again.strata(found, judged, "was") == [Stratum(2, 1, 0)]


def test_escapes_are_unknown_where_nobody_looked(store):
    fill(store, [row(1, 0.0)])
    found = again.counts(store, Asked(PERIOD, "aaa", LIMITS))
    assert again.escapes(found, [Stratum(1, 0, 0)]).value is None
    price, whole = again.cost(found, [Stratum(1, 0, 0)], "now", Costs(5.0, 1.0, 100.0))
    assert price.value == 0 and not whole


def test_the_cost_of_a_shift_holds_its_escapes():
    found = pd.DataFrame({"shift": [1], "now": ["GOOD"], "was": ["GOOD"], "n": [1000]})
    seen = [Stratum(1000, 100, 2)]
    figure = again.escapes(found, seen)
    assert (figure.value, figure.high) == pytest.approx((20, 1000 * clopper_pearson(2, 100)[1]))
    price, whole = again.cost(found, seen, "now", Costs(5.0, 1.0, 100.0))
    assert whole and price.value == pytest.approx(2000)
    assert price.low < 2000 < price.high


def test_the_interval_of_a_cost_covers_what_it_should():
    """A shift of 500 parts with known shares: alarms at 2 %, reviews at 5 %."""
    generator, held = np.random.default_rng(0), 0
    costs, draws = Costs(5.0, 1.0, 0.0), 300
    for _ in range(draws):
        bad, review, good = generator.multinomial(500, [0.02, 0.05, 0.93])
        rows = {"shift": [1] * 3, "now": ["BAD", "REVIEW", "GOOD"], "n": [bad, review, good]}
        price, _ = again.cost(pd.DataFrame(rows), [], "now", costs)
        held += price.low <= 500 * (0.02 * 5 + 0.05) <= price.high
    assert held / draws >= 0.95
