"""The pages about students: measures with controls, the explorer, comparison and export."""

from streamlit.testing.v1 import AppTest

from backend.jobs import Supervisor
from backend.settings import PROJECT


def open_page(name: str) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=90).run()
    app = app.switch_page(f"pages/synthesis/{name}.py").run()
    assert not app.exception, app.exception
    assert not app.error, [error.value for error in app.error]
    return app


def test_similarity_shows_sets_beside_their_controls(dashboard):
    app = open_page("similarity")
    assert [tab.label for tab in app.tabs][:2] == ["In pairs", "Samples as a set"]
    tables = [table.value for table in app.table]
    sets = next(t for t in tables if "KID" in set(t["measure"]))
    assert {"samples", "mean image", "fresh teacher images"} <= set(sets.columns)
    assert any("a grey field some hundreds" in caption.value for caption in app.caption)


def test_source_as_nine_pairs_are_a_preset(dashboard):
    app = open_page("similarity")
    pairs = next(g for g in app.button_group if "Source A's protocol" in g.options)
    app = pairs.set_value("Source A's protocol").run()
    assert not app.exception
    assert any("0.108" in caption.value for caption in app.caption)


def test_other_samples_come_with_a_press(dashboard):
    app = open_page("student")
    before = app.number_input(key="explorer_seed").value
    next(b for b in app.button if b.label == "Other samples").click().run()
    assert not app.exception
    assert app.number_input(key="explorer_seed").value > before


def test_a_student_without_measures_is_offered_for_measuring(dashboard, monkeypatch):
    asked = []
    monkeypatch.setattr(Supervisor, "submit", lambda self, kind, spec: asked.append((kind, spec)))
    app = open_page("students")
    assert any("Not measured yet" in warning.value for warning in app.warning)
    assert len(app.dataframe[0].value) >= 1
    app = next(b for b in app.button if b.label == "Measure them").click().run()
    assert not app.exception
    assert {kind for kind, _ in asked} == {"similarity"}
    assert dashboard["distill"].id not in [spec["student_run"] for _, spec in asked]


def test_an_export_is_one_zip_with_its_card(dashboard):
    run = dashboard["student-export"]
    app = open_page("student_export")
    assert any("Use it from Python" in text.value for text in app.markdown)
    names = {path.name for path in run.artifacts.glob("*")}
    assert {"student.onnx", "latents.npz", "MODEL_CARD.md", "model_card.json"} <= names
