"""Figures and tables on a page: each offers its data as CSV."""

import re
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure

from backend import plots
from backend.core import spreadsheet
from backend.core.runs import Run
from pages.ui import resources

TILE = 170  # px: two beside each other on a phone
INK = {"light": "#1E2528", "dark": "#E6EAEB"}  # colour of text, by theme
UNKNOWN_INK = "#7A868D"  # seen on either


def figure(made: Figure, data: pd.DataFrame, name: str, alt: str, **options: Any) -> Any:
    """A chart with its rows as a CSV download. `alt` says in words what it shows."""
    event = st.plotly_chart(inked(made, _ink()), key=f"chart-{name}", alt=alt, **options)
    csv(data, name)
    return event


def _ink() -> str:
    return INK.get(st.context.theme.type or "", UNKNOWN_INK)


def inked(made: Figure, ink: str) -> Figure:
    """The figure with its intervals in the theme's colour of text where they have none of their
    own: Plotly draws them in black, which nobody sees on a dark page."""
    for trace in made.data:
        for bars in (getattr(trace, "error_x", None), getattr(trace, "error_y", None)):
            if bars is not None and bars.color is None:
                bars.color = ink
    return made


def of_run(
    run: Run,
    name: str,
    draw: Callable[[], Figure],
    data: pd.DataFrame,
    alt: str,
    shown: tuple[Hashable, ...] = (),
    **options: Any,
) -> Any:
    """As `figure`, of an ended run: drawn once for each name and what is `shown`, which together
    tell apart whatever can be chosen of it."""
    made = _drawn(resources.state(run), name, shown, _ink(), draw)
    return figure(made, data, f"{name}-{run.id}", alt, **options)


@st.cache_resource(ttl=3600, max_entries=200, show_spinner=False)
def _drawn(
    state: resources.State,
    name: str,
    shown: tuple[Hashable, ...],
    ink: str,
    _draw: Callable[[], Figure],
) -> Figure:
    return inked(_draw(), ink)


def curves(run: Run) -> None:
    """A finished run's curves: losses, and metrics from 0 to 1 in a chart of their own."""
    frame = resources.facts("curves", run)[["step", "metric", "value"]]
    for title, rows in plots.split_curves(frame).items():
        of_run(run, title, partial(plots.curves, rows, title), rows, f"{title} per step")


def csv(data: pd.DataFrame | Callable[[], pd.DataFrame], name: str) -> None:
    """The button that gives a table as CSV. data: the table, or what makes it when pressed."""
    st.download_button(
        "CSV",
        lambda: spreadsheet.written(data() if callable(data) else data),
        file_name=f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        key=f"csv-{name}",
        on_click="ignore",
    )


def zipped(label: str, data: Callable[[], Any], name: str, help: str | None = None) -> None:
    """The button that gives a zip. data: makes its bytes once it is pressed. name: of the file,
    without suffix."""
    st.download_button(
        label,
        data,
        file_name=f"{name}.zip",
        mime="application/zip",
        icon=":material/folder_zip:",
        type="primary",
        on_click="ignore",
        help=help,
    )


def plain(text: str) -> str:
    """Foreign words as they are: nothing in them is read as Markdown, a link or a picture."""
    unlinked = re.sub(r"(?i)(://|www\.|@)", "\\1\u200b", text)
    return re.sub(r"([\\`*_{}\[\]()#+!$:<>~|])", r"\\\1", unlinked)


def number(value: float | None) -> str:
    """`0.62`, or a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.2f}"


def spread(low: float | None, high: float | None) -> str:
    """`[0.53, 0.72]`, or nothing where there is no interval."""
    return "" if low is None or low != low else f"[{low:.2f}, {high:.2f}]"


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """`0.62 [0.53, 0.72]`, or the value alone where there is no interval."""
    return "–" if value is None else f"{value:.2f} {spread(low, high)}".strip()


def intervals(rows: pd.DataFrame, column: str) -> list[str]:
    """`interval` of a column with those called `low` and `high`, a row at a time."""
    values = rows[[column, "low", "high"]].itertuples(index=False, name=None)
    return [interval(*row) for row in values]


def metrics(entries: list[tuple[str, str, str]]) -> None:
    """A row of figures: name, value, and what it means. An interval goes below its value."""
    with st.container(horizontal=True):
        for name, value, meaning in entries:
            figure, _, bounds = value.partition(" [")
            st.metric(
                name,
                figure,
                delta=f"[{bounds}" if bounds else None,
                delta_color="off",
                delta_arrow="off",
                help=meaning or None,
                border=True,
                width=TILE,
                height="stretch",
            )
