"""Documents as pages show them: sections, links, pictures, search, words."""

import re

import pytest

from backend import manual
from backend.core import cluster
from backend.manual import Picture
from backend.settings import PROJECT


def address(document, section):
    return f"help?{document}&{section}"


def test_every_document_is_read_whole():
    assert set(manual.documents()) == {path.stem for path in (PROJECT / "docs").glob("*.md")}
    for name in manual.documents():
        first, *others = manual.sections(name)
        assert first.level == 1 and first.anchor == ""
        assert len({one.anchor for one in others}) == len(others)
        text = (PROJECT / "docs" / f"{name}.md").read_text(encoding="utf-8")
        for one in manual.sections(name):
            assert one.text in text


def test_what_stands_in_a_block_of_code_is_no_heading():
    titles = [one.title for name in manual.documents() for one in manual.sections(name)]
    assert not [title for title in titles if title.startswith(("optional", "see "))]


def test_a_link_between_documents_leads_within_the_pages():
    text = "[a](line.md#limits) [b](methods.md) [c](#sinks) [d](https://x.y/z) [e](grafana/a.json)"
    assert manual.linked(text, "line", address) == (
        "[a](help?line&limits) [b](help?methods&) [c](help?line&sinks) [d](https://x.y/z) "
        "e (`docs/grafana/a.json`)"
    )


@pytest.mark.parametrize("name", manual.documents())
def test_every_link_of_a_document_leads_to_a_section_that_is_there(name):
    led = []

    def remember(document, section):
        led.append(f"{document}#{section}" if section else document)
        return "-"

    for one in manual.sections(name):
        manual.linked(one.text, name, remember)
    for place in led:
        assert manual.section(place)


def test_a_document_is_read_in_the_words_of_pages_but_for_its_code():
    text = "AUROC of `ablation`\n```sh\nAUROC\n```\nmean AUROC"
    assert manual.worded(text) == (
        "separation (AUROC) of `ablation`\n```sh\nAUROC\n```\nmean separation (AUROC)"
    )


def test_names_of_figures_stay_in_sentences():
    text = "the set's own validation images, 10 real and 23 intact images"
    assert manual.worded(text) == text
    for name in manual.documents():
        for one in manual.sections(name):
            assert not re.search(r"\ban (what|the|separation|detection)\b", manual.worded(one.text))


def test_a_page_has_one_row_and_a_bold_beginning_stands_once_in_a_section():
    for name in manual.documents():
        for one in manual.sections(name):
            begun = re.findall(r"^(?:\*\*.+?\*\*|\| [A-Z][^|]* \|)", one.text, re.MULTILINE)
            if name in ("pages", "operating"):
                assert sorted(set(begun)) == sorted(begun), one.place


def test_commands_of_documents_install_the_ray_that_the_program_names():
    for name in manual.documents():
        for one in manual.sections(name):
            for found in re.findall(r"ray==[\d.]+ msgpack==[\d.]+ grpcio==[\d.]+", one.text):
                assert found == cluster.RAY, one.place


def test_pictures_stand_where_they_stood_and_are_there():
    text = "before\n\n![what it shows](overview.png)\n\nafter"
    before, picture, after = manual.pieces(text)
    assert (before.strip(), after.strip()) == ("before", "after")
    assert picture == Picture(PROJECT / "docs" / "overview.png", "what it shows")
    for name in manual.documents():
        for one in manual.sections(name):
            found = [p for p in manual.pieces(one.text) if isinstance(p, Picture)]
            assert all(picture.file.is_file() for picture in found)
            assert len(found) == len(re.findall(r"^!\[", one.text, re.MULTILINE))


def test_search_finds_sections_with_all_words_titles_first():
    found = manual.find("Drift alarm")
    assert found[0].place == "methods#drift-alarm"
    assert all("drift" in f"{one.title} {one.text}".lower() for one in found)
    assert manual.find("") == [] and manual.find("no such words at all xyzzy") == []


def test_what_stands_around_a_word_is_one_plain_line():
    text = "**Bold** and [a link](line.md) " + "word " * 80 + "needle " + "word " * 80
    found = manual.around(text, "needle")
    assert "needle" in found and found.startswith("… ") and found.endswith(" …")
    assert "Bold and a link" in manual.around(text, "Bold") and "*" not in found


def test_a_row_of_the_pages_is_found_by_its_title():
    assert "keyboard" in manual.about_page("Review queue")
    assert manual.about_page("no such page") == ""


def test_the_words_of_a_text_are_explained():
    found = [term.words for term in manual.terms("Escapes are drawn by lot; recall is high.")]
    assert {"escape", "drawn by lot", "defects found (recall)"} <= set(found)


def test_what_is_not_there_raises():
    for place in ("none", "line#none"):
        with pytest.raises(KeyError):
            manual.section(place)
