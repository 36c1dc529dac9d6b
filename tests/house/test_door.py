"""One door for writes: pages and verbs change nothing but through backend/actions.

What writes is found out, not listed: a function of backend that calls a writing call of a library,
or another that does. A page or verb may name none of these.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from backend.settings import PROJECT

DOOR = "backend.actions."
WRITING_CALLS = {
    *("write_text", "write_bytes", "mkdir", "makedirs", "rmdir", "unlink", "touch"),
    *("symlink_to", "hardlink_to", "chmod", "to_csv", "to_parquet", "to_excel", "to_pickle"),
    *("extractall", "tofile", "savez", "savetxt", "imwrite", "TemporaryDirectory", "mkdtemp"),
    *("NamedTemporaryFile", "mkstemp", "Popen", "system", "killpg", "kill", "copyfileobj"),
}
BY_FILE_NAME = ("to_csv", "to_parquet", "to_excel", "to_pickle")  # without one they give the text
WRITING_MODULES = ("shutil", "os", "subprocess", "tempfile")
DATABASES = ("duckdb.", "sqlite3.")  # the backend opens them, and may read with them
READING = {
    *(
        "shutil.disk_usage",
        "shutil.which",
        "os.environ",
        "os.cpu_count",
        "os.path",
        "os.fsencode",
        "os.getpid",
    ),
    *("os.SEEK_END", "os.access", "os.W_OK", "os.sched_getaffinity"),
}
# What goes on by itself, whoever looks: the server's own upkeep, and a job's own process.
UPKEEP = {
    *("backend.settings.settings", "backend.core.jobs.Supervisor", "backend.core.store.Store"),
    *("backend.core.worker.main", "backend.core.terminal.follow", "backend.core.maintenance.serve"),
    *("backend.core.maintenance.ingest_if_free", "backend.core.maintenance.check"),
    "backend.verbs.upkeep.serve",
    # by way of files that are gone at once
    *("backend.images.imagefiles.read_upload", "backend.line.recorder.rejudge.rejudge"),
}
PEOPLES = ("Supervisor", "CommandLine")  # classes whose methods do what people ask for
LOOKS_ON = {"find", "knows", "active", "waits_for", "dependents", "settings", "store", "problems"}
OWNER = ("pages/ui/resources.py", "pages/ui/server.py")  # start, move and stop the supervisor


def dotted(node: ast.AST) -> str:
    """a.b.c of a chain of names, "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def names_of(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for, wherever in the file it is imported."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                found[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def meant(node: ast.AST, names: dict[str, str]) -> str:
    """The dotted name in full, its first word being what was imported."""
    first, _, rest = dotted(node).partition(".")
    return ".".join(word for word in (names.get(first, first), rest) if word)


def buffers(tree: ast.AST) -> set[str]:
    """Names that stand for a buffer in memory, into which anybody may write."""
    return {
        dotted(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if dotted(node.value.func).split(".")[-1] in ("BytesIO", "StringIO")
        for target in node.targets
    }


def opens_for_writing(call: ast.Call, full: str, names: dict[str, str]) -> bool:
    """`open`, `path.open` or `ZipFile` with a mode that writes, or one that is not written out."""
    name = full.split(".")[-1] if full else getattr(call.func, "attr", "")
    if name not in ("open", "ZipFile"):
        return False
    of_path = isinstance(call.func, ast.Attribute) and dotted(call.func).split(".")[0] not in names
    at = 0 if of_path else 1
    given = [k.value for k in call.keywords if k.arg == "mode"] or call.args[at : at + 1]
    if not given:
        return False
    mode = given[0]
    return not isinstance(mode, ast.Constant) or bool(set(str(mode.value)) & set("wax+"))


def writes(call: ast.Call, names: dict[str, str], in_memory: set[str]) -> bool:
    """Is this a call of a library that writes, deletes or moves a file, or starts a process?"""
    full = meant(call.func, names)
    name = call.func.attr if isinstance(call.func, ast.Attribute) else full.split(".")[-1]
    if call.args and dotted(call.args[0]) in in_memory:
        return False
    if any(full.startswith(f"{module}.") for module in WRITING_MODULES):
        return not any(full == one or full.startswith(f"{one}.") for one in READING)
    if name in BY_FILE_NAME:
        return bool(call.args)
    if name in ("replace", "rename"):  # a path's; a text's takes two, a table's a keyword
        given = [*call.args, *(k.value for k in call.keywords if k.arg in (None, "target"))]
        return len(given) == 1 and len(call.args) + len(call.keywords) == 1
    if name in ("save", "dump"):
        return isinstance(call.func, ast.Attribute)
    return name in WRITING_CALLS or opens_for_writing(call, full, names)


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Each function of a module, and each method as Class.method."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", inner


def is_read(node: ast.Name | ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Load)


def called(body: ast.AST, module: str, owner: str, names: dict[str, str]) -> set[str]:
    """Functions of backend that are named within: own ones, imported ones, methods of `self`."""
    found = set()
    mine = {n.id for n in ast.walk(body) if isinstance(n, ast.Name) and not is_read(n)}
    mine |= {n.arg for n in ast.walk(body) if isinstance(n, ast.arg)} - {"self"}
    for node in ast.walk(body):
        if isinstance(node, (ast.Name, ast.Attribute)) and dotted(node):
            first, _, rest = dotted(node).partition(".")
            if first in mine:
                continue
            if first == "self" and owner:
                found.add(f"{module}.{owner}.{rest}")
            else:
                full = meant(node, names)
                found.add(full if first in names else f"{module}.{full}")
    return found


@cache
def writers() -> frozenset[str]:
    """Functions and methods of backend that write, however far down."""
    calls: dict[str, set[str]] = {}
    found = set()
    for file in (PROJECT / "backend").rglob("*.py"):
        module = ".".join(file.relative_to(PROJECT).with_suffix("").parts)
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names, in_memory = names_of(tree), buffers(tree)
        for name, body in functions(tree):
            owner = name.split(".")[0] if "." in name else ""
            calls[f"{module}.{name}"] = called(body, module, owner, names)
            inner = [node for node in ast.walk(body) if isinstance(node, ast.Call)]
            if any(writes(call, names, in_memory) for call in inner):
                found.add(f"{module}.{name}")
    while more := {name for name, within in calls.items() if name not in found and within & found}:
        found |= more
    return frozenset(found)


def methods() -> set[str]:
    """Names of methods by which people change something: pages may call them on nothing."""
    mine = [name.split(".") for name in writers() if name.split(".")[-2] in PEOPLES]
    return {words[-1] for words in mine} - LOOKS_ON | {"ingest", "ingest_all", "forget"}


def breaches(source: str, where: str) -> list[str]:
    """What in a page or verb writes past the door, one line each."""
    tree = ast.parse(source)
    names, in_memory = names_of(tree), buffers(tree)
    forbidden, by_people = writers() - UPKEEP, methods()
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and writes(node, names, in_memory):
            found.append((node.lineno, ast.unparse(node.func)))
        if isinstance(node, (ast.Name, ast.Attribute)) and is_read(node):
            full = meant(node, names)
            if full.startswith(DATABASES) or (full in forbidden and not full.startswith(DOOR)):
                found.append((node.lineno, full))
            elif (
                isinstance(node, ast.Attribute)
                and node.attr in by_people
                and (where not in OWNER and dotted(node.value) not in names)
            ):
                found.append((node.lineno, f".{node.attr}"))
    return [f"{where}:{line} {what}" for line, what in sorted(set(found))]


def guarded() -> list[Path]:
    verbs = [PROJECT / "backend/__main__.py", *sorted((PROJECT / "backend/verbs").rglob("*.py"))]
    return [*sorted((PROJECT / "pages").rglob("*.py")), *verbs]


def test_pages_and_verbs_write_through_the_door_alone():
    assert len(guarded()) > 40
    found = []
    for file in guarded():
        where = str(file.relative_to(PROJECT))
        found += breaches(file.read_text(encoding="utf-8"), where)
    assert found == []


HEAD = """
import io, os, shutil, tempfile, zipfile, duckdb, subprocess
from pathlib import Path
from shutil import rmtree as away
import numpy as np
from backend import demo
from backend.actions import reports, results, work
from backend.core import journal, jobs, maintenance, runs, store
from backend.core.jobs import request_cancel
from backend.images import curation, imagefiles
from backend.images.formats import export
from backend.inspection.threshold import active
from pages.ui import forms, resources
import streamlit as st
"""
PAST_THE_DOOR = (
    *("resources.supervisor().submit('parts', {})", "resources.supervisor().cancel(i)"),
    *("resources.supervisor().resume(i)", "resources.supervisor().delete(i)"),
    *("owner.restore(i)", "owner.empty_trash()", "st.button('x', on_click=owner.delete)"),
    *("resources.store().forget(i)", "resources.store().ingest(run, mark)"),
    *("curation.record(f, w, e)", "curation.undo(f)", "st.button('x', on_click=curation.undo)"),
    *("active.activate(s, f, w, y)", "runs.create(f, 'parts', {})", "runs.finish(f, state)"),
    *("runs.reopen(f)", "runs.write_json(p, {})", "runs.claim(f, 1)", "request_cancel(f)"),
    *("jobs.submit(s, 'parts', {})", "jobs.resume(s, r, queued=True)", "jobs.start(s, f)"),
    *("journal.append(f, {})", "journal.locked(p)", "maintenance.backup(s)"),
    *(
        "maintenance.clear(s, 'uploads')",
        "maintenance.reindex(s)",
        "export.export(a, b, 'x')",
    ),
    *("imagefiles.write(p, a)", "shutil.rmtree(f)", "away(f)", "shutil.copy(a, b)"),
    *("path.unlink()", "path.write_text('x')", "path.write_bytes(b)", "path.mkdir()"),
    *("path.rename(other)", "path.replace(other)", "path.touch()", "path.rmdir()"),
    *("os.remove(p)", "os.replace(a, b)", "os.makedirs(p)", "tempfile.mkdtemp()"),
    *(
        "open(p, 'w')",
        "open(p, mode='ab')",
        "path.open('xb')",
        "path.open(mode)",
        "io.open(p, 'a')",
    ),
    *("zipfile.ZipFile(p, 'w')", "frame.to_csv(p)", "frame.to_parquet(p)", "np.save(p, a)"),
    *("image.save(p)", "json.dump(v, f)", "subprocess.run(['x'])", "duckdb.connect(p)"),
)
IN_ORDER = (
    "reports.write(actor, s, experiment, i, p)",
    *("work.submit(actor, desk, 'parts', {})", "results.undo(actor, s, run)", "forms.start(k, v)"),
    *("st.button('x', on_click=work.cancel, args=(a, b, i))", "curation.images(f)", "runs.read(f)"),
    *("resources.supervisor().find(i)", "resources.supervisor().active()", "st.write('x')"),
    *("open(p)", "path.open('rb')", "text.replace('a', 'b')", "frame.rename(columns={})"),
    *("frame.to_csv(index=False)", "made = io.BytesIO(); image.save(made, 'JPEG')"),
    *("made = io.BytesIO(); zipfile.ZipFile(made, 'w')", "shutil.disk_usage(p)"),
    *("jobs.memory_in_use(run)", "store.differences(s, f)", "moment.replace(tzinfo=None)"),
)


@pytest.mark.parametrize("line", PAST_THE_DOOR)
def test_the_rule_sees_a_breach(line):
    assert breaches(HEAD + line, "pages/made.py")


@pytest.mark.parametrize("line", IN_ORDER)
def test_the_rule_lets_through_what_is_in_order(line):
    assert breaches(HEAD + line, "pages/made.py") == []


def test_every_change_takes_its_actor_first():
    for name in ("work", "results", "reports", "people", "folders", "sharing"):
        tree = ast.parse((PROJECT / f"backend/actions/{name}.py").read_text(encoding="utf-8"))
        changes = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert changes
        for change in changes:
            assert change.args.args[0].arg == "actor", f"{change.name} does not ask who"
