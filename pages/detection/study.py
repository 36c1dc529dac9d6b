"""Study: does synthetic data help on real parts? Arms of the same budget, with intervals."""

import pandas as pd
import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.detection.study import verdicts
from backend.detection.study.spec import Result
from backend.detection.study.verdicts import Findings
from backend.plots import study as study_plots
from pages.ui import caveats, charts, links, resources
from pages.ui.run_view import kind_page

AP50, ALARMS = verdicts.AP50, verdicts.ALARMS
UNFOLDED = 4  # comparisons
TRIAL = ["arm", "real", "seed", "real_images", "intact_images", "synthetic_images"]
METHOD = """
- **Same budget.** Every training takes the same number of steps of full batches from the same
  starting weights, at the same learning rate. Seed k of every arm has the same real images; those
  of a smaller amount are among those of a larger one. Views of one specimen stay together.
- **Same judge.** The folder's test images, intact photographs among them. No photograph in training
  or behind a synthetic image is one of them, and no training photograph shows one of their
  specimens: the study checks this and refuses to go on otherwise.
- **Confidence.** A fifth of the specimens of each source is held back from training. Alarms and
  recall are taken at the confidence with the best F1 on the real ones of them (on all of them
  where none is real) and on intact photographs that it never trained on. Test images play no part.
- **Intervals.** 95 %, bootstrap over specimens of the test set and over seeds, paired within a
  difference; p allows for how few the seeds are, and is adjusted after Holm within each metric.
- **Verdicts.** From three seeds and six test specimens with a defect on. A detector has learned
  something where its AP50 is at least 0.05 and its 95 % interval lies above the AP50 of one box in
  the middle of every image; where neither detector of a comparison has, nothing is concluded.
"""


def show(run: Run) -> None:
    result = runs.result(run, Result)
    learning, contrasts = resources.facts("learning", run), resources.facts("contrasts", run)
    trials = resources.facts("trials", run)
    found = _findings(result, trials, learning, contrasts)
    _verdicts(found)
    _origin(result)
    caveats.noted(result.notes)
    _headline(result)
    _curves(run, result, learning)
    _contrasts(run, contrasts, found)
    _own(run, trials)
    _table(run, trials)
    with st.expander("How this was measured", icon=":material/straighten:"):
        st.markdown(METHOD)
    links.to_kind("detector", "Train the detector you want to use")


def _findings(
    result: Result, trials: pd.DataFrame, learning: pd.DataFrame, contrasts: pd.DataFrame
) -> Findings:
    """Worked out from the rows, so that a study of an earlier version claims no more than these."""
    rows = (frame.to_dict("records") for frame in (trials, learning, contrasts))
    specimens = result.test_defect_groups
    if specimens is None:  # an earlier version's
        specimens = result.test_groups
    return verdicts.findings(
        verdicts.Evidence(*rows, result.constant_box_ap50, result.seeds, specimens)
    )


def _verdicts(found: Findings) -> None:
    """The study in a sentence, then each comparison, those that say something first."""
    words = [verdict.word for verdict in found.verdicts]
    if not found.conclusive:
        st.warning(charts.plain(found.headline), icon=":material/do_not_disturb_on:")
    elif verdicts.HARMS in words or verdicts.BOTH in words:
        st.warning(charts.plain(found.headline), icon=":material/trending_down:")
    elif verdicts.HELPS in words:
        st.success(charts.plain(found.headline), icon=":material/trending_up:")
    else:
        st.info(charts.plain(found.headline), icon=":material/question_mark:")
    unclear = [v for v in found.verdicts if v.word == verdicts.UNCLEAR]
    clear = [v for v in found.verdicts if v.word != verdicts.UNCLEAR]
    _sentences([*(v.sentence for v in clear), *found.beside])
    if unclear:
        with st.expander(
            f"{len(unclear)} comparison{'' if len(unclear) == 1 else 's'} of which nothing can be "
            "told",
            expanded=found.conclusive and len(unclear) <= UNFOLDED,
            icon=":material/question_mark:",
        ):
            _sentences([v.sentence for v in unclear])


def _sentences(told: list[str]) -> None:
    """Each as a point of a list, the verdict before the colon in bold."""
    points = []
    for words in told:
        verdict, colon, rest = charts.plain(words).partition("\\:")
        bold = colon and verdict.lower() in verdicts.WORDS
        points.append(f"- **{verdict}:**{rest}" if bold else f"- {charts.plain(words)}")
    st.markdown("\n".join(points))


def _origin(result: Result) -> None:
    if result.near_duplicates:
        st.warning(
            f"{result.near_duplicates} training images, or images behind them, look like a test "
            "image. That is well where different parts look alike under a fixed camera; else take "
            "them out and run the study again.",
            icon=":material/content_copy:",
        )
    start = "pretrained weights" if result.pretrained else "random weights (none were found)"
    st.caption(
        f"{result.trials} trainings of {result.steps} steps, {result.seeds} "
        f"seed{'' if result.seeds == 1 else 's'}, from {start}; test set {result.test_hash}."
    )


def _headline(result: Result) -> None:
    charts.metrics(
        [
            ("Test images", str(result.test_images), "Real, never trained on"),
            ("Of them intact", str(result.test_intact), "On these alarms are false"),
            ("Test specimens", str(result.test_groups), "Intervals are over these"),
            ("Boxes", str(result.test_boxes), "Defects marked in the test images"),
            (
                "A training",
                f"{result.seconds_per_trial:.0f} s",
                "With its test, on this computer",
            ),
        ]
    )


def _curves(run: Run, result: Result, learning: pd.DataFrame) -> None:
    rows = learning.drop(columns="run_id")
    n = f"n = {result.test_images} images, {result.test_intact} intact"
    left, right = st.columns(2)
    with left:
        charts.figure(
            study_plots.learning_curves(rows, AP50, f"AP50, {n}", control=result.constant_box_ap50),
            rows[rows["metric"] == AP50],
            f"learning-{run.id}",
            "AP50 on the real test images against the number of real training images",
        )
    alarms = rows[rows["metric"] == ALARMS]
    with right:
        if alarms.empty:
            st.info(
                "No intact image is among the test images, so false alarms cannot be counted. "
                "Name a folder of intact photographs in the form.",
                icon=":material/info:",
            )
            return
        charts.figure(
            study_plots.learning_curves(rows, ALARMS, f"False alarms, {n}"),
            alarms,
            f"alarms-{run.id}",
            "Share of intact test images with an alarm against the number of real images",
        )
    dotted = "Dotted: synthetic images alone. " if rows["real"].nunique() > 1 else ""
    st.caption(
        f"{dotted}Dashed, the control: one box in the middle of every image. AP50 (average "
        "precision) is 1 where every defect is found, with at least half of both boxes shared, "
        "before any false alarm."
    )


def _contrasts(run: Run, contrasts: pd.DataFrame, found: Findings) -> None:
    if contrasts.empty:
        return
    st.subheader("What each ingredient adds", anchor=False)
    metrics = list(dict.fromkeys(contrasts["metric"]))
    metric = st.segmented_control("Metric", metrics, default=metrics[0], required=True)
    rows = contrasts.assign(clear=[found.clear(row) for row in contrasts.to_dict("records")])
    charts.figure(
        study_plots.paired_differences(rows, metric),
        rows.drop(columns="run_id"),
        f"contrasts-{run.id}",
        f"Paired differences in {metric}, with 95 % intervals",
    )
    st.caption(
        "Filled marks are beyond chance after Holm's correction; open ones are not."
        if found.conclusive
        else "Open marks: nothing here may be concluded from, whatever the interval."
    )


def _own(run: Run, trials: pd.DataFrame) -> None:
    wide = _wide(trials)
    known = wide[wide["own AP50"].notna()] if "own AP50" in wide else wide.iloc[:0]
    if known.empty:
        return
    st.subheader("Own validation is no evidence", anchor=False)
    st.markdown(
        "Each training's AP50 on images held back from its own sources, which is the figure that "
        "the paper reports, beside its AP50 on the real test images. Marks below the line promise "
        "more than they keep."
    )
    charts.figure(
        study_plots.own_beside_real(known),
        known,
        f"own-{run.id}",
        "AP50 on held-back images of the same sources against AP50 on the real test images",
    )


def _table(run: Run, trials: pd.DataFrame) -> None:
    with st.expander("All trainings", icon=":material/table_rows:"):
        wide = _wide(trials)
        shown = wide.rename(columns=lambda name: name.replace("_", " "))
        figures = [AP50, "recall", ALARMS, "own AP50", "confidence"]
        config = {name: st.column_config.NumberColumn(format="%.3f") for name in figures}
        st.dataframe(shown, hide_index=True, column_config=config)
        charts.csv(wide, f"trials-{run.id}")


def _wide(trials: pd.DataFrame) -> pd.DataFrame:
    """One row a training, one column a metric."""
    order = list(dict.fromkeys(trials["metric"]))
    wide = trials.pivot_table(
        index=TRIAL, columns="metric", values="value", sort=False, aggfunc="first"
    )
    return wide[[name for name in order if name in wide]].reset_index()


kind_page(
    "study",
    "Find out whether synthetic data helps on your real parts, how much, and how many false alarms "
    "you get: the same detector, trained with and without it.",
    show,
)
