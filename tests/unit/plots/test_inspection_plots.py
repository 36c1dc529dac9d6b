"""Figures of the anomaly model: a ROC curve that is scikit-learn's, words that do not mislead."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_curve

from backend.inspection.model import operating_points
from backend.plots import inspection as inspection_plots


def drawn_roc(good, bad):
    frame = operating_points.roc(good, bad)
    return inspection_plots.roc(frame, "ROC", len(good), len(bad)).data


def test_the_roc_curve_is_scikit_learns():
    rng = np.random.default_rng(0)
    good, bad = rng.normal(0, 1, 80), rng.normal(1, 1, 40)
    drawn = next(t for t in drawn_roc(good, bad) if t.name == "ROC")
    fpr, tpr, _ = roc_curve(
        np.repeat([0, 1], [80, 40]), np.concatenate([good, bad]), drop_intermediate=False
    )
    for x, y in zip(drawn.x, drawn.y, strict=True):
        assert y == pytest.approx(tpr[fpr <= x + 1e-9].max())


def test_the_band_holds_the_curve_and_narrows_with_more_parts():
    rng = np.random.default_rng(0)
    widths = []
    for n in (20, 500):
        good, bad = rng.normal(0, 1, n), rng.normal(1, 1, n)
        low, high, curve, _ = drawn_roc(good, bad)
        assert (np.array(low.y) <= np.array(curve.y) + 0.03).all()
        assert (np.array(curve.y) <= np.array(high.y) + 0.03).all()
        widths.append(np.mean(np.array(high.y) - np.array(low.y)))
    assert widths[1] < widths[0] / 2


def scores_of(good, bad) -> pd.DataFrame:
    label = np.repeat([1, 0], [len(good), len(bad)])
    return pd.DataFrame({"label": label, "score": [*good, *bad]})


def test_a_few_far_scores_leave_the_axis_and_are_counted():
    frame = scores_of(np.linspace(0, 1, 98), [1.2, 900.0])
    good, bad = inspection_plots.score_histogram(frame, "Scores").data
    assert (len(good.x), len(bad.x)) == (98, 1)
    assert good.name == "GOOD, n = 98"
    assert bad.name == "BAD, n = 2 (1 above the axis)"


def test_a_line_stays_on_the_axis_however_far_it_is():
    frame = scores_of(np.linspace(0, 1, 98), [1.2, 900.0])
    figure = inspection_plots.score_histogram(frame, "Scores", lines=[900.0])
    assert sum(len(bars.x) for bars in figure.data) == 100


def test_scores_without_far_ones_are_all_drawn():
    rng = np.random.default_rng(0)
    frame = scores_of(rng.normal(0, 1, 300), rng.normal(6, 1, 40))
    assert [len(b.x) for b in inspection_plots.score_histogram(frame, "Scores").data] == [300, 40]


def compared():
    return pd.DataFrame(
        {
            "feature": ["dots", "angle"],
            "method": "diffusion",
            "baseline": "knn",
            "difference": [0.02, -0.3],
            "low": [0.01, -0.6],
            "high": [0.03, 0.1],
            "p_holm": [0.01, np.nan],
            "p_folds_holm": [np.nan, np.nan],
            "reliable": [True, False],
        }
    )


def test_an_unreliable_feature_is_grey_and_says_why():
    dots = inspection_plots.forest(compared()).data[0]
    assert list(dots.y) == ["angle<br>too few BAD", "dots<br>p 0.01 · over test rounds –"]
    assert dots.marker.color[0] == inspection_plots.NEUTRAL != dots.marker.color[1]


def test_the_threshold_is_drawn_through_both_histograms():
    frame = pd.DataFrame({"label": [1] * 30 + [0] * 10, "score": np.linspace(0, 4, 40)})
    figure = inspection_plots.score_histogram(frame, "Scores", 2.5)
    assert [t.name for t in figure.data] == ["GOOD, n = 30", "BAD, n = 10"]
    assert figure.data[0].xbins.to_plotly_json() == figure.data[1].xbins.to_plotly_json()
    assert figure.layout.shapes[0].x0 == 2.5


def test_every_fold_is_a_dot_at_its_feature():
    rows = [
        (feature, method, 0, fold, 0.9)
        for feature in ("angle", "dots")
        for method in ("diffusion", "knn")
        for fold in range(3)
    ]
    frame = pd.DataFrame(rows, columns=["feature", "method", "repeat", "fold", "auroc"])
    figure = inspection_plots.fold_dots(frame)
    assert "n = 3 test rounds" in figure.layout.title.text
    for trace in figure.data:
        assert len(trace.x) == 6 and list(np.round(trace.x)) == [0, 0, 0, 1, 1, 1]


def test_auroc_by_size_tells_n_and_the_range_of_each_point():
    frame = pd.DataFrame(
        {
            **{"size": [1.5, 3.0], "smallest": [1.0, 2.0], "largest": [2.0, 4.0], "n": [12, 13]},
            **{"auroc": [0.6, 0.9], "low": [0.5, 0.8], "high": [0.7, 1.0]},
        }
    )
    figure = inspection_plots.by_size(frame, "Separation by size, diffusion", "tolerances")
    assert "n = 25 BAD parts" in figure.layout.title.text
    assert list(figure.data[0].error_y.array) == pytest.approx([0.1, 0.1])
    assert [list(row) for row in figure.data[0].customdata] == [[1, 2, 12], [2, 4, 13]]
    assert "tolerances" in figure.layout.xaxis.title.text
