"""Live: what a line judges just now."""

from pathlib import Path

import streamlit as st

from backend.line import watch
from backend.plots import line as line_plots
from pages.ui import charts, line_view, links
from pages.ui.layout import header, plain_errors

NEWEST = 200  # parts in the strip of scores
CROPS = 8
CROP = 160  # px, such that a phone shows two side by side


def show() -> None:
    header(
        "Live",
        "Watch the newest parts of a line: their verdicts, scores and pictures. See whether "
        "it is alive, how fast it is, and what troubles it.",
    )
    chosen = line_view.choose()
    if chosen is None:
        return
    name, home = chosen

    @st.fragment(run_every="2s")
    def panel() -> None:
        with plain_errors():
            _panel(name, home)

    panel()


def _panel(name: str, home: Path) -> None:
    status = watch.status(home)
    if status is not None and status.alive:
        line_view.state(status)
        line_view.judges(status)
    else:
        st.info(
            f"The line {charts.plain(name)} does not run. These are its last parts.",
            icon=":material/pause_circle:",
        )
        links.to_kind("line", "Start it again", status.run if status else "")
    rows = watch.newest(home, NEWEST)
    if rows.empty:
        st.caption("No part was judged yet.")
        return
    last = rows.iloc[-1]
    st.markdown(f"### Last part: {line_view.BADGES[last['verdict']]}")
    features = ["all", *sorted(set(rows["feature"]))]
    feature = st.segmented_control(
        "Feature type", features, default="all", key=f"live-type-{name}", required=True
    )
    some = rows if feature == "all" else rows[rows["feature"] == feature]
    if feature == "all" and len(features) > 2 and status is not None and status.thresholds:
        st.caption("Pick a type to see its limits.")
    limits = {} if feature == "all" or status is None else watch.limits_of(home, status, feature)
    charts.figure(
        line_plots.score_strip(some.reset_index(drop=True), limits),
        some,
        f"strip-{name}",
        "Scores of the newest parts in their order, by verdict",
    )
    _crops(home)
    line_view.alarms(home)


def _crops(home: Path) -> None:
    """The newest crops that were kept: all but GOOD ones, and a sample of those."""
    rows = watch.newest(home, 2000)
    kept = rows[rows["picture"].fillna("") != ""].iloc[::-1].head(CROPS)
    if kept.empty:
        return
    st.markdown("#### Kept pictures")
    with st.container(horizontal=True):
        for _, row in kept.iterrows():
            with st.container(width=CROP):
                line_view.crop(home, row, CROP)


show()
