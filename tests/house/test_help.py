"""Every page has its help, in documents that are there; no help is for a page that is not."""

import pytest

from backend import glossary, manual
from pages.ui import help_topics, links

PAGES = [entry for entry in links.every() if not entry.path.startswith("pages/home/")]


@pytest.mark.parametrize("entry", links.every(), ids=lambda entry: entry.path)
def test_a_page_has_sections_that_help_with_it(entry):
    topics = help_topics.of(entry.path)
    assert topics, f"pages/ui/help_topics.py lacks {entry.path}"
    for place in topics:
        assert manual.section(place).text, place


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.path)
def test_docs_pages_says_what_one_does_there(entry):
    assert manual.about_page(entry.title), f"docs/pages.md has no row for {entry.title}"


def test_no_help_is_for_a_page_that_is_gone():
    there = {e.path.removeprefix("pages/").removesuffix(".py") for e in links.every()}
    assert set(help_topics.TOPICS) <= there


def test_the_first_help_of_a_page_of_results_names_limits():
    """A card of docs/methods.md has its limits."""
    for entry in PAGES:
        for place in help_topics.of(entry.path):
            if place.startswith("methods#") and place != "methods#statistics":
                assert "**Limits**" in manual.section(place).text


def test_every_word_that_pages_explain_is_found_by_itself():
    for term in glossary.TERMS:
        assert term in manual.terms(term.words) or len(term.words) < 4, term.words
