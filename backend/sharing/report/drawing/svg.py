"""A figure of this program's as one SVG."""

import io
import re
from threading import Lock
from typing import Any

import matplotlib as mpl
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from backend.sharing.report.drawing import looks, scales, traces
from backend.sharing.report.drawing.scales import Scale

WIDTH = 5.4  # inches: letters are readable on a phone, where the drawing shrinks to two thirds
POINTS = 100  # of Plotly's px an inch
LOOK: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name may hold dollars
    "font.size": 9.0,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E3E8EC",
    "axes.axisbelow": True,
    "hatch.linewidth": 0.6,
    "hatch.color": "white",
}
_drawing = Lock()  # matplotlib's settings are the whole process's


def to_svg(figure: go.Figure) -> str:
    """The drawing as an element of a page: nothing in it is asked for outside."""
    with _drawing, mpl.rc_context(LOOK):
        drawn = Figure(figsize=(WIDTH, _height(figure)), layout="constrained")
        FigureCanvasSVG(drawn)
        _fill(drawn, figure)
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        drawn.savefig(buffer, format="svg", metadata=nothing)
    return _element(buffer.getvalue())


def _height(figure: go.Figure) -> float:
    return max(2.2, float(figure.layout.height or 380) / POINTS)


def _element(text: str) -> str:
    """The element alone, as wide as the page has room."""
    found = text[text.index("<svg") :]
    found = re.sub(r"<metadata>.*?</metadata>", "", found, flags=re.DOTALL)
    return re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", found, count=1)


def _fill(drawn: Figure, figure: go.Figure) -> None:
    axes = drawn.add_subplot()
    x, y = scales.of_figure(figure)
    mode = figure.layout.barmode or figure.layout.boxmode or "group"
    beside = [trace for trace in figure.data if trace.type in ("bar", "box")]
    bars = traces.Bars(mode, len(beside))
    for place, trace in enumerate(figure.data):
        _trace(axes, trace, place, x, y, bars)
    x.apply(axes, "x")
    y.apply(axes, "y")
    for shape in figure.layout.shapes or ():
        _shape(axes, shape)
    title = looks.text(figure.layout.title.text)
    if title:
        axes.set_title(title, loc="left", fontsize=9)
    if axes.get_legend_handles_labels()[1]:
        drawn.legend(loc="outside lower left", frameon=False, fontsize=8, ncols=1)


def _trace(axes: Axes, trace: Any, place: int, x: Scale, y: Scale, bars: traces.Bars) -> None:
    if trace.type == "bar":
        traces.bar(axes, trace, place, x, y, bars)
    elif trace.type == "histogram":
        traces.histogram(axes, trace, place, bars)
    elif trace.type == "box":
        traces.box(axes, trace, place, x, y, bars)
    elif trace.type == "heatmap":
        traces.heatmap(axes, trace, x, y)
    else:
        traces.scatter(axes, trace, place, x, y)


def _shape(axes: Axes, shape: Any) -> None:
    """An upright or level line over the whole field, or a band."""
    look: Any = {
        "color": looks.colour(shape.line.color or "#8A949B"),
        "linestyle": looks.DASHES.get(shape.line.dash or "solid", "-"),
        "linewidth": 1.2,
        "label": "_hidden",
    }
    if shape.type == "rect":
        tint = looks.colour(shape.fillcolor, opacity=shape.opacity)
        axes.axhspan(float(shape.y0), float(shape.y1), color=tint, linewidth=0, label="_hidden")
    elif shape.x0 == shape.x1:
        axes.axvline(float(shape.x0), **look)
    else:
        axes.axhline(float(shape.y0), **look)
