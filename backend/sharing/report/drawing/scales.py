"""Where values lie on an axis: numbers as they are, times as days, names in their order."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from backend.sharing.report.drawing import looks

SHOWN = 40  # names on an axis, at most


class Scale:
    """One axis of a figure. values: what all traces have there."""

    def __init__(self, settings: Any, values: Iterable[Any]):
        self.settings = settings
        known = [value for value in values if value is not None]
        self.named = settings.type == "category" or any(isinstance(v, str) for v in known)
        self.dated = not self.named and any(
            isinstance(v, (pd.Timestamp, np.datetime64)) for v in known
        )
        names = dict.fromkeys(known) if self.named else ()
        ascending = settings.categoryorder == "category ascending"
        self.names = sorted(names) if ascending else list(names)
        self._places = {name: place for place, name in enumerate(self.names)}

    def of(self, values: Any) -> np.ndarray:
        """The places of values, NaN where there is none."""
        found = [] if values is None else list(values)
        if self.named:
            return np.array([self._places.get(value, np.nan) for value in found], float)
        if self.dated:
            return np.array([dates.date2num(pd.Timestamp(value)) for value in found], float)
        return pd.to_numeric(pd.Series(found, dtype=object), errors="coerce").to_numpy(float)

    def apply(self, axes: Axes, which: str) -> None:
        """Range, ticks, title and direction of this axis. which: x or y."""
        axis, ask = (axes.xaxis, axes.set_xlim) if which == "x" else (axes.yaxis, axes.set_ylim)
        settings = self.settings
        if settings.type == "log":
            (axes.set_xscale if which == "x" else axes.set_yscale)("log")
        if self.named:
            step = max(1, len(self.names) // SHOWN)
            shown = range(0, len(self.names), step)
            axis.set_ticks(list(shown), [looks.text(self.names[place]) for place in shown])
        elif settings.tickvals is not None:
            told = settings.ticktext if settings.ticktext is not None else settings.tickvals
            low, high = axis.get_view_interval()
            ticks = zip(settings.tickvals, told, strict=True)
            inside = [(v, looks.text(t)) for v, t in ticks if low <= float(v) <= high]
            axis.set_ticks([v for v, _ in inside], [t for _, t in inside])
        elif self.dated:
            locator = dates.AutoDateLocator()
            axis.set_major_locator(locator)
            axis.set_major_formatter(dates.ConciseDateFormatter(locator))
        elif str(settings.tickformat or "").endswith("%"):
            axis.set_major_formatter(PercentFormatter(1.0))
        if settings.range is not None and settings.type != "log":
            ask(*(self.of(settings.range) if self.dated else map(float, settings.range)))
        elif settings.rangemode == "tozero":
            ask(min(0.0, axis.get_view_interval()[0]), axis.get_view_interval()[1])
        if settings.autorange == "reversed":
            axis.set_inverted(True)
        if settings.showticklabels is False:
            axis.set_ticklabels([])
        axis.set_label_text(looks.text(settings.title.text))


def of_figure(figure: go.Figure) -> tuple[Scale, Scale]:
    """The x and the y axis of a figure."""
    xs = [value for trace in figure.data for value in _values(trace.x)]
    ys = [value for trace in figure.data for value in _values(trace.y)]
    return Scale(figure.layout.xaxis, xs), Scale(figure.layout.yaxis, ys)


def _values(values: Any) -> list[Any]:
    return [] if values is None else list(values)
