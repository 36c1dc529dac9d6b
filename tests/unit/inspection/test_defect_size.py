"""AUROC against the size of the defect, checked by hand."""

import pandas as pd
import pytest

from backend.inspection.model import defect_size
from backend.inspection.model.defect_size import MEASURES, curve, measures
from backend.inspection.parts import simulator


def table(n_bad=24, seen_from=12):
    """Ten GOOD parts with scores 0 to 9; BAD parts of growing size, found from a size on."""
    good = [("dots", f"g{i}", 1, float(i), None) for i in range(10)]
    bad = [("dots", f"b{i}", 0, 100.0 if i >= seen_from else 4.5, i + 1.0) for i in range(n_bad)]
    frame = pd.DataFrame(good + bad, columns=["feature", "part", "label", "score", "excess"])
    return frame.assign(group=frame["part"], area=frame["excess"] / 1000)


def test_small_defects_are_guessed_and_large_ones_found():
    rows = table()
    points = curve(rows, rows, MEASURES[0])
    assert points["n"].tolist() == [12, 12]
    assert points["auroc"].tolist() == [0.5, 1.0]
    assert points["smallest"].tolist() == [1, 13] and points["largest"].tolist() == [12, 24]
    assert points.loc[0, "size"] == pytest.approx(6.5)
    assert (points["low"] <= points["auroc"]).all() and (points["auroc"] <= points["high"]).all()


def test_all_points_together_are_the_auroc_of_one_type():
    from sklearn.metrics import roc_auc_score

    rows = table(n_bad=70, seen_from=30)
    points = curve(rows, rows, MEASURES[0])
    assert len(points) == 5
    whole = (points["auroc"] * points["n"]).sum() / points["n"].sum()
    assert whole == pytest.approx(roc_auc_score(1 - rows["label"], rows["score"]))


def test_a_bad_part_is_compared_with_its_own_type_alone():
    rows = table()
    other = rows.assign(feature="edge1", score=rows["score"] + 1e6, part="x" + rows["part"])
    both = pd.concat([rows, other[other["label"] == 1]])
    pd.testing.assert_frame_equal(curve(both, both, MEASURES[0]), curve(rows, rows, MEASURES[0]))


def test_areas_are_in_percent():
    rows = table()
    assert curve(rows, rows, MEASURES[1])["largest"].max() == pytest.approx(2.4)


def test_few_bad_parts_are_one_point_and_none_are_no_point():
    rows = table(n_bad=3)
    assert curve(rows, rows, MEASURES[0])["n"].tolist() == [3]
    assert curve(rows[rows["label"] == 1], rows, MEASURES[0]).empty
    unknown = rows.assign(excess=float("nan"))
    assert curve(rows, unknown, MEASURES[0]).empty


def test_only_known_measures_are_offered():
    rows = table()
    assert measures(rows) == MEASURES
    assert measures(rows.assign(excess=None)) == MEASURES[1:]
    assert measures(rows.assign(excess=None, area=None)) == ()


def test_a_simulated_part_tells_how_far_it_is_beyond_its_twin():
    good, bad = (simulator.simulate_part("edge1", label, 3) for label in (1, 0))
    more = (bad.params[bad.defect] - good.params[bad.defect]) / simulator.TOLERANCE[bad.defect]
    assert bad.excess == pytest.approx(more) and good.excess == 0
    twice = simulator.simulate_part("edge1", 0, 3, severity=2.0)
    assert twice.excess == pytest.approx(2 * bad.excess)
    assert defect_size.MEASURES[0].column == "excess"
