"""The house rules that a machine can check: who imports whom, and what lies where."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse import csgraph

from backend.core import registry, specs
from backend.settings import PROJECT

SECTIONS = (
    *("images", "renderer", "labels", "teachers", "students", "composites", "detection"),
    *("inspection", "deployment", "line", "notices", "sharing"),
)
GROUND = (
    "records",
    "published",
    "settings",
    "wording",
    "glossary",
    "manual",
    "install",
    "release",
    "numeric",
    "access",
    "core",
    "plots",
)
FLOORS = (  # from the ground up
    *(*GROUND, *SECTIONS, "experiments", "demo", "doctor", "ways", "actions", "verbs", "__main__"),
)
LIGHT = ("store", "jobs", "specs", "runs", "facts", "registry", "lineage", "journal", "endings")
HEAVY = ("torch", "diffusers", "ultralytics", "transformers", "cv2")
LARGEST = 0.22  # of backend's lines, that one section may hold
TOP_LEVEL = {
    *("app.py", "pages", "backend", "storage", "tests", "docs"),
    *("requirements.txt", "requirements-dev.txt", "pyproject.toml", "Makefile"),
    *("Dockerfile", "compose.yaml", ".dockerignore", ".gitignore"),
    *(".streamlit", ".ci", "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("SECURITY.md", ".pre-commit-config.yaml", "install.sh"),
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


def specs_of_kinds() -> list[Path]:
    return [PROJECT / f"{kind.package.replace('.', '/')}/spec.py" for kind in registry.KINDS]


def floor_of(file: Path) -> int:
    """The floor of a file of backend/, from the ground up."""
    return FLOORS.index(file.relative_to(PROJECT / "backend").parts[0].removesuffix(".py"))


def files_named(name: str) -> list[Path]:
    """The file of a dotted name, if it is a module."""
    place = PROJECT / name.replace(".", "/")
    return [path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()]


def imports_within(files: list[Path]) -> dict[Path, set[Path]]:
    """Which files import which of these files, anywhere in them."""
    known = set(files)
    return {
        file: {
            path
            for name in imported(ast.parse(file.read_text(encoding="utf-8")))
            for path in files_named(name)
            if path in known and path != file
        }
        for file in files
    }


def circles(graph: dict[Path, set[Path]]) -> list[list[str]]:
    """Groups of files that import one another, near or far."""
    files = sorted(graph)
    number = {file: place for place, file in enumerate(files)}
    pairs = [(number[a], number[b]) for a in files for b in graph[a]]
    rows, columns = zip(*pairs, strict=True)
    table = sparse.coo_array((np.ones(len(pairs)), (rows, columns)), shape=(len(files),) * 2)
    group = csgraph.connected_components(table, directed=True, connection="strong")[1]
    sizes = np.bincount(group)
    return [
        [file.name for file in files if group[number[file]] == k] for k in np.flatnonzero(sizes > 1)
    ]


def upward(graph: dict[Path, set[Path]]) -> list[str]:
    """Imports of what stands on a floor above."""
    return [
        f"{file.relative_to(PROJECT)} imports {other.relative_to(PROJECT)}"
        for file in sorted(graph)
        for other in sorted(graph[file])
        if floor_of(other) > floor_of(file)
    ]


def python_files(folder: str) -> list[Path]:
    return sorted((PROJECT / folder).rglob("*.py"))


def test_the_rule_sees_every_form_of_import():
    source = (
        "import a.b as c\ndef f():\n    from backend.core import store\n    from x.y import z\n"
    )
    assert imported(ast.parse(source)) == {
        "a.b",
        "backend.core",
        "backend.core.store",
        "x.y",
        "x.y.z",
    }
    assert breaches([Path(__file__)], ("backend.core.registry", "as")) == [
        "tests/house/test_layout.py imports backend.core.registry"
    ]


def backend_files() -> list[Path]:
    """All modules; `backend/__init__.py` holds words alone."""
    return [
        f for f in python_files("backend") if f.parent.name != "backend" or f.stem != "__init__"
    ]


def test_a_floor_imports_only_what_stands_below_it():
    assert upward(imports_within(backend_files())) == []


def test_no_circle_of_imports():
    assert circles(imports_within(backend_files())) == []


def test_the_rules_of_floors_see_a_breach():
    graph = imports_within(backend_files())
    low, high = PROJECT / "backend/core/runs.py", PROJECT / "backend/inspection/parts/job.py"
    assert high in graph and low in graph
    graph[low] = {*graph[low], high}
    found = upward(graph)
    assert found == ["backend/core/runs.py imports backend/inspection/parts/job.py"]
    assert any({"runs.py", "job.py"} <= set(circle) for circle in circles(graph))


def test_no_section_outgrows_the_others():
    lines: Counter[str] = Counter()
    for file in backend_files():
        section = file.relative_to(PROJECT / "backend").parts[0]
        lines[section] += len(file.read_text(encoding="utf-8").splitlines())
    section, most = lines.most_common(1)[0]
    assert most <= LARGEST * lines.total(), f"{section} holds {most / lines.total():.0%}"


def test_the_backend_knows_no_page():
    assert breaches(python_files("backend"), ("streamlit", "pages", "app")) == []


def test_sections_know_neither_database_nor_jobs():
    files = [file for section in SECTIONS for file in python_files(f"backend/{section}")]
    forbidden = (
        "backend.core.store",
        "backend.core.jobs",
        "backend.core.maintenance",
        "backend.core.terminal",
    )
    assert breaches(files, forbidden) == []


def test_platform_files_name_no_heavy_library():
    files = [*python_files("backend/core"), *python_files("backend/plots")]
    files += [PROJECT / "backend" / f"{name}.py" for name in ("records", "settings")]
    assert breaches([*files, *specs_of_kinds()], HEAVY) == []


def test_nothing_heavy_loads_before_a_job_runs():
    """Also not through another module; each kind's heavy half is imported inside its `run`."""
    modules = ["backend.records", "backend.settings", *(f"backend.core.{name}" for name in LIGHT)]
    modules += [f"backend.plots.{file.stem}" for file in python_files("backend/plots")]
    modules += ["backend.__main__", *(f"{kind.package}.job" for kind in registry.KINDS)]
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
    assert f"{kind.package}.".startswith(f"backend.{kind.section}.")
    names = [p.name for p in specs.params(kind.spec_type)]
    assert "seed" in names or kind.name in UNSEEDED, f"{kind.name} carries no seed"
    known = {other.name for other in registry.KINDS}
    for p in specs.params(kind.spec_type):
        assert not p.run or set(p.run.split("|")) <= known
        if not p.required and not p.path:
            specs.check(p, p.default)


# Nothing in these is drawn by chance, or all of it as in the run they start from.
UNSEEDED = (
    *("label", "pseudo-label", "testset", "threshold", "ablation", "package", "latency", "line"),
)
