"""The README keeps up with the program."""

import re

import pytest

from backend.__main__ import main
from backend.settings import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").glob("*.md"))]
DOCS = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)


@pytest.mark.parametrize("verb", sorted(n for n, c in main.commands.items() if not c.hidden))
def test_every_verb_is_documented(verb):
    assert f"`{verb}`" in DOCS or f"backend {verb}" in DOCS


def test_every_setting_of_the_environment_is_documented():
    source = (PROJECT / "backend" / "settings.py").read_text(encoding="utf-8")
    for name in set(re.findall(r'"(DISTILLERY_[A-Z_]+)"', source)):
        assert name in DOCS


def test_every_make_target_is_documented():
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "run", "test", "bench", "lint"):
        assert f"{target}:" in makefile
        assert f"make {target}" in DOCS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_pages_link_to_exists(page):
    for path in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / path).is_file(), path


def test_the_readme_is_one_screen():
    assert len(README.splitlines()) <= 80


def test_no_path_of_a_developers_machine():
    for word in ("/work/", "/root/", "/tmp/"):
        assert word not in DOCS


def test_no_placeholder_is_left():
    assert re.findall(r"^[A-Z_]{5,}$|\b[A-Z]+_[A-Z]+\b(?<!DISTILLERY)", _prose()) == []


def _prose() -> str:
    return re.sub(r"`[^`]*`", "", DOCS)
