"""Results and other runs' settings are read as dataclasses, never by the names of JSON fields."""

import ast
from pathlib import Path

import pytest

from backend.settings import PROJECT

RAW = ("result", "spec")  # of a Run: JSON as it was written
READING = ("get", "items", "keys", "values")
# These show or search whatever JSON there is, of every kind and version.
GENERIC = ("backend/images/licences.py", "pages/system/runs.py", "pages/ui/run_view.py")


def raw_reads(source: str) -> list[int]:
    """Lines that look into `.result` or `.spec` as JSON; handing either on as a whole is none."""
    found = {
        child.lineno
        for parent in ast.walk(ast.parse(source))
        for child in ast.iter_child_nodes(parent)
        if isinstance(child, ast.Attribute) and child.attr in RAW
        if _looks_into(parent, child)
    }
    return sorted(found)


def _looks_into(parent: ast.AST, child: ast.AST) -> bool:
    match parent:
        case ast.Subscript(value=value) | ast.Assign(value=value) | ast.AnnAssign(value=value):
            return value is child
        case ast.NamedExpr(value=value) | ast.Starred(value=value):
            return value is child
        case ast.Attribute(attr=name):
            return name in READING
        case ast.For(iter=each) | ast.comprehension(iter=each):
            return each is child
        case ast.BoolOp(op=ast.Or()):
            return True
        case ast.keyword(arg=None):
            return True
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[held]):
            return held is child
    return False


@pytest.mark.parametrize(
    "breach",
    [
        *('run.result["auroc"]', '(run.result or {})["auroc"]', "result = run.result"),
        *('runs.read(folder).spec["seed"]', 'run.spec.get("seed")', "Spec(**run.spec)"),
        *("spec = supervisor().find(other).spec", "[name for name in run.spec]"),
        *('"alike" in run.result', "run.result.items()", "if found := run.result: pass"),
    ],
)
def test_the_rule_sees_a_breach(breach):
    assert raw_reads(f"a = 1\n{breach}") == [2]


def test_the_rule_lets_through_what_is_typed_or_handed_on_as_a_whole():
    typed = 'runs.result(run, Result).auroc\nself.spec.seed\nstart("parts", run.spec | {"size": 9})'
    assert raw_reads(f"{typed}\nassert run.result is not None") == []


def test_nobody_reads_raw_results_or_settings():
    files = [file for folder in ("backend", "pages") for file in (PROJECT / folder).rglob("*.py")]
    assert len(files) > 100
    found = {name(file): raw_reads(file.read_text(encoding="utf-8")) for file in files}
    breaches = {file for file, lines in found.items() if lines}
    assert breaches == set(GENERIC), "an exception that is none any more goes too"


def name(file: Path) -> str:
    return file.relative_to(PROJECT).as_posix()
