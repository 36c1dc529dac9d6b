"""Separation per feature type: cross-validated scores, intervals, and what they can prove."""

import pandas as pd
import streamlit as st

from backend import glossary, published
from backend.core import runs
from backend.core.runs import Run
from backend.glossary import SEPARATION, TEST_ROUND
from backend.inspection.model import additions, brought, comparisons, standing, variants
from backend.inspection.model.spec import Result, Spec
from backend.plots import inspection as inspection_plots
from backend.records import MIN_BAD
from backend.settings import settings
from backend.wording import counted
from pages.ui import addition_charts, caveats, charts, gallery, links, resources, score_charts
from pages.ui.layout import tabs
from pages.ui.run_view import kind_page

MAPS = {"alarm": "GOOD, high score", "found": "BAD, high score", "missed": "BAD, low score"}


def show(run: Run) -> None:
    result = runs.result(run, Result)
    auroc = resources.facts("auroc", run)
    _head(run, result)
    caveats.alike(run)
    caveats.noted(result.notes)
    main = auroc[auroc["method"].isin(variants.main(auroc["method"].unique()))]
    tabs(
        {
            "Feature types": lambda: _feature_types(run, main),
            "What each part adds": lambda: addition_charts.added(run),
            "Comparison": lambda: _comparison(run, resources.facts("comparisons", run), auroc),
            "Test rounds": lambda: _folds(run, list(main["method"].unique())),
            "ROC": lambda: score_charts.roc(run, resources.facts("scores", run)),
            "Scores": lambda: score_charts.histogram(run, resources.facts("scores", run)),
            "Defect size": lambda: score_charts.by_size(run, resources.facts("scores", run)),
            "Where the defect is": lambda: _where(run),
        }
    )
    with st.container(horizontal=True):
        links.to_kind("threshold", "Set limits", source=run.id)
        links.to_kind("package", "Pack this model", source=run.id)


def _feature_types(run: Run, auroc: pd.DataFrame) -> None:
    _table(run, auroc, beside=_bars(run, auroc))


def _where(run: Run) -> None:
    addition_charts.located(run)
    _maps(run)


def _head(run: Run, result: Result) -> None:
    """How well BAD parts stand out and what to do next, then the means, then how."""
    figures = resources.facts("figures", run)
    means = figures[figures["metric"] == "mean AUROC"]
    means = means[means["subject"].isin(variants.main(means["subject"]))]
    _verdict(means)
    names = [
        (subject, words, f"Mean {SEPARATION.words} of this method")
        for subject, words in zip(means["subject"], charts.intervals(means, "value"), strict=True)
    ]
    names.append(_price(result))
    st.caption(f"Mean {SEPARATION.words}, by method; below each its 95 % interval.")
    charts.metrics(names)
    told = [additions.sentence(resources.facts("additions", run)), _each_price(result)]
    st.markdown(glossary.said(" ".join(filter(None, told))))
    _how(run, result)


def _verdict(means: pd.DataFrame) -> None:
    """Can the model tell BAD from GOOD, how sure is that, and what to do."""
    if means.empty:
        return
    told = standing.verdict(means.iloc[0])
    if standing.tells(means.iloc[0]):
        words = f"{told} Next: set limits that promise few false alarms."
        st.success(words, icon=":material/check_circle:")
    else:
        st.warning(told, icon=":material/warning:")


def _how(run: Run, result: Result) -> None:
    """Mode, features and test rounds, folded away."""
    with st.expander("How this was measured", icon=":material/straighten:"):
        mode, backbone = result.mode, charts.plain(result.backbone)
        rounds = counted(result.folds, TEST_ROUND.words)
        st.markdown(
            f"Mode **{mode}**: {standing.MODES.get(mode, '')} Features: {backbone}. {rounds}, "
            f"{counted(result.repeats, 'time')}, the same for every method: "
            f"{TEST_ROUND.meaning[0].lower()}{TEST_ROUND.meaning[1:]}. "
            f"Score: {runs.spec(run, Spec).rule}."
        )


def _price(result: Result) -> tuple[str, str, str]:
    """What a part costs; results of earlier versions know of the features alone."""
    if not result.part_ms:
        seconds = f"{result.part_seconds * 1000:.1f} ms"
        return "Features", seconds, "Per part; Latency times the whole way"
    meaning = "Processor time from a picture to its score, on one thread"
    return "A part costs", f"{result.part_ms['whole']:.1f} ms", meaning


def _each_price(result: Result) -> str:
    """What each feature set costs, where there are several."""
    each = [
        f"{ms:.1f} ms on {name} alone" for name, ms in result.part_ms.items() if name != "whole"
    ]
    return f"A part would cost {' and '.join(each)}." if each else ""


def _bars(run: Run, auroc: pd.DataFrame) -> bool:
    """Separation of every method in bars; are the paper's figures shown beside it?"""
    shared = set(auroc["feature"]) & set(published.AUROC)
    reference = None
    if shared and st.toggle(
        "Show the inkjet paper's figures",
        help=f"{published.INKJET_PAPER}. Published for its own parts; its method column mixes "
        "splits. For orientation only.",
    ):
        reference = published.AUROC
    charts.of_run(
        run,
        "auroc-beside-paper" if reference else "auroc",
        lambda: inspection_plots.auroc_bars(auroc, reference),
        auroc.drop(columns="run_id"),
        f"{SEPARATION.words} per feature type and method with 95 % intervals",
    )
    st.caption(f"Pale bars: fewer than {MIN_BAD} BAD parts, unreliable and left out of every test.")
    return reference is not None


def _table(run: Run, auroc: pd.DataFrame, beside: bool) -> None:
    """Separation of every method. beside: with the paper's two columns."""
    words = auroc.assign(shown=charts.intervals(auroc, "auroc"))
    wide = words.pivot(index="feature", columns="method", values="shown")
    wide = wide[list(dict.fromkeys(auroc["method"]))].reset_index()
    counts = auroc.drop_duplicates("feature")[["feature", "n_good", "n_bad", "reliable"]]
    table = counts.merge(wide, on="feature")
    if beside:
        for place, what in enumerate(("baseline", "method")):
            table[f"paper, {what}"] = [
                charts.number(published.AUROC[f][place] if f in published.AUROC else None)
                for f in table["feature"]
            ]
    table = table.rename(columns={"n_good": "GOOD", "n_bad": "BAD"})
    st.dataframe(table, hide_index=True, alt=f"{SEPARATION.words} per feature type")
    if auroc["average_precision"].notna().any():
        _more_figures(run, auroc)


def _more_figures(run: Run, auroc: pd.DataFrame) -> None:
    method = st.selectbox("More figures of", list(auroc["method"].unique()), key="more-figures")
    rows = auroc[auroc["method"] == method]
    st.dataframe(
        pd.DataFrame(
            {
                "feature": rows["feature"],
                "average precision": _spans(rows, "average_precision"),
                "false alarms where 95 % of BAD are found": _spans(rows, "fpr_at_95_tpr"),
                "accuracy": _spans(rows, "accuracy"),
                "all called GOOD": rows["all_good_rate"].map(charts.number),
            }
        ),
        hide_index=True,
        alt="Average precision, false alarms and accuracy per feature type",
    )
    st.caption(
        "95 % intervals: bootstrap over parts; exact for the accuracy. Accuracy: a part is called "
        "BAD above the 95 % quantile of its test round's GOOD calibration scores (first "
        "repeat); calling every part GOOD would reach the last column."
    )


def _spans(rows: pd.DataFrame, metric: str) -> list[str]:
    triples = zip(rows[metric], rows[f"{metric}_low"], rows[f"{metric}_high"], strict=True)
    return ["–" if value != value else charts.interval(value, lo, hi) for value, lo, hi in triples]


def _comparison(run: Run, rows: pd.DataFrame, auroc: pd.DataFrame) -> None:
    if rows.empty:
        st.info("No BAD part is known, so methods cannot be compared.", icon=":material/info:")
        return
    baseline = rows["baseline"].iloc[0]
    method = st.selectbox(f"Compared with {baseline}", list(rows["method"].unique()))
    mine = rows[rows["method"] == method]
    st.markdown(standing.compared(mine))
    charts.of_run(
        run,
        f"differences-{method}",
        lambda: inspection_plots.forest(mine),
        mine.drop(columns="run_id"),
        f"Difference in {SEPARATION.short} per feature type with interval and adjusted p",
    )
    st.caption(
        f"{baseline} is the baseline with the highest mean here, which favours it a little. "
        "First p: DeLong on the scores of all test rounds; second: Nadeau and Bengio over the "
        "rounds. "
        f"Both after Holm. Grey: fewer than {MIN_BAD} BAD parts, not tested."
    )
    _power(auroc[auroc["method"] == baseline])


def _power(rows: pd.DataFrame) -> None:
    """What difference these parts could show at all, per feature type."""
    known = rows[rows["n_bad"] > 0].sort_values("detectable")
    if known.empty:
        return
    st.markdown("**What these parts can show**")
    seen = known[known["detectable"].notna()]
    words = [
        f"- {charts.plain(str(feature))}: with {n_bad:.0f} BAD parts, a difference under "
        f"{detectable:.2f} cannot be seen."
        for feature, n_bad, detectable in zip(
            seen["feature"], seen["n_bad"], seen["detectable"], strict=True
        )
    ]
    blind = known[known["detectable"].isna()]
    if len(blind):
        each = zip(blind["feature"], blind["n_bad"], blind["auroc"], strict=True)
        named = ", ".join(f"{feature} ({n:.0f} BAD, {auroc:.2f})" for feature, n, auroc in each)
        words.append(
            "- Too few BAD parts to tell even a perfect model from the baseline, whose separation "
            f"stands in brackets: {charts.plain(named)}."
        )
    st.markdown("\n".join(words))
    st.caption("80 % power, two-sided 5 %, two methods on the same parts (Hanley and McNeil).")


def _folds(run: Run, methods: list[str]) -> None:
    scores = resources.facts("scores", run)
    frame = comparisons.by_fold(scores[scores["method"].isin(methods)])
    if frame.empty:
        st.info("No test round has BAD parts.", icon=":material/info:")
        return
    charts.figure(
        inspection_plots.fold_dots(frame),
        frame,
        f"folds-{run.id}",
        f"{SEPARATION.words} of every test round by feature type and method",
    )
    st.caption("Test rounds share training parts: their spread is less than that of new data.")


def _maps(run: Run) -> None:
    pictures = sorted((run.artifacts / "maps").glob("*.png"))
    if not pictures:
        st.info("No anomaly map was kept.", icon=":material/info:")
        return
    st.caption("Anomaly maps over the highest and lowest scored parts.")
    frame = pd.DataFrame({"path": [str(p) for p in pictures]})
    rows = gallery.page_of(frame, f"maps-{run.id}", 12)
    with st.container(horizontal=True, key=f"small-pictures-{run.id}"):
        for path in rows["path"]:
            which, _, place = path.rsplit("/", 1)[-1].removesuffix(".png").partition("-")
            name = f"{MAPS.get(which, which)} {place}".strip()
            st.image(path, width="stretch", caption=name, alt=f"Anomaly map, {name}")


def _weights_there(key: str) -> None:
    """What lies in storage/weights, by the choice of the form that takes it."""
    folder = settings().weights
    files = [f"{file.name} (coco)" for file in sorted(folder.glob("*.pt"))]
    there = files + [f"{name} (own)" for name in brought.listed(folder)]
    if there:
        st.caption(f"In storage/weights: {charts.plain(', '.join(there))}.")


kind_page(
    "inspect",
    "Learn what GOOD parts look like, per feature type. See how well BAD ones stand out "
    "among parts the model never saw.",
    show,
    _weights_there,
)
