"""What a person reads on a page that Streamlit's test runner opened."""

import json
from typing import Any

from streamlit.testing.v1 import AppTest

READ = ("title", "subheader", "markdown", "info", "warning", "error", "success", "caption")


def everything(app: AppTest) -> str:
    """All that a person reads: texts, fields with their help, tiles, tables and charts."""
    told = [str(element.value) for name in READ for element in getattr(app, name)]
    for tile in app.metric:
        told += [tile.label, tile.value, tile.proto.help]
    for name in ("selectbox", "multiselect", "toggle", "slider", "number_input", "text_input"):
        told += [f"{field.label} {field.help}" for field in getattr(app, name)]
    for table in (*app.dataframe, *app.table):
        told += [str(column) for column in table.value.columns]
        told += [str(v) for _, column in table.value.items() for v in column]
    told += [label.label for label in (*app.tabs, *app.expander)]
    told += [words for chart in app.get("plotly_chart") for words in _texts(chart.proto.spec)]
    return "\n".join(told)


def _texts(spec: str) -> list[str]:
    """The titles, names, labels and ticks of a chart."""
    found: list[str] = []

    def walk(part: Any) -> None:
        if isinstance(part, str):
            found.append(part.replace("<br>", " "))
        for inside in part.values() if isinstance(part, dict) else part:
            if not isinstance(inside, (int, float)) and inside is not None and inside != part:
                walk(inside)

    walk(json.loads(spec))
    return found
