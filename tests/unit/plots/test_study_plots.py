"""Figures of a study say their n, and show what the rows say."""

import pandas as pd
import pytest

from backend.plots import study as study_plots

AP50 = "AP50"


@pytest.fixture
def learning() -> pd.DataFrame:
    rows = [
        ("real", 10, AP50, 0.4, 0.3, 0.5),
        ("real", 20, AP50, 0.5, 0.4, 0.6),
        ("rendered", 0, AP50, 0.3, 0.2, 0.4),
        ("rendered", 0, "recall", 0.9, None, None),
    ]
    return pd.DataFrame(rows, columns=["arm", "real", "metric", "value", "low", "high"])


def test_a_curve_an_arm_with_intervals_from_zero_real_images_on(learning):
    figure = study_plots.learning_curves(learning, AP50, "AP50, n = 9", control=0.1)
    real, rendered, control = figure.data
    assert (list(real.y), list(rendered.y)) == ([0.4, 0.5], [0.3])
    assert list(figure.layout.xaxis.ticktext) == ["0", "10", "20"]
    assert [round(x) for x in real.x] == [1, 2]
    assert list(real.error_y.array) == [pytest.approx(0.1)] * 2
    assert control.name == "check: one box in the middle 0.10"
    assert sorted(shape.y0 for shape in figure.layout.shapes) == [0.1, 0.3]


def test_only_differences_that_may_be_told_are_filled():
    rows = [
        ("real+intact", "real", 10, AP50, 0.2, 0.1, 0.3, 0.01, 157, 67, True),
        ("real+intact", "real", 20, AP50, 0.1, -0.1, 0.3, 0.4, 157, 67, False),
    ]
    columns = [
        *("arm", "baseline", "real", "metric", "difference", "low", "high", "p_holm"),
        *("n_images", "n_groups", "clear"),
    ]
    figure = study_plots.paired_differences(pd.DataFrame(rows, columns=columns), AP50)
    assert list(figure.data[0].marker.symbol) == ["circle-open", "circle"]
    assert "n = 157 images, 67 specimens" in figure.layout.title.text
    assert "20 real, p = 0.40" in figure.data[0].y[0]


def test_own_validation_stands_beside_the_test_images():
    frame = pd.DataFrame(
        {"arm": ["a", "b"], "real": 10, "seed": 0, "AP50": [0.1, 0.2], "own AP50": [0.9, 0.8]}
    )
    figure = study_plots.own_beside_real(frame)
    assert [(t.x[0], t.y[0]) for t in figure.data[:2]] == [(0.9, 0.1), (0.8, 0.2)]
    assert "n = 2 trainings" in figure.layout.title.text
