"""Overview, detector and study say no more than their figures show, on runs with made-up ones."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from backend.core import facts, runs
from backend.core.runs import Run
from backend.detection.standing import HELD
from backend.detection.study.verdicts import ALARMS, AP50, GAIN
from backend.records import RunState
from pages.ui import resources
from tests.pages.test_pages import is_well, open_page, words

STUDY, DETECTOR = "pages/detection/study.py", "pages/detection/detector.py"
ARMS = ("real+intact", "real+intact+a")
SCORE = "detection score (AP50)"
IMAGES = {"p": 1, "q": 1, "m": 0, "n": 0}  # name → defects


def finished(storage, kind: str, tables: dict[str, list], result: dict[str, Any], **spec) -> Run:
    """A completed run with these facts, known to the dashboard.

    Made beside the runs: the queue would start one that is there and has not ended.
    """
    run = runs.create(storage.storage / "making", kind, spec)
    for table, rows in tables.items():
        facts.write(run.folder, table, rows)
    runs.finish(run.folder, RunState.COMPLETED, result=result)
    made = runs.read(run.folder.rename(storage.runs / run.id))
    resources.take_in(made)
    return made


def study(storage, *, seeds: int = 3, ap50: float = 0.6, difference: float = 0.1) -> Run:
    """One comparison with an interval of ±0.05, in an arm that reaches `ap50`."""
    gain, row = ap50 - 0.02, {"real": 10, "seeds": seeds}
    around = {"low": max(0.0, ap50 - 0.1), "high": ap50 + 0.1}
    learning = [{"arm": arm, **row, "metric": AP50, "value": ap50, **around} for arm in ARMS] + [
        {"arm": arm, **row, "metric": GAIN, "value": gain, "low": gain - 0.1, "high": gain + 0.1}
        for arm in ARMS
    ]
    pair = {"arm": ARMS[1], "baseline": ARMS[0], **row, "n_images": 90, "n_groups": 60}
    chance = {"p": 0.01, "p_holm": 0.01, "value": 0.2, "baseline_value": 0.1}
    contrasts = [
        pair | chance | {"metric": metric, "difference": d, "low": d - 0.05, "high": d + 0.05}
        for metric, d in ((AP50, difference), (ALARMS, 0.01))
    ]
    counts = {"real_images": 10, "intact_images": 5, "synthetic_images": 50, "own_images": 2}
    trials = [
        {"arm": arm, "real": 10, "seed": seed, "metric": AP50, "value": ap50, **counts}
        for arm in ARMS
        for seed in range(seeds)
    ]
    result = {
        **{"verdicts": ["With 10 real images, adding 50 synthetic ones (a) raises AP50 by 0.10."]},
        **{"trials": 2 * seeds, "seeds": seeds, "steps": 9, "test_images": 90, "test_intact": 30},
        **{"test_groups": 60, "test_boxes": 70, "constant_box_ap50": 0.02, "pretrained": True},
        **{"seconds_per_trial": 1.0, "test_hash": "abc", "near_duplicates": 0},
    }
    tables = {"learning": learning, "contrasts": contrasts, "trials": trials}
    return finished(storage, "study", tables, result)


def box(image: str, x: int) -> dict[str, Any]:
    corners = {"x1": x, "y1": 0, "x2": x + 10, "y2": 10}
    return {"image": image, "class_name": "defect", **corners, "confidence": 1.0}


def detector(
    storage, *, ap50: float = 0.6, gain: float = 0.5, real: bool = True, figures=(), **more: Any
) -> Run:
    """Two images with a defect, one of them found at 0.457; two intact ones, an alarm at 0.3."""
    found = [box("p", 0) | {"confidence": 0.457}, box("m", 50) | {"confidence": 0.3}]
    predictions = [
        row | {"iou": float(hit), "correct": hit, "levels": 1023 * hit}
        for row, hit in zip(found if ap50 else [], (True, False), strict=False)
    ]
    rows = [
        {"subject": "all test images", "metric": "AP50", "value": ap50, "n": 4},
        {"subject": "constant box", "metric": "AP50", "value": ap50 - gain, "n": 4},
        *figures,
    ]
    images = [{"image": n, "path": f"{n}.png", "source": "real", "group": n} for n in IMAGES]
    tables = {
        **{"images": images, "boxes": [box(n, 0) for n, count in IMAGES.items() if count]},
        **{"predictions": predictions, "figures": rows},
    }
    result = {
        **{"ap50": ap50, "ap50_low": ap50 - 0.1, "ap50_high": ap50 + 0.1, "ap50_95": 0.3},
        **{"confidence": 0.457, "recall": 0.5, "precision": 1.0, "false_alarms": 0.0},
        **{"constant_box_ap50": ap50 - gain, "own_validation_ap50": 0.9, "test_images": 4},
        **{"gain": gain, "gain_low": gain - 0.1, "gain_high": gain + 0.1, "test_intact": 2},
        **{"real": real, "pretrained": True, "classes": ["defect"], "test_hash": "abc"},
    }
    return finished(storage, "detector", tables, result | more)


HELD_BACK = (("synthetic images left out", 0.5), ("synthetic images first", 0.7))


def chosen_among(storage) -> Run:
    """A detector that was kept of two, for what they did on six real images held back."""
    figures = [
        {"subject": words, "metric": HELD, "value": v, "low": v - 0.2, "high": v + 0.2, "n": 6}
        for words, v in HELD_BACK
    ]
    return detector(storage, figures=figures, mixing="synthetic images first")


def tiles(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def first_words(app: AppTest) -> str:
    """The verdict: the first coloured box of the page."""
    boxes = [*app.success, *app.warning, *app.info]
    return str(boxes[0].value).replace("\\", "")


@pytest.mark.parametrize(("difference", "word"), [(0.1, "helps"), (-0.1, "harms")])
def test_a_study_says_first_what_helps_and_what_harms(empty_dashboard, storage, difference, word):
    study(storage, difference=difference)
    app = open_page(STUDY)
    is_well(app)
    assert first_words(app).startswith(f"{word.capitalize()}: a added to real+intact")
    assert f"**{word.capitalize()}:** with 10 real" in words(app)
    assert bool(app.warning) is (word == "harms")
    assert "Constant box" not in tiles(app)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"ap50": 0.03}, "These detectors learned nothing. No conclusion."),
        ({"ap50": 0.09}, "These detectors learned nothing. No conclusion."),
        ({"seeds": 1}, "One seed cannot tell. No conclusion."),
    ],
)
def test_a_study_without_evidence_has_no_finding(empty_dashboard, storage, values, verdict):
    study(storage, **values)
    app = open_page(STUDY)
    is_well(app)
    assert first_words(app).startswith(verdict)
    assert not app.success
    assert "raises" not in words(app)
    assert "**Cannot be told:** with 10 real" in words(app)


def test_a_detector_shows_at_its_confidence_what_its_result_says(empty_dashboard, storage):
    run = detector(storage)
    app = open_page(DETECTOR)
    is_well(app)
    assert first_words(app).startswith(
        "Finds defects on 4 real photographs, detection score (AP50) 0.60"
    )
    assert app.slider[0].value == run.result["confidence"]
    shown = tiles(app)
    assert (shown["Right of its boxes (precision)"], shown["Defects found (recall)"]) == (
        "1.00",
        "0.50",
    )
    assert shown["Good parts with a false alarm"] == "0.00"
    assert all(m.delta.startswith("[") for m in app.metric if m.label in shown), "intervals"
    assert "At confidence 0.457 it finds **1 of 2** defects" in words(app)
    assert "training source (no evidence)" not in shown


def test_a_detectors_form_asks_for_a_share_where_images_are_mixed(empty_dashboard, storage):
    def fields(app: AppTest) -> dict[str, Any]:
        return {widget.label: widget.value for widget in (*app.selectbox, *app.number_input)}

    finished(storage, "dataset", {}, {"images": 1, "boxes": 1, "labels": "all", "source": "real"})
    app = open_page(DETECTOR)
    assert (fields(app)["Synthetic images"], fields(app)["Real share"]) == ("mixed in", 0.5)
    next(s for s in app.selectbox if s.label == "Synthetic images").select("first").run()
    is_well(app)
    assert "Real share" not in fields(app)


def test_a_detector_tells_what_it_was_chosen_among(empty_dashboard, storage):
    chosen_among(storage)
    app = open_page(DETECTOR)
    is_well(app)
    assert "Chosen among 2 trainings" in [e.label for e in app.expander]
    assert "Trained with synthetic images first." in words(app).replace("\\", "")
    assert "None of these trainings saw the 6 real images held back" in words(app)


def test_a_detector_tells_what_its_confidence_keeps_false_alarms_to(empty_dashboard, storage):
    kept = {"alarm_rate": 0.1, "held_intact": 30, "held_alarmed": 2}
    detector(storage, **kept, held_recall=0.4, held_recall_free=0.6)
    app = open_page(DETECTOR)
    is_well(app)
    told = words(app).replace("\\", "")
    assert "2 of 30 good parts held back with a false alarm, 0.07 [0.01, 0.22]" in told
    assert "finds 0.40 there, and 0.60 at its best F1" in told


def test_a_detector_of_before_tells_of_no_rate(empty_dashboard, storage):
    detector(storage)
    app = open_page(DETECTOR)
    assert "held back" not in words(app)


def test_a_detector_trained_in_one_way_tells_of_no_choice(empty_dashboard, storage):
    detector(storage)
    app = open_page(DETECTOR)
    is_well(app)
    assert not [e.label for e in app.expander if e.label.startswith("Chosen among")]
    assert "Trained with" not in words(app)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"ap50": 0.0, "gain": 0.0}, "Found nothing yet: no box fits a defect in 4 test images."),
        (
            {"ap50": 0.04, "gain": 0.04},
            f"Learned nothing yet that can be shown: {SCORE} 0.04",
        ),
        (
            {"ap50": 0.3, "gain": 0.05},
            f"Learned nothing yet that can be shown: {SCORE} 0.30",
        ),
    ],
)
def test_a_detector_that_learned_nothing_has_no_headline(empty_dashboard, storage, values, verdict):
    detector(storage, **values)
    app = open_page(DETECTOR)
    is_well(app)
    assert first_words(app).startswith(verdict)
    assert "pretrained weights" in first_words(app)
    assert not app.metric


def test_a_detector_judged_on_rendered_images_is_marked(empty_dashboard, storage):
    detector(storage, real=False)
    app = open_page(DETECTOR)
    assert "That says nothing about your parts" in first_words(app)
    assert "Detection score (AP50), rendered" in tiles(app)
    assert "AP50" not in tiles(app)


def test_images_of_one_name_are_a_plain_sentence(empty_dashboard, storage):
    run = detector(storage)
    twice = [{"image": "p", "path": f"{n}.png", "source": "real", "group": n} for n in "xy"]
    facts.write(run.folder, "images", twice)
    resources.owner().store.ingest(run, "again")
    app = open_page(DETECTOR)
    assert not app.exception
    assert "'p' for x" in app.error[0].value
    assert first_words(app).startswith("Finds defects")


def test_the_overview_headlines_only_what_was_judged_on_photographs(empty_dashboard, storage):
    detector(storage, real=False, ap50=0.9, gain=0.8)
    app = open_page("pages/home/overview.py")
    assert not app.metric
    assert "**Not judged on photographs yet**" in words(app)
    detector(storage, real=True, ap50=0.6)
    detector(storage, real=False, ap50=0.9, gain=0.8)
    assert tiles(open_page("pages/home/overview.py")) == {
        "Detector: detection score (AP50)": "0.60"
    }


def test_the_overview_shows_no_nought_as_a_headline(empty_dashboard, storage):
    detector(storage, ap50=0.0, gain=0.0)
    app = open_page("pages/home/overview.py")
    is_well(app)
    assert not app.metric
    assert "**Found nothing yet beyond chance**" in words(app)
    assert "Train it for longer" in words(app)


def similarity(storage, pairing: str, low: float) -> Run:
    row = {"subject": "matched minus random", "metric": "SSIM", "value": low + 0.1}
    figures = {"figures": [row | {"low": low, "high": low + 0.2, "n": 60}]}
    return finished(storage, "similarity", figures, {"pairing": pairing})


def test_the_overview_shows_no_published_recipe_and_no_student_that_learned_nothing(
    empty_dashboard, storage
):
    similarity(storage, "own latent", -0.05)
    app = open_page("pages/home/overview.py")
    assert "**Learned nothing yet that can be shown**" in words(app)
    similarity(storage, "own latent", 0.2)
    similarity(storage, "random z, as in source A", 0.7)
    assert tiles(open_page("pages/home/overview.py")) == {
        "Student: likeness beyond chance (SSIM)": "+0.30"
    }


def threshold(storage, spec: dict[str, Any], **result: Any) -> Run:
    """Limits of a model with its evidence."""
    mean = {"subject": "diffusion", "metric": "mean AUROC", "value": 0.91, "low": 0.86}
    model = finished(storage, "inspect", {"figures": [mean | {"high": 0.94, "n": 399}]}, {})
    lost = {"subject": "all types", "metric": "BAD missed", "value": 0.29, "low": 0.18}
    told = {"version": 1, "method": "diffusion", "promise": "average", "alarm_rate": 0.05} | {
        **{"review_rate": 0.1, "ready": ["dots"], "short": [], "n_good": 298, "n_bad": 101},
        "notes": [],
    }
    figures = {"figures": [lost | {"high": 0.42, "n": 101}]}
    return finished(storage, "threshold", figures, told | result, inspect_run=model.id, **spec)


@pytest.mark.parametrize(
    ("spec", "result", "promise"),
    [
        (
            {"alarm_rate": 0.004},
            {"ready": ["edge"], "short": ["dots"]},
            "On average over plants that do the same, at most 0.4% of new GOOD parts of a type "
            "raise an alarm; one plant may have bad luck. Too few GOOD parts for a limit: dots. "
            "They miss 29 of 101",
        ),
        (
            {"promise": "certified", "alarm_rate": 0.025, "confidence": 0.9},
            {"ready": ["dots", "edge"], "by_hand": ["edge"]},
            "Certified: with 90% confidence, at most 2.5% of new GOOD parts of any type not chosen "
            "by hand raise an alarm. They miss",
        ),
        ({}, {"by_hand": ["dots"]}, "They promise nothing: every limit was chosen by hand. They"),
        ({}, {"ready": [], "short": ["dots"]}, "They promise nothing: no type has one. Too few"),
    ],
)
def test_the_overview_says_what_the_newest_anomaly_model_tells_and_its_limits_promise(
    empty_dashboard, storage, spec, result, promise
):
    threshold(storage, spec, **result)
    app = open_page("pages/home/overview.py")
    is_well(app)
    told = words(app).replace("\\", "")
    assert "BAD parts stand out: separation (AUROC) 0.91 [0.86, 0.94]" in told
    assert f"Its limits are version 1. {promise}" in told


def test_limits_whose_figures_are_damaged_do_not_end_the_overview(empty_dashboard, storage):
    run = threshold(storage, {})
    facts.path(run.folder, "figures").write_bytes(b"no table")
    app = open_page("pages/home/overview.py")
    assert not app.exception
    assert "Its limits are version 1." in words(app)
