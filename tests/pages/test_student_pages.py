"""The pages about students: measures with controls, the explorer, comparison and package."""

import pytest
from streamlit.testing.v1 import AppTest

from backend.actions import work
from backend.core import lineage
from backend.settings import PROJECT


def open_page(name: str, run_id: str = "") -> AppTest:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=90).run()
    if run_id:
        app.query_params["run"] = run_id
    app = app.switch_page(f"pages/{name}.py").run()
    assert not app.exception, app.exception
    assert not app.error, [error.value for error in app.error]
    return app


def test_similarity_shows_sets_beside_their_controls(dashboard):
    app = open_page("students/similarity")
    assert [tab.label for tab in app.tabs][:2] == ["In pairs", "Samples as a set"]
    app.session_state["tab"] = "Samples as a set"
    tables = [table.value for table in app.run().table]
    sets = next(t for t in tables if "KID" in set(t["measure"]))
    assert {"samples", "mean image", "fresh teacher images"} <= set(sets.columns)
    assert any("a grey field some hundreds" in caption.value for caption in app.caption)


def test_source_as_nine_pairs_are_a_preset(dashboard):
    app = open_page("students/similarity")
    pairs = next(g for g in app.button_group if "As the glass paper paired them" in g.options)
    app = pairs.set_value("As the glass paper paired them").run()
    assert not app.exception
    assert any("0.108" in caption.value for caption in app.caption)


def test_other_samples_come_with_a_press(dashboard):
    app = open_page("students/distill")
    before = app.number_input(key="explorer_seed").value
    next(b for b in app.button if b.label == "Other samples").click().run()
    assert not app.exception
    assert app.number_input(key="explorer_seed").value > before


def test_a_student_without_measures_is_offered_for_measuring(dashboard, monkeypatch):
    asked = []
    monkeypatch.setattr(work, "submit", lambda actor, desk, *wanted: asked.append(wanted))
    app = open_page("students/compare")
    assert any("Not measured yet" in warning.value for warning in app.warning)
    assert len(app.dataframe[0].value) >= 1
    app = next(b for b in app.button if b.label == "Measure them").click().run()
    assert not app.exception
    assert {kind for kind, _ in asked} == {"similarity"}
    assert dashboard["distill"].id not in [spec["student_run"] for _, spec in asked]


def test_a_packed_student_has_its_card_and_its_golden_pictures(dashboard):
    run = dashboard["package of distill"]
    app = open_page("deployment/package", run.id)
    assert any("pixel by pixel" in text.value for text in app.markdown)
    assert [tab.label for tab in app.tabs][:2] == ["What goes in and out", "Golden pictures"]
    table = next(one.value for one in app.dataframe if "numbers" in one.value)
    assert list(table["name"]) == ["z", "image"]


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ("deployment/package", "package of distill"),
        ("detection/dataset", "dataset"),
        ("labels/curation", "sample"),
    ],
)
@pytest.mark.parametrize("problem", (lineage.DELETED, lineage.DAMAGED))
def test_pages_say_which_licence_is_not_known(dashboard, monkeypatch, page, kind, problem):
    """A run behind the one shown was deleted or is damaged."""
    lost = lambda folder, run_id: lineage.Ancestor(run_id, None, problem)  # noqa: E731
    monkeypatch.setattr(lineage, "_ancestor", lost)
    app = open_page(page, dashboard[kind].id)
    assert not app.exception
    words = [text.value for text in (*app.caption, *app.markdown)]
    assert any(f"not known, as it {problem}" in text for text in words)
