"""Every action has its row in the table of rights, and every actor says what it may do."""

import ast
from pathlib import Path

from backend.access.links import Purpose
from backend.access.rights import RIGHTS
from backend.core import audit
from backend.settings import PROJECT


def noting(file: Path) -> set[str]:
    """Functions of an action's module that begin with `audit.noting`, as the table names them."""
    return {
        f"{file.stem}.{node.name}"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any("audit.noting" in ast.unparse(inner) for inner in node.body)
    }


def test_every_action_has_a_row_and_every_row_an_action():
    files = sorted((PROJECT / "backend/actions").glob("*.py"))
    actions = {name for file in files for name in noting(file)}
    assert actions - set(RIGHTS) == set(), "say in backend/access/rights.py who may do it"
    assert set(RIGHTS) - actions == set(), "no such action"


def test_only_actions_begin_an_action():
    files = (PROJECT / "backend").rglob("*.py")
    others = [file for file in files if "audit.noting" in file.read_text(encoding="utf-8")]
    assert {file.parent.name for file in others} == {"actions"}


def test_every_actor_of_the_product_says_what_it_may_do():
    files = [*(PROJECT / "backend").rglob("*.py"), *(PROJECT / "pages").rglob("*.py")]
    found = 0
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Actor":
                found += 1
                assert len(node.args) >= 3, f"{file.name}:{node.lineno} leaves the role to chance"
    assert found >= 4


def noted(file: Path) -> set[str]:
    """What an action's lines in the journal call it, where that is written out."""
    calls = (n for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    first = (
        n.args[0]
        for n in calls
        if isinstance(n, ast.Call) and ast.unparse(n.func) == "note" and n.args
    )
    return {
        arg.value for arg in first if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
    }


def test_every_line_of_the_journal_is_said_in_words():
    found = {word for file in (PROJECT / "backend/actions").glob("*.py") for word in noted(file)}
    made_up = {f"took up {purpose}" for purpose in Purpose}
    assert found | made_up == set(audit.WORDS)


WHOLE = {  # where a page may look past the project that is chosen, and what it shows of the rest
    "resources.py",  # makes the window, and reads the facts of a run that was found through it
    "server.py",  # starts and stops the supervisor
    "storage.py",  # compares all folders with the database, in counts
    "projects.py",  # counts the runs of each project
    "runs.py",  # counts what a search finds in other projects that they may see
}


def test_pages_see_runs_through_the_window_of_a_project():
    owner = {
        file.name
        for file in (PROJECT / "pages").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("resources.owner", "owner")
    }
    assert owner == WHOLE
