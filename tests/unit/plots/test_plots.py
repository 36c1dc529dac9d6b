"""Figures say their n, and show what the data frame says."""

import pandas as pd
import pytest

from backend import plots
from backend.plots import deployment as deployment_plots
from backend.plots import inspection as inspection_plots
from backend.plots import student as student_plots


def title(figure) -> str:
    return figure.layout.title.text


@pytest.fixture
def auroc() -> pd.DataFrame:
    rows = [
        ("diffusion", "dots", 40, 20, 0.9, 0.8, 0.95, True),
        ("diffusion", "angle", 40, 4, 0.7, 0.4, 0.9, False),
        ("padim", "dots", 40, 20, 0.85, 0.75, 0.92, True),
        ("padim", "angle", 40, 4, 0.6, 0.3, 0.8, False),
    ]
    columns = ["method", "feature", "n_good", "n_bad", "auroc", "low", "high", "reliable"]
    return pd.DataFrame(rows, columns=columns)


def test_auroc_bars_carry_n_intervals_and_pale_unreliable_ones(auroc):
    figure = inspection_plots.auroc_bars(auroc)
    assert "80 GOOD, 24 BAD" in title(figure)
    bar = figure.data[0]
    assert list(bar.y) == [0.9, 0.7]
    assert bar.error_y.array[0] == pytest.approx(0.05)
    assert bar.error_y.arrayminus[0] == pytest.approx(0.1)
    assert bar.marker.opacity[1] < bar.marker.opacity[0]
    assert figure.layout.yaxis.range[0] == 0


def test_source_b_is_marked_only_on_its_own_features(auroc):
    figure = inspection_plots.auroc_bars(auroc, {"dots": (0.956, 0.963), "dist1": (0.887, 0.857)})
    marks = [trace for trace in figure.data if "the inkjet paper" in trace.name]
    assert [list(mark.y) for mark in marks] == [[0.956], [0.963]]


def test_ssim_bars_are_sorted_and_name_the_controls():
    pairs = pd.DataFrame({"pair": [0, 1, 2], "ssim": [0.2, 0.9, 0.5]})
    figures = pd.DataFrame(
        [("matched", 0.53, 0.4, 0.6), ("random", 0.3, 0.2, 0.4), ("mean image", 0.6, 0.5, 0.7)],
        columns=["subject", "value", "low", "high"],
    )
    figure = student_plots.ssim_bars(pairs, figures, (0.036, 0.108, 0.188))
    assert list(figure.data[0].y) == [0.9, 0.5, 0.2]
    assert "n = 3 pairs" in title(figure)
    assert {"random", "mean"} <= set(" ".join(t.name for t in figure.data).replace(",", "").split())


def test_few_steps_are_each_on_the_axis_with_none_between():
    few = pd.DataFrame({"step": [1, 2], "metric": "loss", "value": [0.5, 0.4]})
    assert list(plots.curves(few, "Losses").layout.xaxis.tickvals) == [1, 2]
    many = pd.DataFrame({"step": range(50), "metric": "loss", "value": 0.5})
    assert plots.curves(many, "Losses").layout.xaxis.tickvals is None


def test_good_and_bad_differ_in_colour_and_pattern():
    frame = pd.DataFrame({"label": [1, 1, 0], "score": [0.1, 0.2, 0.9]})
    good, bad = inspection_plots.score_histogram(frame, "t").data
    assert good.marker.color != bad.marker.color
    assert good.marker.pattern.shape != bad.marker.pattern.shape
    assert "n = 2" in good.name
    assert "n = 1" in bad.name


def test_losses_and_metrics_are_apart():
    frame = pd.DataFrame(
        {
            "step": [1, 1, 2, 2, 1],
            "metric": ["train box loss", "mAP50", "train box loss", "mAP50", "p95"],
            "value": [2.0, 0.5, 1.5, 0.6, 7.3],
        }
    )
    parts = plots.split_curves(frame)
    assert list(parts) == ["Losses", "Metrics"]
    assert "p95" not in set(parts["Metrics"]["metric"]), "one step is no curve"
    assert plots.curves(parts["Metrics"], "Metrics").layout.yaxis.range[1] > 1


def test_a_metric_beyond_one_has_an_axis_of_its_own():
    frame = pd.DataFrame({"step": [1, 2], "metric": "KID of samples", "value": [97.0, 51.0]})
    both = pd.concat([frame, frame.assign(metric="recall", value=0.5)])
    parts = plots.split_curves(both)
    assert {title: set(rows["metric"]) for title, rows in parts.items()} == {
        "Metrics": {"recall"},
        "Other figures": {"KID of samples"},
    }
    assert plots.curves(parts["Other figures"], "Other figures").layout.yaxis.range is None


def test_the_newest_value_of_a_step_counts():
    events = [
        {"step": 1, "metrics": {"loss": 3.0}},
        {"step": 1, "metrics": {"loss": 2.0}},
        {"message": "no metrics"},
    ]
    assert plots.curve_frame(events).to_dict("records") == [
        {"step": 1, "metric": "loss", "value": 2.0}
    ]


def test_each_runs_share_within_a_time_rises_to_all_of_its_calls():
    frame = pd.DataFrame({"run": ["here"] * 100 + ["there"] * 50, "milliseconds": range(1, 151)})
    figure = deployment_plots.latency_ecdf(frame, 500, doubtful=True)
    here, there = figure.data
    assert (here.y[0], here.y[50], here.y[-1]) == (0, 0.5, 1) and here.x[50] == 50
    assert here.line.dash != there.line.dash and "n = 50" in there.name
    assert {a.text for a in figure.layout.annotations} == {"budget"}
    assert figure.layout.xaxis.range[1] > 500 and "computer busy" in title(figure)


def test_steps_stand_one_after_the_other():
    rows = {"run": "here", "low": [1.0, 1.5], "high": [2.0, 3.0], "n": 60}
    frame = pd.DataFrame({"variant": ["decode", "scoring"], "value": [1.2, -0.1], **rows})
    figure = deployment_plots.latency_steps(frame, "Where it goes")
    assert figure.layout.barmode == "stack" and [bar.x[0] for bar in figure.data] == [1.2, 0]
    assert figure.data[0].name == "decode, 1.2 ms" and "n = 60" in title(figure)


def test_medians_show_their_intervals_from_zero():
    bounds = {"low": [1.0, None], "high": [2.0, None], "n": [60, 3]}
    frame = pd.DataFrame({"variant": ["1 thread", "2 threads"], "value": [1.5, 1.1], **bounds})
    figure = deployment_plots.latency_medians(frame, "With more threads")
    assert figure.data[0].y == ("2 threads (n = 3)", "1 thread (n = 60)")
    assert figure.data[0].error_x.array.tolist() == [0, 0.5]
    assert figure.layout.xaxis.rangemode == "tozero"


def test_an_interval_without_a_bound_has_no_length():
    bars = plots.whiskers([0.5, 0.6], [0.4, None], [0.8, float("nan")], color="grey")
    assert bars["array"].tolist() == pytest.approx([0.3, 0])
    assert bars["arrayminus"].tolist() == pytest.approx([0.1, 0])
    assert bars["color"] == "grey" and not bars["symmetric"]
