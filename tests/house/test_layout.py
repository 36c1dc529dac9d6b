"""The house rules that a machine can check: who imports whom, and what lies where."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from backend import registry, specs
from backend.settings import PROJECT

SECTIONS = ("synthesis", "inspection", "deployment")
LIGHT = ("store", "records", "settings", "jobs", "specs", "runs", "facts", "registry", "lineage")
HEAVY = ("torch", "diffusers", "ultralytics", "transformers", "cv2")
TOP_LEVEL = {
    *("app.py", "pages", "backend", "storage", "tests", "docs"),
    *("requirements.txt", "requirements-dev.txt", "pyproject.toml", "Makefile"),
    *("Dockerfile", "compose.yaml", ".dockerignore", ".gitignore"),
    *(".streamlit", ".ci", "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
}


def imported(tree: ast.AST) -> set[str]:
    """Every dotted name a module imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def breaches(files: list[Path], forbidden: tuple[str, ...]) -> list[str]:
    assert files, "the rule looks at nothing"
    return [
        f"{file.relative_to(PROJECT)} imports {name}"
        for file in files
        for name in sorted(imported(ast.parse(file.read_text(encoding="utf-8"))))
        if any(name == word or name.startswith(f"{word}.") for word in forbidden)
    ]


def python_files(folder: str) -> list[Path]:
    return sorted((PROJECT / folder).rglob("*.py"))


def test_the_rule_sees_every_form_of_import():
    source = "import a.b as c\ndef f():\n    from backend import store\n    from x.y import z\n"
    assert imported(ast.parse(source)) == {"a.b", "backend", "backend.store", "x.y", "x.y.z"}
    assert breaches([Path(__file__)], ("backend.registry", "as")) == [
        "tests/house/test_layout.py imports backend.registry"
    ]


def test_the_backend_knows_no_page():
    assert breaches(python_files("backend"), ("streamlit", "pages", "app")) == []


def test_sections_know_neither_database_nor_jobs():
    files = [file for section in SECTIONS for file in python_files(f"backend/{section}")]
    forbidden = ("backend.store", "backend.jobs", "backend.maintenance", "backend.terminal")
    assert breaches(files, forbidden) == []


def test_platform_files_name_no_heavy_library():
    files = [PROJECT / "backend" / f"{name}.py" for name in LIGHT]
    assert breaches(files + python_files("backend/plots"), HEAVY) == []


def test_nothing_heavy_loads_before_a_job_runs():
    """Also not through another module; each kind's heavy half is imported inside its `run`."""
    modules = [f"backend.{name}" for name in LIGHT]
    modules += [f"backend.plots.{file.stem}" for file in python_files("backend/plots")]
    modules += ["backend.__main__", *(kind.module for kind in registry.KINDS)]
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
        f"    loaded = [heavy for heavy in {HEAVY!r} if heavy in sys.modules]\n"
        "    assert not loaded, f'{name} loads {loaded}'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]


def test_no_script_lies_directly_in_pages():
    """Streamlit would run it without app.py, and so without a sign-in."""
    assert list((PROJECT / "pages").glob("*.py")) == []


def test_the_top_level_holds_what_was_agreed():
    done = subprocess.run(
        ["git", "-c", f"safe.directory={PROJECT}", "ls-files", "-z"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("no git checkout")
    tracked = {line.split("/")[0] for line in done.stdout.split("\0") if line}
    assert tracked, "git tracks nothing"
    assert tracked - TOP_LEVEL == set()


def test_only_storage_git_keeps_is_its_placeholder():
    ignored = (PROJECT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "storage/*" in ignored


@pytest.mark.parametrize("kind", registry.KINDS, ids=lambda kind: kind.name)
def test_every_field_explains_itself_and_has_bounds(kind):
    for p in specs.params(kind.spec_type):
        assert p.help.strip(), f"{kind.name}.{p.name} has no help"
        if p.type in (int, float):
            bounded = p.choices is not None or (p.lo is not None and p.hi is not None)
            assert bounded, f"{kind.name}.{p.name} has neither bounds nor choices"
        assert p.name not in ("name", "dry_run", "as_json", "queue", "help"), "a verb's own option"


@pytest.mark.parametrize("kind", registry.KINDS, ids=lambda kind: kind.name)
def test_every_kind_keeps_its_promises(kind):
    assert kind.section in SECTIONS
    assert kind.module.startswith(f"backend.{kind.section}.")
    names = [p.name for p in specs.params(kind.spec_type)]
    assert "seed" in names or kind.name in UNSEEDED, f"{kind.name} carries no seed"
    known = {other.name for other in registry.KINDS}
    for p in specs.params(kind.spec_type):
        assert not p.run or set(p.run.split("|")) <= known
        if not p.required and not p.path:
            specs.check(p, p.default)


# Nothing in these is drawn by chance, or all of it as in the run they start from.
UNSEEDED = ("label", "testset", "threshold", "ablation", "export", "latency")
