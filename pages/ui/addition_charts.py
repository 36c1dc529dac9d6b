"""What each part of an anomaly model's score adds, and how well its maps show the defect."""

import pandas as pd
import streamlit as st

from backend import glossary
from backend.core.runs import Run
from backend.glossary import SEPARATION
from backend.inspection.model import additions, pixel_figures
from backend.plots import inspection as inspection_plots
from pages.ui import charts, resources


def added(run: Run) -> None:
    """AUROC with a part of the score less that without it: means, and the types of one part."""
    rows = resources.facts("additions", run)
    if rows.empty:
        st.info(
            "This run did not score the diffusion's untrained start, or knows no BAD part. Run the "
            "anomaly model again with BAD parts to see what each part adds.",
            icon=":material/info:",
        )
        return
    means = additions.of_means(rows)
    charts.figure(
        inspection_plots.additions(
            means, "part", f"What each part adds to the mean {SEPARATION.short}"
        ),
        means.drop(columns="run_id"),
        f"additions-{run.id}",
        f"Difference in mean {SEPARATION.short} by part of the score, with intervals",
    )
    alt = f"{SEPARATION.words} with and without each part"
    st.dataframe(_with_and_without(means), hide_index=True, alt=alt)
    st.caption(
        "Same parts, test rounds and draws on both sides: 95 % intervals by bootstrap over "
        "groups. Left of the dotted line the part harms; an interval across it shows nothing."
    )
    _types(run, rows)


def _with_and_without(means: pd.DataFrame) -> pd.DataFrame:
    gaps = zip(means["difference"], means["low"], means["high"], strict=True)
    return pd.DataFrame(
        {
            "part": means["part"],
            "difference": [additions.exact(*gap) for gap in gaps],
            "with": [f"{v:.3f}" for v in means["value"]],
            "without": [f"{v:.3f}" for v in means["value_without"]],
        }
    )


def _types(run: Run, rows: pd.DataFrame) -> None:
    """One part's differences by feature type."""
    part = st.selectbox("By feature type", list(rows["part"].unique()))
    mine = rows[(rows["part"] == part) & (rows["feature"] != additions.MEAN)]
    charts.figure(
        inspection_plots.additions(mine, "feature", f"What {part} adds by feature type"),
        mine.drop(columns="run_id"),
        f"additions-{run.id}-{part}",
        f"Difference in {SEPARATION.short} by feature type, with intervals",
    )
    st.caption("95 % intervals by DeLong, paired; the CSV has p after Holm over the types tested.")


def located(run: Run) -> None:
    """Pixel figures of the anomaly maps, where parts bring masks."""
    rows = resources.facts("localisation", run)
    if rows.empty:
        st.info(
            "No pixel figures: they need BAD parts with masks of their defects (simulated parts, "
            "MVTec AD folders and the like), in a run of this version.",
            icon=":material/info:",
        )
        return
    methods = list(rows["method"].unique())
    method = st.selectbox("Maps of", methods, key=f"located-{run.id}")
    mine = rows[rows["method"] == method]
    _table(mine, "feature", "Pixel figures by feature type")
    st.caption(
        "95 % intervals by bootstrap over groups. AUPRO: mean share found of each connected region "
        "against the share of normal pixels raised, up to 0.3 or 0.05 of them, divided by that. "
        f"Counted in bins, which moves a figure by {rows['error'].max():.4f} at most. BAD parts "
        "without a mask are left out."
    )
    last = mine["feature"].iloc[-1]
    st.markdown(f"**Every method, {charts.plain(last)}**")
    shown = rows[rows["feature"] == last]
    _table(shown, "method", "Pixel figures by method")
    charts.csv(rows.drop(columns="run_id"), f"localisation-{run.id}")


def _table(rows: pd.DataFrame, by: str, alt: str) -> None:
    narrow = st.column_config.TextColumn(width=130)
    st.dataframe(_spans(rows, by), hide_index=True, column_config={by: narrow}, alt=alt)


def _spans(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """A row each, the figures in words with their intervals."""
    counts = {"GOOD": rows["n_good"], "BAD with mask": rows["n_bad"], "regions": rows["regions"]}
    found = pd.DataFrame({by: rows[by]})
    for name, words in pixel_figures.WORDS.items():
        found[glossary.said(words)] = [
            charts.interval(value, low, high)
            for value, low, high in zip(
                rows[name], rows[f"{name}_low"], rows[f"{name}_high"], strict=True
            )
        ]
    return found.assign(**counts)
