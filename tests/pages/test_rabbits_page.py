"""Red rabbits on their page: found today, by day, by size, beside real BAD parts."""

import time
from io import BytesIO

import pytest
import streamlit as st
from PIL import Image

from backend.line.rabbits.journal import Rabbit, note
from tests.pages import worked_lines
from tests.pages.test_line_pages import texts
from tests.pages.test_pages import is_well, open_page
from tests.unit.line.packages import picture

PAGE = "pages/line/rabbits.py"


@pytest.fixture
def home(empty_dashboard, storage):
    st.cache_data.clear()
    _, made = worked_lines.worked(storage)
    yield made
    st.cache_data.clear()


def sent(home, count):
    target = BytesIO()
    Image.fromarray(picture(120)).save(target, "PNG")
    for k in range(count):
        when = time.time() - 86400 * (k % 3)
        verdict = "BAD" if k % 4 else "GOOD"
        one = Rabbit(when, "dot", "renderer", "stain", 1.0 + k, verdict, 3.0, 0.5, 5.0, "hash", 4)
        note(home, one, target.getvalue())


def test_what_is_found_stands_with_its_interval(home):
    sent(home, 24)
    app = open_page(PAGE)
    is_well(app)
    tiles = {one.label: one.value for one in app.metric}
    assert tiles["Red rabbits"].startswith("18/24")
    assert tiles["Real BAD parts"] == "–"
    assert "no BAD part drawn by lot was reviewed yet" in texts(app)
    newest = next(frame.value for frame in app.dataframe if "good" in frame.value)
    assert newest["verdict"].iloc[0] == "GOOD", "those that were missed stand first"
    assert len(app.get("image")) > 0


def test_without_any_the_page_leads_to_the_setting(home):
    app = open_page(PAGE)
    is_well(app)
    assert "Red rabbits a shift" in app.info[0].value
