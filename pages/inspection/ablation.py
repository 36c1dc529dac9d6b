"""What each setting of an anomaly model brings, in the same test rounds."""

from typing import Any

import pandas as pd
import streamlit as st

from backend import glossary
from backend.core import facts, runs
from backend.core.runs import Run
from backend.glossary import SEPARATION, TEST_ROUND
from backend.inspection.ablation.job import chances, verdict
from backend.inspection.ablation.spec import OWN, Result
from backend.plots import thresholds as thresholds_plots
from backend.wording import counted
from pages.ui import caveats, charts, links, resources
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = runs.result(run, Result)
    table = resources.facts("ablations", run)
    methods = list(table["method"].unique())
    method = st.selectbox("Score", methods) if len(methods) > 1 else methods[0]
    rows = table[table["method"] == method].reset_index(drop=True)
    _headline(rows, method)
    caveats.alike(run)
    st.caption(
        f"Mode {result.mode}, {counted(result.folds, TEST_ROUND.words)}, the same for every "
        "setting. "
        f"Mean over {', '.join(map(charts.plain, result.averaged))}. Intervals: bootstrap over "
        "groups, 95 %; p after Holm over the settings. Confirm what you choose on new parts."
    )
    sure = chances(facts.records(rows))
    shown = rows.assign(p_holm=rows["setting"].map(sure))
    if rows["difference"].notna().any():
        charts.figure(
            thresholds_plots.ablation_differences(shown),
            shown.drop(columns="run_id"),
            f"ablation-{run.id}",
            f"Difference in mean {SEPARATION.short} of each setting, with intervals",
        )
    timed = table[(table["method"] == "diffusion") & table["part_ms"].notna()]
    if len(timed):
        charts.figure(
            thresholds_plots.ablation_cost(timed),
            timed.drop(columns="run_id"),
            f"cost-{run.id}",
            f"Mean {SEPARATION.short} of the diffusion score against milliseconds per part",
        )
    _table(rows, timed)
    links.to_kind("inspect", "Train with the setting you choose", source=run.id)


def _headline(rows: pd.DataFrame, method: str) -> None:
    """Is any setting better than the model as it is?"""
    if len(rows) > 1:
        words = verdict(facts.records(rows))
        st.info(charts.plain(glossary.said(words)), icon=":material/rule:")
    own = rows[rows["setting"] == OWN].iloc[0]
    charts.metrics(
        [
            (
                "Separation as it is",
                charts.interval(own["auroc"], own["low"], own["high"]),
                f"{SEPARATION.meaning}. Mean over feature types, of the {method} score",
            ),
            ("Settings", str(len(rows)), "Compared, the model's own included"),
        ]
    )


def _table(rows: pd.DataFrame, timed: pd.DataFrame) -> None:
    shown = rows[["setting"]].assign(
        **{SEPARATION.short: charts.intervals(rows, "auroc")},
        difference=[_difference(r) for r in rows.itertuples()],
    )
    cost = timed[["setting", "part_ms", "seconds"]]
    shown = shown.merge(cost, on="setting", how="left")
    names = {"part_ms": "ms per part", "seconds": "all test rounds, s"}
    one = st.column_config.NumberColumn(format="%.1f")
    st.dataframe(
        shown.rename(columns=names),
        hide_index=True,
        column_config={"ms per part": one, "all test rounds, s": one},
        alt=f"{SEPARATION.short}, difference and time of each setting",
    )


def _difference(row: Any) -> str:
    if pd.isna(row.difference):
        return "–"
    bounds = f"[{row.difference_low:+.3f}, {row.difference_high:+.3f}]"
    return f"{row.difference:+.3f} {bounds}"


kind_page(
    "ablation",
    "Change one setting of an anomaly model at a time and see what it is worth and what "
    "it costs. All are judged in the same test rounds, so that the difference is the "
    "setting's.",
    show,
)
