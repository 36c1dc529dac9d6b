"""Help: of a page, of a document, by words."""

import pytest

from pages.ui import help_topics, links
from tests.pages.test_pages import BY_PATH, is_well, open_page, words

HELP = links.HELP


def labels(app):
    return [link.label for link in app.get("page_link")]


def test_help_on_a_page_tells_what_one_does_there_its_method_and_its_words(empty_dashboard):
    entry = BY_PATH["pages/line/promise.py"]
    app = open_page(HELP, page=entry.url)
    is_well(app)
    assert "Do the limits still hold what they promise?" in words(app)
    titles = [box.label for box in app.expander]
    assert "Drift alarm" in titles and len(titles) == len(help_topics.of(entry.path))
    assert f"To the page {entry.title}" in labels(app)
    assert any("drift" in row for row in app.table[0].value["word"])


def test_a_document_is_shown_with_its_contents_and_links_within_the_pages(empty_dashboard):
    app = open_page(HELP, doc="line")
    is_well(app)
    assert "[Sinks](#sinks)" in words(app)
    assert "(system-help?doc=methods&section=drift-alarm)" in words(app)
    assert ".md" not in words(app).replace("`", "")
    alone = open_page(HELP, doc="line", section="sinks")
    assert [one.value for one in alone.subheader] == ["Sinks"]
    assert "All of The line" in labels(alone)


def test_pictures_of_a_document_are_shown(empty_dashboard):
    app = open_page(HELP, doc="results")
    is_well(app)
    assert len(app.get("image")) == 2


@pytest.mark.parametrize("query", [{}, {"doc": "../../etc/passwd"}, {"page": "none"}])
def test_without_a_topic_it_lists_every_page_and_document(empty_dashboard, query):
    app = open_page(HELP, **query)
    is_well(app)
    assert {entry.title for entry in links.every()} <= set(labels(app))
    assert "Methods" in labels(app)


def test_words_are_found_in_documents_and_glossary(empty_dashboard):
    app = open_page(HELP)
    app.text_input(key="help-find").set_value("kappa").run()
    is_well(app)
    assert any("Attribute agreement" in label for label in labels(app))
    assert "kappa" in " ".join(app.table[0].value["word"])
    app.text_input(key="help-find").set_value("xyzzy").run()
    assert "Nothing has all of these words" in app.info[0].value
