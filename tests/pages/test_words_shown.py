"""No page with results shows a word that the glossary has another one for."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import links
from tests.pages.test_pages import PAGES, open_page
from tests.ruled_out import ruled_out

GIVEN = "tiny "  # so begin the names that the runs of `tests/tiny.py` were given
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


@pytest.mark.parametrize("entry", PAGES, ids=lambda e: e.title)
def test_no_page_with_results_shows_a_word_that_is_ruled_out(dashboard, entry):
    shown = everything(open_page(entry.path)).splitlines()
    assert ruled_out("\n".join(line for line in shown if not line.startswith(GIVEN))) == []


def test_at_most_four_pages_of_a_section_stand_in_the_sidebar_and_its_page_lists_all(
    empty_dashboard,
):
    for section, entries in links.SECTIONS.items():
        shown = [entry for entry in entries if entry.shown]
        assert len(shown) <= links.OPEN, section
        if len(shown) == len(entries):
            continue
        app = open_page(f"pages/home/{section.lower()}.py")
        listed = {link.label for link in app.get("page_link")}
        wanted = {f"**{entry.title}**" for entry in entries if entry.kind or entry.words}
        assert wanted <= listed


def test_a_page_that_the_sidebar_does_not_show_leads_back_to_its_section(empty_dashboard):
    app = open_page("pages/detection/testset.py")
    assert "Data" in {link.label for link in app.get("page_link")}
