"""Every method that a form offers has a card in docs/methods.md, and every card is whole."""

import re

import pytest

from backend.core import registry, specs
from backend.settings import PROJECT

DOCS = PROJECT / "docs"
METHODS = (DOCS / "methods.md").read_text(encoding="utf-8")
RESULTS = (DOCS / "results.md").read_text(encoding="utf-8")
CARDS = {
    title: text
    for title, text in re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", METHODS, re.MULTILINE)
    if title != "Statistics"
}
PARTS = ("Chosen as", "Reference", "Inputs", "Limits", "Measured")
FIELDS = {
    *("teacher", "labeller", "labellers", "preset", "model", "weights"),
    *("method", "methods", "promise"),
}
NO_METHOD = {"folder"}  # images of one's own
CHOSEN = re.findall(r"`([^`]+)`", "\n".join(re.findall(r"Chosen as.*(?:\n  .*)*", METHODS)))


def offered() -> set[str]:
    """What the forms offer as methods; of a network's name the family, without its size."""
    fields = [p for kind in registry.KINDS for p in specs.params(kind.spec_type)]
    chosen = {(p.name, str(c)) for p in fields if p.name in FIELDS for c in p.choices or ()}
    assert {name for name, _ in chosen} == FIELDS, "no form has this field any more"
    return {re.sub(r"^(yolov?\d+)[a-z]$", r"\1", word) for _, word in chosen} - NO_METHOD


def test_every_method_has_a_card():
    assert offered() - set(CHOSEN) == set()


@pytest.mark.parametrize("title", CARDS)
def test_a_card_is_whole(title):
    assert re.findall(r"^- \*\*(.+?)\*\*: \S", CARDS[title], re.MULTILINE) == list(PARTS)


def test_what_a_card_says_was_measured_is_in_the_results():
    headings = re.findall(r"^##+ (.+)$", RESULTS, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}
    linked = set(re.findall(r"results\.md#([\w-]+)", METHODS))
    assert linked and linked <= anchors
