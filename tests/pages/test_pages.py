"""Every page, empty and with results, through Streamlit's own test runner."""

import os
import re
import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from backend.images.vocabulary import DEFECTS
from backend.settings import PROJECT
from pages.ui import links, resources
from tests.pages.everything_shown import everything
from tests.ruled_out import ruled_out

PAGES = [entry for entries in links.SECTIONS.values() for entry in entries]
GIVEN = "tiny "  # so begin the names that the runs of `tests/tiny.py` were given
BY_PATH = {entry.path: entry for entry in PAGES}


def open_page(path: str, **query: str) -> AppTest:
    """The dashboard at one page by its address, run once."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app._page_hash = calc_hash(BY_PATH[path].url)  # `switch_page` wants a run of the overview first
    return app.run()


def open_tab(app: AppTest, name: str) -> AppTest:
    """The same page with another of its tabs open."""
    app.session_state["tab"] = name
    return app.run()


def words(app: AppTest) -> str:
    """Everything a person reads on the page."""
    elements = [*app.title, *app.markdown, *app.info, *app.warning, *app.caption, *app.success]
    return "\n".join(str(element.value) for element in elements)


def is_well(app: AppTest) -> None:
    assert not app.exception, app.exception
    faults = [error.value for error in app.error if not error.value.startswith("It misses")]
    assert not faults, faults  # that a threshold misses many BAD parts is said in red too
    assert app.title


@pytest.mark.parametrize("entry", PAGES, ids=lambda e: e.title)
def test_every_page_opens_with_nothing_in_the_store(empty_dashboard, entry):
    app = open_page(entry.path)
    is_well(app)
    leads_to_its_help(app, entry)


def leads_to_its_help(app: AppTest, entry: links.Entry) -> None:
    """Two sentences on what one does there, and behind them the way to its help."""
    end = links.help_words(entry.url)
    told = next(str(m.value) for m in app.markdown if str(m.value).endswith(end))
    sentences = re.findall(r"[.?!](?=\s)", told.removesuffix(end))
    assert len(sentences) == 2, told


@pytest.mark.parametrize("entry", PAGES, ids=lambda e: e.title)
def test_every_page_opens_with_results_in_the_words_of_the_glossary(dashboard, entry):
    app = open_page(entry.path)
    is_well(app)
    leads_to_its_help(app, entry)
    shown = everything(app).splitlines()
    assert ruled_out("\n".join(line for line in shown if not line.startswith(GIVEN))) == []
    if entry.kind and entry.kind != "pseudo-label":  # see test_by_detector_page.py
        assert not [i for i in app.info if "No run yet" in i.value]


def test_an_empty_overview_offers_the_demo_and_ones_own_data(empty_dashboard):
    app = open_page("pages/home/overview.py")
    assert [b for b in app.button if b.label == "Run the demo"]
    begins = [link.label for link in app.get("page_link")]
    assert {"Begin: find defects in photographs", "Begin: inspect parts"} <= set(begins)


def test_a_page_that_needs_an_input_says_what_comes_first(empty_dashboard):
    app = open_page("pages/students/distill.py")
    assert "Make one of these first" in words(app)


def test_a_form_refuses_nonsense_in_words_and_starts_nothing(empty_dashboard):
    app = open_page("pages/inspection/parts.py")
    app.selectbox(key="form-parts-source").set_value("folder").run()
    app.text_input(key="form-parts-folder").set_value("/no/such/folder")
    app.button[0].click().run()
    assert "/no/such/folder" in app.error[0].value
    assert resources.supervisor().active() == []


def test_what_is_cleared_on_storage_is_gone_and_noted(empty_dashboard, storage):
    storage.uploads.mkdir(parents=True)
    (storage.uploads / "a.bin").write_bytes(b"x" * 2**20)
    app = open_page("pages/system/storage.py")
    next(b for b in app.checkbox if b.label == "Delete all uploads for good").check().run()
    app.button(key="delete-uploads").click().run()
    assert not app.exception and not app.error
    assert not storage.uploads.exists()
    row = app.dataframe[-1].value.iloc[0]
    assert (row["who"], row["what"]) == ("someone at this dashboard", "clear")
    assert row["about"] == "uploads"


def test_a_run_page_shows_settings_log_and_delete(dashboard):
    run = dashboard["detector"]
    app = open_page("pages/system/runs.py", run=run.id)
    is_well(app)
    assert run.id in words(app)
    assert {tab.label for tab in app.tabs} == {"Settings", "Run again", "Log", "Delete"}


def test_an_unknown_run_is_a_plain_sentence(dashboard):
    app = open_page("pages/system/runs.py", run="../../etc/passwd")
    assert not app.exception
    assert "There is no run" in app.error[0].value


def test_the_dashboard_does_not_load_the_heavy_libraries(tmp_path):
    code = f"""
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({str(PROJECT / "app.py")!r}, default_timeout=60).run()
assert app.title and not app.exception
print([n for n in ("torch", "ultralytics", "diffusers", "transformers") if n in sys.modules])
"""
    places = os.pathsep.join([str(PROJECT), os.environ["PYTHONPATH"]])
    environment = os.environ | {"DISTILLERY_STORAGE": str(tmp_path), "PYTHONPATH": places}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


def test_a_form_offers_the_defects_of_the_chosen_material(empty_dashboard):
    app = open_page("pages/teachers/images.py")
    kinds = next(m for m in app.multiselect if m.label == "Classes")
    assert kinds.options == ["crack", "scratch", "chip", "bubble", "inclusion"]
    assert kinds.value == ["crack"]
    next(s for s in app.selectbox if s.label == "Material").select("textile").run()
    is_well(app)
    kinds = next(m for m in app.multiselect if m.label == "Classes")
    assert kinds.options == kinds.value == list(DEFECTS["textile"])
    lighting = next(s for s in app.selectbox if s.label == "Lighting")
    assert "back light" in lighting.options
    next(s for s in app.selectbox if s.label == "Material").select("wood").run()
    assert "back light" not in next(s for s in app.selectbox if s.label == "Lighting").options
