"""Foreign words in a chart: names of classes, parts or runs are never read as markup by Plotly."""

import re
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

OWN_MARKUP = re.compile(
    r"<(?!br>|/?b>|/?extra>|/span>|span style=\"font-size:\d+px;font-weight:normal\">)"
)


def harmless(figure: go.Figure) -> go.Figure:
    """The figure with every `<` that this program's own charts do not write as `&lt;`."""
    data = [_cleaned(trace.to_plotly_json()) for trace in figure.data]
    return go.Figure(data, _cleaned(figure.layout.to_plotly_json()))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return OWN_MARKUP.sub("&lt;", value)
    if isinstance(value, Mapping):
        return {name: _cleaned(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(part) for part in value]
    if getattr(value, "dtype", None) is not None and value.dtype == object:
        return [_cleaned(part) for part in value.tolist()]
    return value
