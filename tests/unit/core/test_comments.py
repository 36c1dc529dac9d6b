"""Comments on runs."""

import pytest

from backend.access.rights import Role
from backend.actions import work
from backend.core import audit, comments
from backend.core.audit import Actor, Way
from backend.core.desk import CommandLine
from backend.records import UserError

VIC = Actor("Vic", Way.PAGE, Role.VIEWER)


@pytest.fixture
def run(storage):
    admin = Actor("Ada", Way.PAGE)
    return work.submit(admin, CommandLine(storage, queued=True), "generate", {"count": 2})


def test_a_viewer_comments_and_mentions(storage, run):
    work.comment(VIC, storage, run.id, " Look, @eve and @Ada L! ", ["Eve", "Ada L", "Ada", "Look"])
    [one] = comments.of(run.folder)
    assert (one.who, one.words) == ("Vic", "Look, @eve and @Ada L!")
    line = audit.newest(storage.storage)[0]
    assert (line.action, line.about, line.detail) == ("comment", run.id, "Ada L, Eve")


@pytest.mark.parametrize("words", ["", "  ", "x" * 2001])
def test_nothing_and_too_much_are_refused(storage, run, words):
    with pytest.raises(UserError, match="The comment"):
        work.comment(VIC, storage, run.id, words)
    assert comments.of(run.folder) == []


def test_a_run_that_is_gone_has_no_comments(storage):
    with pytest.raises(UserError):
        work.comment(VIC, storage, "20260101T000000-parts-000000", "x")


def test_a_name_within_a_word_is_no_mention():
    assert comments.mentioned("mail@eve, @evening, (@Eve)", ["Eve"]) == ["Eve"]
    assert comments.mentioned("mail@eve, @evening", ["Eve"]) == []
