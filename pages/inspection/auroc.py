"""AUROC per feature type: cross-validated scores, intervals, and what they can prove."""

import pandas as pd
import streamlit as st

from backend import plots
from backend.inspection.reference import SOURCE_B
from backend.records import MIN_BAD
from backend.runs import Run
from pages.ui import charts, gallery, links, owner
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = run.result or {}
    auroc = owner.facts("auroc", run)
    figures = owner.facts("figures", run)
    st.caption(
        f"Mode {result['mode']}: "
        + ("no BAD part in training or calibration. " if result["mode"] == "good-only" else "")
        + f"Features: {charts.plain(result['backbone'])}. {result['folds']} grouped folds, "
        f"{result['repeats']} repeat(s), the same for every method."
    )
    means = figures[figures["metric"] == "mean AUROC"]
    charts.metrics(
        [
            (f"Mean AUROC, {row.subject}", charts.interval(row.value, row.low, row.high), "")
            for row in means.itertuples()
        ]
        + _extraction(result["part_seconds"])
    )
    for note in result["notes"]:
        st.info(charts.plain(note), icon=":material/info:")
    _bars(run, auroc)
    _table(run, auroc)
    _differences(run, owner.facts("comparisons", run))
    _scores(run, owner.facts("scores", run))
    _maps(run)
    links.to_kind("export", "Export this model")


def _extraction(seconds: float) -> list[tuple[str, str, str]]:
    """Time for the features of one part, where they were shared between folds."""
    if not seconds:
        return []
    return [("Features", f"{seconds * 1000:.1f} ms", "Per part; Latency times the whole way")]


def _bars(run: Run, auroc: pd.DataFrame) -> None:
    shared = set(auroc["feature"]) & set(SOURCE_B)
    reference = None
    if shared and st.toggle(
        "Show source B's figures",
        help="Published for its own parts; its method column mixes splits. For orientation only.",
    ):
        reference = SOURCE_B
    charts.figure(
        plots.auroc_bars(auroc, reference),
        auroc.drop(columns="run_id"),
        f"auroc-{run.id}",
        "AUROC per feature type and method with 95 % intervals",
    )
    st.caption(f"Pale bars: fewer than {MIN_BAD} BAD parts, unreliable and left out of every test.")


def _table(run: Run, auroc: pd.DataFrame) -> None:
    words = auroc.assign(
        shown=[charts.interval(r.auroc, r.low, r.high) for r in auroc.itertuples()]
    )
    wide = words.pivot(index="feature", columns="method", values="shown").reset_index()
    counts = auroc.drop_duplicates("feature")[["feature", "n_good", "n_bad", "reliable"]]
    st.dataframe(counts.merge(wide, on="feature"), hide_index=True, alt="AUROC per feature type")


def _differences(run: Run, rows: pd.DataFrame) -> None:
    if rows.empty:
        return
    st.subheader(f"{rows['method'].iloc[0]} against {rows['baseline'].iloc[0]}", anchor=False)
    tested = rows[rows["reliable"]]
    better = tested[(tested["p_holm"] < 0.05) & (tested["difference"] > 0)]["feature"]
    worse = tested[(tested["p_holm"] < 0.05) & (tested["difference"] < 0)]["feature"]
    st.markdown(_sentence(list(better), list(worse), len(tested)))
    charts.figure(
        plots.differences(rows),
        rows.drop(columns="run_id"),
        f"differences-{run.id}",
        "Difference in AUROC per feature type with interval and adjusted p",
    )


def _sentence(better: list[str], worse: list[str], n: int) -> str:
    if not better and not worse:
        return f"No difference can be shown on any of {n} feature types (DeLong, paired, Holm)."
    parts = []
    if better:
        parts.append(f"better on {', '.join(better)}")
    if worse:
        parts.append(f"worse on {', '.join(worse)}")
    return f"Of {n} feature types tested: {' and '.join(parts)} (DeLong, paired, Holm, p < 0.05)."


def _scores(run: Run, scores: pd.DataFrame) -> None:
    st.subheader("Scores", anchor=False)
    left, right = st.columns(2)
    method = left.selectbox("Method", list(scores["method"].unique()))
    feature = right.selectbox("Feature type", ["all", *sorted(scores["feature"].unique())])
    rows = scores[scores["method"] == method]
    rows = rows if feature == "all" else rows[rows["feature"] == feature]
    charts.figure(
        plots.score_histogram(rows, f"Out-of-fold scores, {method}, {feature}"),
        rows.drop(columns="run_id"),
        f"scores-{run.id}",
        "Histogram of anomaly scores of GOOD and BAD parts",
    )


def _maps(run: Run) -> None:
    pictures = sorted((run.artifacts / "maps").glob("*.png"))
    if not pictures:
        return
    st.subheader("Where it looks", anchor=False)
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
