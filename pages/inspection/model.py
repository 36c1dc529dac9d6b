"""AUROC per feature type: cross-validated scores, intervals, and what they can prove."""

import pandas as pd
import streamlit as st

from backend import published
from backend.core import runs
from backend.core.runs import Run
from backend.inspection.model import comparisons
from backend.inspection.model.spec import Result, Spec
from backend.plots import inspection as inspection_plots
from backend.records import MIN_BAD
from pages.ui import caveats, charts, gallery, links, resources, score_charts
from pages.ui.run_view import kind_page

MODES = {
    "good-only": "No BAD part in training or calibration.",
    "uses-bad": "The diffusion and the supervised baseline learned from the training folds' BAD "
    "parts; the other baselines did not. Compare these figures with no good-only ones.",
}


def show(run: Run) -> None:
    result = runs.result(run, Result)
    auroc, scores = resources.facts("auroc", run), resources.facts("scores", run)
    _head(run, result)
    caveats.alike(run)
    caveats.noted(result.notes)
    tabs = st.tabs(
        [
            *("Feature types", "Comparison", "Folds", "ROC", "Scores"),
            *("Defect size", "Where it looks"),
        ]
    )
    with tabs[0]:
        _bars(run, auroc)
        _table(run, auroc)
    with tabs[1]:
        _comparison(run, resources.facts("comparisons", run), auroc)
    with tabs[2]:
        _folds(run, scores)
    with tabs[3]:
        score_charts.roc(run, scores)
    with tabs[4]:
        score_charts.histogram(run, scores)
    with tabs[5]:
        score_charts.by_size(run, scores)
    with tabs[6]:
        _maps(run)
    links.to_kind("export", "Export this model")


def _head(run: Run, result: Result) -> None:
    """Mode, features and the means over feature types."""
    mode, backbone = result.mode, charts.plain(result.backbone)
    st.caption(
        f"Mode **{mode}**: {MODES.get(mode, '')} Features: {backbone}. {result.folds} grouped "
        f"folds, {result.repeats} repeat(s), the same for every method. "
        f"Score: {runs.spec(run, Spec).rule}. Below: mean AUROC by method."
    )
    figures = resources.facts("figures", run)
    means = figures[figures["metric"] == "mean AUROC"]
    names = [
        (row.subject, charts.interval(row.value, row.low, row.high), "Mean AUROC of this method")
        for row in means.itertuples()
    ]
    meaning = "Per part; Latency times the whole way"
    if result.part_seconds:
        names.append(("Features", f"{result.part_seconds * 1000:.1f} ms", meaning))
    charts.metrics(names)


def _bars(run: Run, auroc: pd.DataFrame) -> None:
    shared = set(auroc["feature"]) & set(published.AUROC)
    reference = None
    if shared and st.toggle(
        "Show source B's figures",
        help=f"{published.SOURCE_B}. Published for its own parts; its method column mixes splits. "
        "For orientation only.",
    ):
        reference = published.AUROC
    charts.figure(
        inspection_plots.auroc_bars(auroc, reference),
        auroc.drop(columns="run_id"),
        f"auroc-{run.id}",
        "AUROC per feature type and method with 95 % intervals",
    )
    st.caption(f"Pale bars: fewer than {MIN_BAD} BAD parts, unreliable and left out of every test.")


def _table(run: Run, auroc: pd.DataFrame) -> None:
    """AUROC of every method, with source B's two columns where the names are the same."""
    words = auroc.assign(
        shown=[charts.interval(r.auroc, r.low, r.high) for r in auroc.itertuples()]
    )
    wide = words.pivot(index="feature", columns="method", values="shown")
    wide = wide[list(dict.fromkeys(auroc["method"]))].reset_index()
    counts = auroc.drop_duplicates("feature")[["feature", "n_good", "n_bad", "reliable"]]
    table = counts.merge(wide, on="feature")
    if set(auroc["feature"]) & set(published.AUROC):
        for place, name in enumerate(("source B, baseline", "source B, method")):
            table[name] = [
                published.AUROC[f][place] if f in published.AUROC else None
                for f in table["feature"]
            ]
    st.dataframe(table, hide_index=True, alt="AUROC per feature type")
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
                "FPR at 95 % TPR": _spans(rows, "fpr_at_95_tpr"),
                "accuracy": _spans(rows, "accuracy"),
                "all called GOOD": rows["all_good_rate"].round(2),
            }
        ),
        hide_index=True,
        alt="Average precision, false alarms and accuracy per feature type",
    )
    st.caption(
        "95 % intervals: bootstrap over parts; exact for the accuracy. Accuracy: a part is called "
        "BAD above the 95 % quantile of its fold's calibration GOOD scores (first repeat); calling "
        "every part GOOD would reach the last column."
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
    tested = mine[mine["reliable"].astype(bool)]
    better = tested[(tested["p_holm"] < 0.05) & (tested["difference"] > 0)]["feature"]
    worse = tested[(tested["p_holm"] < 0.05) & (tested["difference"] < 0)]["feature"]
    st.markdown(_sentence(list(better), list(worse), len(tested)))
    charts.figure(
        inspection_plots.forest(mine),
        mine.drop(columns="run_id"),
        f"differences-{run.id}-{method}",
        "Difference in AUROC per feature type with interval and adjusted p",
    )
    st.caption(
        f"{baseline} is the baseline with the highest mean here, which favours it a little. "
        "First p: DeLong on the scores of all folds; second: Nadeau and Bengio over the folds. "
        f"Both after Holm. Grey: fewer than {MIN_BAD} BAD parts, not tested."
    )
    _power(auroc[auroc["method"] == baseline])


def _power(rows: pd.DataFrame) -> None:
    """What difference these parts could show at all, per feature type."""
    known = rows[rows["n_bad"] > 0].sort_values("detectable")
    if known.empty:
        return
    st.markdown("**What these parts can show**")
    words = [
        f"- {charts.plain(str(r.feature))}: with {r.n_bad:.0f} BAD parts, "
        + (
            "the baseline is so near 1 that not even a perfect model could be told from it."
            if r.detectable != r.detectable
            else f"a difference under {r.detectable:.2f} cannot be seen."
        )
        for r in known.itertuples()
    ]
    st.markdown("\n".join(words))
    st.caption("80 % power, two-sided 5 %, two methods on the same parts (Hanley and McNeil).")


def _sentence(better: list[str], worse: list[str], n: int) -> str:
    if not n:
        return f"No feature type has {MIN_BAD} BAD parts, so no difference was tested."
    if not better and not worse:
        return f"No difference can be shown on any of {n} feature types (DeLong, paired, Holm)."
    parts = []
    if better:
        parts.append(f"better on {', '.join(better)}")
    if worse:
        parts.append(f"worse on {', '.join(worse)}")
    return f"Of {n} feature types tested: {' and '.join(parts)} (DeLong, paired, Holm, p < 0.05)."


def _folds(run: Run, scores: pd.DataFrame) -> None:
    frame = comparisons.by_fold(scores)
    if frame.empty:
        st.info("No fold has BAD parts.", icon=":material/info:")
        return
    charts.figure(
        inspection_plots.fold_dots(frame),
        frame,
        f"folds-{run.id}",
        "AUROC of every fold by feature type and method",
    )
    st.caption("Folds share training parts: their spread is less than that of new data.")


def _maps(run: Run) -> None:
    pictures = sorted((run.artifacts / "maps").glob("*.png"))
    if not pictures:
        st.info("No anomaly map was kept.", icon=":material/info:")
        return
    st.caption("Anomaly maps over the highest and lowest scored parts.")
    frame = pd.DataFrame({"path": [str(p) for p in pictures]})
    rows = gallery.page_of(frame, f"maps-{run.id}", 12)
    with st.container(horizontal=True):
        for row in rows.itertuples():
            name = row.path.rsplit("/", 1)[-1].removesuffix(".png").replace("_", " ")
            st.image(row.path, width=200, caption=name, alt=f"Anomaly map, {name}")


kind_page(
    "inspect",
    "Learn what GOOD parts look like, per feature type, and see how well BAD ones stand out, on "
    "folds the model never saw.",
    show,
)
