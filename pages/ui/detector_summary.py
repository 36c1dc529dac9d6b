"""What a detector is worth at a glance: what it was judged on, and its figures with intervals."""

import numpy as np
import pandas as pd
import streamlit as st

from backend import plots
from backend.core.runs import Run
from backend.detection import curves, standing, start_weights
from backend.detection.detector.spec import Result
from backend.detection.evaluation import Judged
from backend.glossary import CLOSE_FIT, DETECTION_SCORE, ONE_BOX, PRECISION, RECALL
from backend.numeric.statistics import as_many_groups, grouped_share
from backend.wording import counted
from pages.ui import charts, resources

CONTROLS = {  # subject of a figure → as it stands in the chart; marks of a check are open
    "constant box": ONE_BOX.words,
    "own validation images": "check: its own training source (no evidence)",
}


def verdict(result: Result) -> None:
    """What the detector is worth, first of all: no figure stands above it."""
    words = charts.plain(standing.verdict(result))
    if standing.has_learned(result) and result.real:
        st.success(words, icon=":material/center_focus_strong:")
    else:
        st.warning(words, icon=":material/model_training:")


def origin(result: Result) -> None:
    """What the detector was judged on, and what it started from."""
    kind = "real photographs" if result.real else "rendered images, **not real ones**"
    start = start_weights.said(result.start, result.pretrained)
    mixed = f" Trained with {result.mixing}." if result.mixing else ""
    st.caption(
        f"Judged on {result.test_images} {kind}, {result.test_intact} of them good; "
        f"started from {start}.{mixed} The {DETECTION_SCORE.words}: {DETECTION_SCORE.meaning}; in "
        "brackets the 95 % interval."
    )
    near = result.near_duplicates
    if near:
        st.warning(
            f"{counted(near, 'training image looks', 'training images look')} like a test image, "
            "so read the figures with care.",
            icon=":material/content_copy:",
        )


def alarms(result: Result) -> None:
    """What its confidence keeps false alarms to, and on how many good parts that rests."""
    words = standing.alarms(result)
    if words:
        st.caption(charts.plain(words))


def choice(run: Run, result: Result) -> None:
    """The trainings that this one was chosen among, where there were several."""
    figures = resources.facts("figures", run)
    rows = figures[figures["metric"] == standing.HELD]
    if rows.empty:
        return
    kept = (rows["subject"] == result.mixing).map({True: "kept: ", False: ""})
    n = int(rows["n"].iloc[0])
    with st.expander(f"Chosen among {len(rows)} trainings", icon=":material/alt_route:"):
        charts.figure(
            plots.intervals(
                rows.assign(subject=kept + rows["subject"]),
                f"Detection score on {counted(n, 'real image')} held back",
                "detection score",
            ),
            rows.drop(columns="run_id"),
            f"choice-{run.id}",
            "Detection score of each training on real images held back, with 95 % intervals",
        )
        st.caption(
            f"None of these trainings saw the {n} real images held back, and no test image took "
            "part. Where intervals overlap, another draw might have kept another training. The "
            "kept one was chosen on these images, so its figure here is flattered: only the test "
            "images tell what it is worth."
        )


def show(run: Run, result: Result, judged: Judged, at: float) -> None:
    """Its figures at a confidence, in tiles and in words; its average precision with controls.

    One that learned nothing has no figure to put into a tile.
    """
    figures = resources.facts("figures", run)
    if standing.has_learned(result):
        charts.metrics(_headline(result, figures, judged, at))
    st.markdown(_in_words(judged, at))
    rows = figures[figures["metric"].isin(["AP50", "AP50-95"])]
    fit = rows["metric"].map({"AP50": "", "AP50-95": ", close fit"})
    rows = rows.assign(subject=rows["subject"].map(lambda name: CONTROLS.get(name, name)) + fit)
    charts.of_run(
        run,
        "figures",
        lambda: plots.intervals(rows, "Detection score with 95 % intervals", "detection score"),
        figures.drop(columns="run_id"),
        "Detection score on the test images beside the checks",
    )
    st.caption(
        "“Images with a defect” leaves the good ones out, as most published figures do. "
        f"Close fit: {CLOSE_FIT.meaning}. Checks: a box in the middle of every image; and the "
        "data set's own images, which the paper reports and which are no evidence."
    )


def _in_words(judged: Judged, at: float) -> str:
    """What the detector does at a confidence, in counts."""
    found = int(curves.found(judged, at).sum())
    wrong = int((~judged.correct & judged.drawn(at)).sum())
    words = (
        f"At confidence {at:.3f} it finds **{found} of {len(judged.truth_image)}** defects and "
        f"draws **{wrong:,}** boxes that fit none"
    )
    intact = judged.truths == 0
    if not intact.any():
        return f"{words}."
    alarmed = int(judged.alarmed(at)[intact].sum())
    return f"{words}; **{alarmed} of {int(intact.sum())}** good parts raise a false alarm."


def _headline(
    result: Result, figures: pd.DataFrame, judged: Judged, at: float
) -> list[tuple[str, str, str]]:
    drawn = judged.drawn(at)
    right = judged.correct[drawn], judged.groups[judged.image[drawn]]
    hits = curves.found(judged, at), judged.groups[judged.truth_image]
    found = figures.set_index(["subject", "metric"])
    low_high = ["value", "low", "high"]
    entries = [
        (
            "Detection score (AP50)" + ("" if result.real else ", rendered"),
            charts.interval(result.ap50, result.ap50_low, result.ap50_high),
            f"{DETECTION_SCORE.meaning}. Good parts are among the images. Below: 95 % interval "
            "over specimens.",
        )
    ]
    if ("all test images", "AP50-95") in found.index:
        entries.append(
            (
                "Close fit (AP50-95)",
                charts.interval(*found.loc[("all test images", "AP50-95"), low_high]),
                CLOSE_FIT.meaning,
            )
        )
    entries += [
        (
            "Right of its boxes (precision)",
            _share(*right),
            f"{PRECISION.meaning}, at confidence {at:.3f}; n = {counted(len(right[0]), 'box')}. "
            f"{_over(right[1])}",
        ),
        (
            "Defects found (recall)",
            _share(*hits),
            f"{RECALL.meaning}, at confidence {at:.3f}; n = {counted(len(hits[0]), 'defect')}. "
            f"{_over(hits[1])}",
        ),
    ]
    intact = judged.truths == 0
    if intact.any():
        share = _share(judged.alarmed(at)[intact], judged.groups[intact])
        count = judged.alarms(at)[intact].mean()
        meaning = (
            f"Share of {counted(int(intact.sum()), 'image')} of good parts with a box; {count:.2f} "
            f"boxes an image. {_over(judged.groups[intact])}"
        )
        entries.append(("Good parts with a false alarm", share, meaning))
    return entries


def _over(groups: np.ndarray) -> str:
    """On how many specimens an interval rests, given the specimen of each thing counted [n]."""
    many, equal = len(np.unique(groups)), as_many_groups(groups)
    if equal > many - 0.05:
        return f"The interval counts {counted(many, 'specimen')}"
    return (
        f"The interval counts {counted(many, 'specimen')} of unequal weight, which say as much as "
        f"{equal:.1f} of equal weight"
    )


def _share(hits: np.ndarray, groups: np.ndarray) -> str:
    """Share of hits [n] with its interval over specimens; a dash where there is nothing to
    count."""
    return charts.interval(*grouped_share(hits, groups)) if len(hits) else "–"
