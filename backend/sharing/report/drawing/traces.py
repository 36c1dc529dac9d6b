"""What is drawn between the axes: points and lines, bars, histograms, boxes, fields of colour."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from backend.sharing.report.drawing import looks
from backend.sharing.report.drawing.scales import Scale

MOST = 2000  # points of a line, and marks that stay letters of a drawing; more become a picture
WIDE = 0.8  # of the room between two names, that bars beside each other take


class Bars:
    """How the bars of a figure share their room."""

    def __init__(self, mode: str, count: int):
        self.mode, self.count = mode, max(1, count)
        self._heights: dict[tuple[float, bool], float] = {}

    def base(self, places: np.ndarray, heights: np.ndarray) -> np.ndarray:
        """Where each bar begins: on those below it where they are stacked."""
        if self.mode != "stack":
            return np.zeros_like(heights)
        found = []
        for place, height in zip(places, np.nan_to_num(heights), strict=True):
            key = (float(place), bool(height >= 0))
            found.append(self._heights.get(key, 0.0))
            self._heights[key] = found[-1] + height
        return np.array(found)

    def place(self, number: int) -> tuple[float, float]:
        """How far from the middle, and how wide, the bars of one trace are."""
        if self.mode in ("stack", "overlay", "relative"):
            return 0.0, WIDE
        width = WIDE / self.count
        return (number - (self.count - 1) / 2) * width, width


def scatter(axes: Axes, trace: Any, place: int, x: Scale, y: Scale) -> None:
    """Points, lines or both, with their intervals and the room filled below them."""
    across, up = x.of(trace.x), y.of(trace.y)
    mode = trace.mode or "lines+markers"
    asked = trace.line.color if "lines" in mode and trace.line.color else trace.marker.color
    shown = trace.showlegend is not False and bool(trace.name)
    name = looks.text(trace.name) if shown else "_hidden"
    base = looks.colour(asked if isinstance(asked, str) else None, place, trace.opacity)
    keep = np.linspace(0, len(across) - 1, min(len(across), MOST)).astype(int)
    if trace.fill == "tonexty" and axes.lines:
        low: Any = axes.lines[-1].get_xydata()
        fill = looks.colour(trace.fillcolor, place)
        axes.fill_between(
            across, np.interp(across, low[:, 0], low[:, 1]), up, color=fill, lw=0, label=name
        )
        name = "_hidden"
    if "lines" in mode:
        width = 0.0 if trace.line.width == 0 else 1.6
        style = looks.DASHES.get(trace.line.dash or "solid", "-")
        drawn: Any = "steps-post" if trace.line.shape == "hv" else "default"
        look: Any = {"linestyle": style, "color": base, "linewidth": width, "drawstyle": drawn}
        axes.plot(across[keep], up[keep], label=name, **look)
        name = "_hidden"
    _intervals(axes, trace, across, up, base)
    if "markers" in mode and len(across):
        _marks(axes, trace, across, up, place, name)


def _marks(
    axes: Axes, trace: Any, across: np.ndarray, up: np.ndarray, place: int, name: str
) -> None:
    count = len(across)
    marker = trace.marker
    opacity = marker.opacity if isinstance(marker.opacity, (int, float)) else None
    tints = [looks.colour(c, place, opacity) for c in looks.each(marker.color, count)]
    symbols = looks.each(marker.symbol or "circle", count)
    sizes = np.array([float(size or 6) * 0.75 for size in looks.each(marker.size, count)])
    for symbol in dict.fromkeys(symbols):
        mine = np.array([one == symbol for one in symbols])
        edge = [tint for tint, take in zip(tints, mine, strict=True) if take]
        hollow = str(symbol).endswith("-open")
        outline = str(marker.line.color) if isinstance(marker.line.color, str) else None
        axes.scatter(
            across[mine],
            up[mine],
            s=sizes[mine] ** 2,
            marker=looks.SYMBOLS.get(str(symbol).removesuffix("-open"), "o"),
            facecolors="none" if hollow else edge,
            edgecolors=outline or edge,
            linewidths=1.2 if hollow or outline else 0,
            rasterized=count > MOST,
            label=name,
            zorder=3,
        )
        name = "_hidden"


def _intervals(axes: Axes, trace: Any, across: np.ndarray, up: np.ndarray, tint: Any) -> None:
    for which, bars in (("xerr", trace.error_x), ("yerr", trace.error_y)):
        if bars.array is None:
            continue
        high = np.asarray(bars.array, float)
        low = high if bars.arrayminus is None else np.asarray(bars.arrayminus, float)
        look: Any = {
            which: np.clip([low, high], 0, None),
            "color": looks.colour(bars.color) if bars.color else tint,
        }
        axes.errorbar(across, up, fmt="none", elinewidth=1.2, capsize=3, label="_hidden", **look)


def bar(axes: Axes, trace: Any, place: int, x: Scale, y: Scale, bars: Bars) -> None:
    """Bars, upright or lying, each where the figure's mode has it."""
    lying = trace.orientation == "h"
    names, heights = (y.of(trace.y), x.of(trace.x)) if lying else (x.of(trace.x), y.of(trace.y))
    count = len(names)
    shift, width = bars.place(place)
    wide: Any = width
    if trace.width is not None:
        wide = np.array(looks.each(trace.width, count), float)
        if x.dated:
            wide = wide / 86_400_000
    if trace.offset == 0 and not lying:
        names = names + wide / 2
    opacities = looks.each(trace.marker.opacity, count)
    tints = [
        looks.colour(c, place, o)
        for c, o in zip(looks.each(trace.marker.color, count), opacities, strict=True)
    ]
    look: Any = {
        "color": tints,
        "hatch": looks.HATCHES.get(str(trace.marker.pattern.shape or ""), ""),
        "edgecolor": "white",
        "linewidth": 0.3,
        "label": looks.text(trace.name) if trace.name else "_hidden",
    }
    base = bars.base(names, heights)
    if lying:
        axes.barh(names + shift, heights, wide, left=base, **look)
        _intervals(axes, trace, heights, names + shift, looks.colour("#22303C"))
    else:
        axes.bar(names + shift, heights, wide, bottom=base, **look)
        _intervals(axes, trace, names + shift, heights, looks.colour("#22303C"))


def histogram(axes: Axes, trace: Any, place: int, bars: Bars) -> None:
    """Counts in the bins that the figure sets."""
    values = np.asarray(trace.x, float)
    size, start = float(trace.xbins.size), float(trace.xbins.start)
    top = values.max() if len(values) else start
    edges = start + size * np.arange(int((top - start) / size) + 2)
    counts, _ = np.histogram(values, edges)
    middles = (edges[1:] + edges[:-1]) / 2
    axes.bar(
        middles,
        counts,
        size * 0.94,
        bottom=bars.base(np.round(middles / size), counts.astype(float)),
        color=looks.colour(trace.marker.color, place, trace.opacity),
        hatch=looks.HATCHES.get(str(trace.marker.pattern.shape or ""), ""),
        edgecolor="white",
        linewidth=0.3,
        label=looks.text(trace.name),
    )


def box(axes: Axes, trace: Any, place: int, x: Scale, y: Scale, bars: Bars) -> None:
    """Medians, quartiles and ends of each name's values."""
    across, up = x.of(trace.x), y.of(trace.y)
    shift, width = bars.place(place)
    tint = looks.colour(trace.marker.color, place)
    names = sorted({name for name in across.tolist() if name == name})
    parts = [up[(across == name) & ~np.isnan(up)] for name in names]
    found = axes.boxplot(
        parts,
        positions=[name + shift for name in names],
        widths=width * 0.9,
        sym="",
        manage_ticks=False,
    )
    for lines in found.values():
        for line in lines:
            line.set_color(tint)
    axes.plot([], [], color=tint, label=looks.text(trace.name))


def heatmap(axes: Axes, trace: Any, x: Scale, y: Scale) -> None:
    """A field of colours, with its figures where it has them."""
    table = np.array(trace.z, float)
    stops = [(float(at), looks.colour(tint)) for at, tint in trace.colorscale]
    shades = LinearSegmentedColormap.from_list("own", stops)
    across, up = x.of(trace.x), y.of(trace.y)
    axes.pcolormesh(across, up, table, cmap=shades, shading="nearest", rasterized=True)
    if trace.text is not None:
        for row, line in zip(up, trace.text, strict=True):
            for column, word in zip(across, line, strict=True):
                axes.text(column, row, looks.text(word), color="white", ha="center", va="center")
