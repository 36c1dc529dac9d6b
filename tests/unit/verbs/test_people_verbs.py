"""`user` and `audit` on the command line."""

import getpass

import pytest
from click.testing import CliRunner

from backend.__main__ import main
from backend.core import audit
from backend.settings import settings

GOOD = "correct horse battery\n"


@pytest.fixture
def call():
    def invoke(*words, typed=""):
        return CliRunner().invoke(main, list(words), input=typed)

    return invoke


def test_people_are_added_listed_and_changed(call):
    assert call("user", "add", "Ada", "--role", "admin", typed=GOOD).exit_code == 0
    assert call("user", "add", "Eve", "--role", "viewer", typed=GOOD).exit_code == 0
    assert call("user", "role", "Eve", "engineer").output == "'Eve' is engineer now.\n"
    assert call("user", "reset", "Eve", typed="another long one\n").exit_code == 0
    assert call("user", "disable", "Eve").exit_code == 0
    assert "disabled" in call("user", "list").output.splitlines()[1]
    assert call("user", "enable", "Eve").exit_code == 0
    assert "disabled" not in call("user", "list").output
    lines = audit.newest(settings().storage)
    assert {(line.actor, line.way) for line in lines} == {(getpass.getuser(), "command line")}
    assert [line.action for line in lines][-2:] == ["add account", "add account"]
    assert "6 lines, none changed" in call("audit", "verify").output


@pytest.mark.parametrize(
    ("words", "typed", "problem"),
    [
        (("add", "Ada", "--role", "admin"), "short\n", "at least 12"),
        (("add", "Ada", "--role", "admin"), "", "Standard input holds no password"),
        (("add", "a/b", "--role", "admin"), GOOD, "A name has letters"),
        (("add", "Ada", "--role", "boss"), GOOD, "is not one of"),
        (("disable", "Nobody"), "", "Nobody here has the name"),
    ],
)
def test_what_is_wrong_is_said_with_exit_code_2(call, words, typed, problem):
    done = call("user", *words, typed=typed)
    assert done.exit_code == 2
    assert problem in " ".join(done.output.split())


def test_a_changed_journal_is_told_with_exit_code_1(call):
    call("user", "add", "Ada", "--role", "admin", typed=GOOD)
    path = settings().storage / audit.JOURNAL
    path.write_text(path.read_text().replace("add account", "invite"))
    done = call("audit", "verify")
    assert done.exit_code == 1
    assert "Line 1 was changed" in done.output
