"""Study: does synthetic data help on real parts? Variants of the same budget, with intervals."""

import pandas as pd
import streamlit as st

from backend.core import facts, runs
from backend.core.runs import Run
from backend.detection import start_weights
from backend.detection.study import verdicts
from backend.detection.study.spec import Result
from backend.detection.study.verdicts import Findings
from backend.glossary import DETECTION_SCORE, GOOD_ALARMED, OWN_SCORE, VARIANT, said
from backend.plots import study as study_plots
from backend.wording import counted
from pages.ui import caveats, charts, links, resources
from pages.ui.run_view import kind_page

AP50, ALARMS = verdicts.AP50, verdicts.ALARMS
UNFOLDED = 4  # comparisons
TRIAL = ["arm", "real", "seed", "real_images", "intact_images", "synthetic_images"]
METHOD = """
- **Same budget.** Every training takes the same number of steps of full batches from the same
  starting weights, at the same learning rate. Seed k of every variant has the same real images;
  those of a smaller amount are among those of a larger one. Views of one specimen stay together.
- **Few real images.** "half real": at least half of each batch is real, good parts among
  them, though they come more often then. "synthetic first": synthetic images alone for the first
  half of the steps, then real ones alone, under one falling learning rate. Without either, every
  image comes as often as any other.
- **Same judge.** The folder's test images, good parts among them. No photograph in training
  or behind a synthetic image is one of them, and no training photograph shows one of their
  specimens: the study checks this and refuses to go on otherwise.
- **Confidence.** A fifth of the specimens of each source is held back from training. Alarms and
  recall are taken at the confidence with the best F1 on the real ones of them (on all of them
  where none is real) and on good parts that it never trained on, of those that keep to the alarm
  rate asked for. A composite goes with the photograph below it, where that is among these; a
  student that was taught with composites is not looked behind. Test images play no part.
- **Intervals.** 95 %, bootstrap over specimens of the test set and over seeds, paired within a
  difference; p allows for how few the seeds are, and is adjusted after Holm within each metric.
- **Verdicts.** From three seeds and six test specimens with a defect on. A detector has learned
  something where its detection score (AP50) is at least 0.05 and its 95 % interval lies above that
  of one box in the middle; where neither detector of a comparison has, nothing is concluded.
"""


def show(run: Run) -> None:
    result = runs.result(run, Result)
    learning, contrasts = resources.facts("learning", run), resources.facts("contrasts", run)
    trials = resources.facts("trials", run)
    tables = map(facts.records, (trials, learning, contrasts))
    found = verdicts.of_study(result, *tables)
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
    links.to_kind("detector", "Train the detector you want to use", source=run.id)


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
            f"{counted(len(unclear), 'comparison')} of which nothing can be told",
            expanded=found.conclusive and len(unclear) <= UNFOLDED,
            icon=":material/question_mark:",
        ):
            _sentences([v.sentence for v in unclear])


def _sentences(told: list[str]) -> None:
    """Each as a point of a list, the verdict before the colon in bold."""
    points = []
    for words in told:
        verdict, colon, rest = charts.plain(said(words)).partition("\\:")
        bold = colon and verdict.lower() in verdicts.WORDS
        points.append(f"- **{verdict}:**{rest}" if bold else f"- {charts.plain(said(words))}")
    st.markdown("\n".join(points))


def _origin(result: Result) -> None:
    if result.near_duplicates:
        st.warning(
            f"{counted(result.near_duplicates, 'training image')}, or images behind them, look "
            "like a test image. That is well where different parts look alike under a fixed "
            "camera; else take them out and run the study again.",
            icon=":material/content_copy:",
        )
    start = start_weights.said(result.start, result.pretrained)
    st.caption(
        f"{counted(result.trials, 'training')} of {counted(result.steps, 'step')}, "
        f"{counted(result.seeds, 'seed')}, from {start}. " + result.said_of_alarms()
    )


def _headline(result: Result) -> None:
    charts.metrics(
        [
            ("Test images", str(result.test_images), "Real, never trained on"),
            (
                "Of them good",
                str(result.test_intact),
                "Without a defect: on these alarms are false",
            ),
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
    n = f"n = {result.test_images} images, {result.test_intact} good"
    left, right = st.columns(2)
    with left:
        charts.of_run(
            run,
            "learning",
            lambda: study_plots.learning_curves(
                rows,
                AP50,
                f"{DETECTION_SCORE.words[0].upper()}{DETECTION_SCORE.words[1:]}, {n}",
                control=result.constant_box_ap50,
            ),
            rows[rows["metric"] == AP50],
            f"{DETECTION_SCORE.words} on the real test images against the number of real "
            "training images",
        )
    alarms = rows[rows["metric"] == ALARMS]
    with right:
        if alarms.empty:
            st.info(
                "No good part is among the test images, so false alarms cannot be counted. "
                "Name a folder of photographs of good parts in the form.",
                icon=":material/info:",
            )
            return
        charts.of_run(
            run,
            "alarms",
            lambda: study_plots.learning_curves(rows, ALARMS, f"False alarms, {n}"),
            alarms,
            f"{GOOD_ALARMED.words} against the number of real images",
        )
    dotted = "Dotted: synthetic images alone. " if rows["real"].nunique() > 1 else ""
    st.caption(
        f"{dotted}Dashed, the control: one box in the middle of every image. "
        f"{DETECTION_SCORE.words}: {DETECTION_SCORE.meaning}."
    )


def _contrasts(run: Run, contrasts: pd.DataFrame, found: Findings) -> None:
    if contrasts.empty:
        return
    st.subheader("What each ingredient adds", anchor=False)
    metrics = list(dict.fromkeys(contrasts["metric"]))
    metric = st.segmented_control(
        "Metric", metrics, default=metrics[0], format_func=said, required=True
    )
    rows = contrasts.assign(clear=[found.clear(row) for row in facts.records(contrasts)])
    charts.of_run(
        run,
        f"contrasts-{metric}",
        lambda: study_plots.paired_differences(rows, metric),
        rows.drop(columns="run_id"),
        f"Paired differences in {said(metric)}, with 95 % intervals",
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
    st.subheader("Its own training source is no evidence", anchor=False)
    st.markdown(
        f"Each training's {DETECTION_SCORE.words} on images held back from its own sources, "
        "which is the figure that "
        "the paper reports, beside that on the real test images. Marks below the line promise "
        "more than they keep."
    )
    charts.of_run(
        run,
        "own",
        lambda: study_plots.own_beside_real(known),
        known,
        f"{OWN_SCORE.words} against the score on the real test images",
    )


def _table(run: Run, trials: pd.DataFrame) -> None:
    with st.expander("All trainings", icon=":material/table_rows:"):
        wide = _wide(trials)
        shown = wide.rename(columns=_column)
        figures = map(_column, (AP50, "recall", ALARMS, "own AP50", "confidence"))
        config = {name: st.column_config.NumberColumn(format="%.3f") for name in figures}
        st.dataframe(shown, hide_index=True, column_config=config)
        charts.csv(wide, f"trials-{run.id}")


def _column(name: str) -> str:
    """A column of the table of trainings as a person reads it."""
    return VARIANT.words if name == "arm" else said(name.replace("_", " "))


def _wide(trials: pd.DataFrame) -> pd.DataFrame:
    """One row a training, one column a metric."""
    order = list(dict.fromkeys(trials["metric"]))
    wide = trials.pivot_table(
        index=TRIAL, columns="metric", values="value", sort=False, aggfunc="first"
    )
    return wide[[name for name in order if name in wide]].reset_index()


kind_page(
    "study",
    "Find out whether synthetic data helps on your real parts, how much, and how many "
    "false alarms you get. The same detector is trained with and without it, and both "
    "are judged on the same real photographs.",
    show,
)
