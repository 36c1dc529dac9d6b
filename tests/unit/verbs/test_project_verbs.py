"""`project` on the command line, and verbs that name one."""

import pytest
from click.testing import CliRunner

from backend.__main__ import main
from backend.core import runs
from backend.settings import settings
from tests.sharing_runs import made


@pytest.fixture
def call():
    return lambda *words, **kept: CliRunner().invoke(main, list(words), env=kept)


def queued(call, *words, **kept):
    answer = call("generate", "--count", "2", "--size", "128", "--queue", *words, **kept)
    assert answer.exit_code == 0, answer.output
    return runs.read(settings().runs / answer.output.split()[0])


def test_projects_are_added_listed_renamed_and_archived(call):
    assert call("project", "add", "Windscreens").output == "The project 'Windscreens' is there.\n"
    assert call("project", "rename", "windscreens", "Glass").exit_code == 0
    assert call("project", "archive", "Glass").exit_code == 0
    rows = call("project", "list").output.splitlines()
    assert [row.split()[0] for row in rows] == ["General", "Glass"]
    assert rows[1].endswith("everybody  archived")
    assert "is archived" in call("generate", "--project", "Glass", "--queue").output
    assert call("project", "archive", "--undo", "Glass").exit_code == 0
    assert "Nobody here has the name" in call("project", "members", "Glass", "Eve").output


def test_a_verb_puts_its_run_into_a_project(call):
    call("project", "add", "Glass")
    here = queued(call)
    there = queued(call, "--project", "glass")
    by_environment = queued(call, "--seed", "1", DISTILLERY_PROJECT="Glass")
    assert here.project == "" and there.project == by_environment.project != ""
    listed = call("runs", "--project", "Glass").output
    assert there.id in listed and by_environment.id in listed and here.id not in listed
    assert "There is no project 'Pens'" in call("generate", "--project", "Pens").output


def test_the_latest_is_of_the_same_project(call):
    call("project", "add", "Glass")
    made(settings().storage, "parts", {"parts": 1})
    answer = call("inspect", "--project", "Glass", "--dry-run")
    assert answer.exit_code == 2 and "no 'parts' run is completed yet" in answer.output


def test_runs_are_moved_with_their_sources(call):
    call("project", "add", "Glass")
    parts = made(settings().storage, "parts", {"parts": 1})
    model = made(settings().storage, "inspect", {}, parts_run=parts.id)
    answer = call("project", "move", model.id, "--to", "Glass", "--with-sources")
    assert answer.output == "Moved 2 runs to 'Glass'.\n"
    assert runs.project_of(parts.folder) == runs.project_of(model.folder) != ""
