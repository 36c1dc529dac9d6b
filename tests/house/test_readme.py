"""The README keeps up with the program."""

import re

import pytest

from backend.__main__ import main
from backend.settings import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", sorted(n for n, c in main.commands.items() if not c.hidden))
def test_every_verb_is_documented(verb):
    assert f"`{verb}`" in README or f"backend {verb}" in README


def test_every_setting_of_the_environment_is_documented():
    source = (PROJECT / "backend" / "settings.py").read_text(encoding="utf-8")
    for name in set(re.findall(r'"(DISTILLERY_[A-Z_]+)"', source)):
        assert name in README


def test_every_make_target_is_documented():
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "run", "test", "bench", "lint"):
        assert f"{target}:" in makefile
        assert f"make {target}" in README


def test_pictures_in_the_readme_exist():
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (PROJECT / path).is_file(), path


def test_no_path_of_a_developers_machine():
    for word in ("/work/", "/root/", "/tmp/"):
        assert word not in README


def test_no_placeholder_is_left():
    assert re.findall(r"^[A-Z_]{5,}$|\b[A-Z]+_[A-Z]+\b(?<!DISTILLERY)", _prose()) == []


def _prose() -> str:
    return re.sub(r"`[^`]*`", "", README)
