"""What Plotly calls colours, dashes, symbols and patterns, as matplotlib calls them."""

import html
import re
from typing import Any

from matplotlib import colors

Colour = tuple[float, float, float, float]
DASHES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": (0, (8, 3))}
SYMBOLS = {
    **{"circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "x": "X", "star": "*"},
    "cross": "P",
}
HATCHES = {"": "", "/": "///", ".": "...", "x": "xxx", "-": "---"}
FIRST = ("#0072B2", "#E69F00", "#8A949B", "#CC79A7", "#56B4E9")
CALLED = re.compile(r"rgba?\(([^)]*)\)")


def colour(value: Any, place: int = 0, opacity: float | None = None) -> Colour:
    """Of a name, `#rrggbb` or `rgba(…)`; the one for the trace at that place where none is set."""
    called = CALLED.fullmatch(value.strip()) if isinstance(value, str) else None
    if called:
        parts = [float(part) for part in called[1].split(",")]
        found = (*(part / 255 for part in parts[:3]), *(parts[3:] or [1.0]))
    else:
        found = colors.to_rgba(value if isinstance(value, str) else FIRST[place % len(FIRST)])
    red, green, blue, alpha = found
    return red, green, blue, alpha * (1.0 if opacity is None else float(opacity))


def each(value: Any, count: int) -> list[Any]:
    """A setting that holds for every mark, or one a mark, as one a mark."""
    if isinstance(value, str) or not hasattr(value, "__len__"):
        return [value] * count
    return list(value)


def text(words: Any) -> str:
    """Plotly's own markup as plain lines."""
    lines = re.sub(r"<br\s*/?>", "\n", str(words or ""))
    return html.unescape(re.sub(r"</?(?:span|b|extra)[^>]*>", "", lines))
