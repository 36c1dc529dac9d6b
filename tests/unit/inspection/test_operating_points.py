"""Figures of one method on one feature type: golden numbers, and what few parts cannot show."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from backend.inspection.model import comparisons, folds, operating_points
from backend.numeric import statistics


@pytest.mark.parametrize("rounded", [1, 6])
def test_average_precision_is_scikit_learns_with_ties_too(rounded):
    rng = np.random.default_rng(rounded)
    good, bad = rng.normal(0, 1, 90).round(rounded), rng.normal(1, 1, 30).round(rounded)
    labels, scores = np.repeat([0, 1], [90, 30]), np.concatenate([good, bad])
    wanted = average_precision_score(labels, scores)
    assert operating_points.average_precision(good, bad) == pytest.approx(wanted)


def scored(shift, n_bad=30, n_good=60):
    """Two feature types; method `b` is the baseline, `a` the same moved by `shift` on BAD parts."""
    rng = np.random.default_rng(0)
    n = n_good + n_bad
    frame = pd.DataFrame(
        {
            "part": [f"{f}-{i}" for f in ("dots", "edge1") for i in range(n)],
            "feature": np.repeat(["dots", "edge1"], n),
            "label": np.tile(np.repeat([1, 0], [n_good, n_bad]), 2),
        }
    )
    good, types = (frame["label"] == 1).to_numpy(), np.repeat([0, 1], n)
    data = folds.Data(frame, ("dots", "edge1"), types, good, np.zeros((0, 1, 1, 3), np.uint8))
    base = rng.normal(0, 1, 2 * n) + ~good * 0.8
    moved = base + rng.normal(0, 0.2, 2 * n) + shift * (~good & (types == 0))
    scores = pd.DataFrame({"a": moved, "b": base})
    rows = [
        frame.assign(method=m, repeat=0, fold=np.arange(2 * n) % 5, score=scores[m], alarm=False)
        for m in ("a", "b")
    ]
    return data, scores, pd.concat(rows, ignore_index=True)


def test_a_gain_on_one_feature_is_found_there_alone_by_both_tests():
    data, scores, table = scored(1.5, n_bad=150, n_good=300)
    rows = comparisons.against(data, scores, table, "b", ["dots", "edge1"]).set_index("feature")
    assert set(rows["method"]) == {"a"} and set(rows["baseline"]) == {"b"}
    assert rows.loc["dots", "p_holm"] < 0.001 and rows.loc["dots", "p_folds_holm"] < 0.05
    assert rows.loc["dots", "difference"] > 0.1
    assert abs(rows.loc["edge1", "difference"]) < 0.05
    assert (rows["p_holm"] >= rows["p"]).all()


def test_a_feature_left_out_of_the_test_has_a_difference_but_no_adjusted_p():
    data, scores, table = scored(1.5)
    rows = comparisons.against(data, scores, table, "b", ["dots"]).set_index("feature")
    assert np.isnan(rows.loc["edge1", "p_holm"]) and np.isfinite(rows.loc["edge1", "difference"])


def test_power_says_what_these_parts_cannot_show():
    rows = {}
    for n_bad in (10, 200):
        data, scores, table = scored(0, n_bad=n_bad)
        for row in operating_points.rows(data, scores, table, "good-only", 20, 0):
            rows[n_bad, row["method"], row["feature"]] = row
    few, many = rows[10, "b", "dots"], rows[200, "b", "dots"]
    assert few["detectable"] > many["detectable"]
    wanted = statistics.smallest_detectable_difference(many["auroc"], 60, 200)
    assert many["detectable"] == pytest.approx(wanted)
    assert many["accuracy"] == pytest.approx(60 / 260) == many["all_good_rate"]
