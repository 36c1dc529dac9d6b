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
    *("write_text", "write_bytes", "mkdir", "makedirs", "rmdir", "unlink", "touch", "rename"),
    *("symlink_to", "hardlink_to", "chmod", "to_csv", "to_parquet", "to_excel", "to_pickle"),
    *("extractall", "tofile", "savez", "savetxt", "imwrite", "TemporaryDirectory", "mkdtemp"),
    *("NamedTemporaryFile", "mkstemp", "Popen", "system", "killpg", "kill", "copyfileobj"),
}
BY_FILE_NAME = ("to_csv", "to_parquet", "to_excel", "to_pickle")  # without one they give the text
WRITING_MODULES = ("shutil", "os", "subprocess", "tempfile", "sqlite3", "duckdb")
READING = {
    *("shutil.disk_usage", "os.environ", "os.cpu_count", "os.path", "os.fsencode", "os.getpid"),
    *("os.SEEK_END", "os.access", "os.W_OK"),
}
# What goes on by itself, whoever looks: the server's own upkeep, and a job's own process.
UPKEEP = {
    *("backend.settings.settings", "backend.core.jobs.Supervisor", "backend.core.store.Store"),
    *("backend.core.worker.main", "backend.core.terminal.follow", "backend.core.maintenance.serve"),
    *("backend.core.maintenance.ingest_if_free", "backend.core.maintenance.check"),
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
            found |= {a.asname or a.name.split(".")[0]: a.asname and a.name or a.name.split(".")[0]
                      for a in node.names}  # fmt: skip
        elif isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def meant(node: ast.AST, names: dict[str, str]) -> str:
    """The dotted name in full, its first word being what was imported."""
    first, _, rest = dotted(node).partition(".")
    return ".".join(word for word in (names.get(first, first), rest) if word)


def buffers(tree: ast.AST) -> set[str]:
    """Names that stand for a buffer in memory, into which anybody may write."""
    made = [n for n in ast.walk(tree) if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call)]
    return {
        dotted(target)
        for node in made
        if dotted(node.value.func).split(".")[-1] in ("BytesIO", "StringIO")
        for target in node.targets
    }


def opens_for_writing(call: ast.Call, full: str) -> bool:
    """`open`, `path.open` or `ZipFile` with a mode that writes, or one that is not written out."""
    name = full.split(".")[-1] if full else getattr(call.func, "attr", "")
    if name not in ("open", "ZipFile"):
        return False
    at = 0 if isinstance(call.func, ast.Attribute) and full not in KNOWN_OPEN else 1
    given = [k.value for k in call.keywords if k.arg == "mode"] or call.args[at : at + 1]
    if not given:
        return False
    mode = given[0]
    return not isinstance(mode, ast.Constant) or bool(set(str(mode.value)) & set("wax+"))


KNOWN_OPEN = ("io.open", "os.open", "zipfile.ZipFile", "tarfile.open", "gzip.open")


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
    if name == "replace":  # of a path; a text's takes two, a time's and a record's take names
        return len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Dict)
    if name in ("save", "dump"):
        return isinstance(call.func, ast.Attribute)
    return name in WRITING_CALLS or opens_for_writing(call, full)


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Each function of a module, and each method as Class.method."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", inner


def called(body: ast.AST, module: str, owner: str, names: dict[str, str]) -> set[str]:
    """Functions of backend that are named within: own ones, imported ones, methods of `self`."""
    found = set()
    for node in ast.walk(body):
        if isinstance(node, (ast.Name, ast.Attribute)) and dotted(node):
            first, _, rest = dotted(node).partition(".")
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
    return {words[-1] for words in mine} - LOOKS_ON | {"ingest", "forget"}


def breaches(source: str, where: str) -> list[str]:
    """What in a page or verb writes past the door, one line each."""
    tree = ast.parse(source)
    names, in_memory = names_of(tree), buffers(tree)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and writes(node, names, in_memory):
            found.append((node.lineno, ast.unparse(node.func)))
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            full = meant(node, names)
            if full in writers() - UPKEEP and not full.startswith(DOOR):
                found.append((node.lineno, full))
            elif isinstance(node, ast.Attribute) and node.attr in methods():
                if where not in OWNER and dotted(node.value).split(".")[0] not in names:
                    found.append((node.lineno, f".{node.attr}"))
    return [f"{where}:{line} {what}" for line, what in sorted(set(found))]


def guarded() -> list[Path]:
    return [*sorted((PROJECT / "pages").rglob("*.py")), PROJECT / "backend/__main__.py"]


def test_pages_and_verbs_write_through_the_door_alone():
    assert len(guarded()) > 40
    found = []
    for file in guarded():
        where = str(file.relative_to(PROJECT))
        found += breaches(file.read_text(encoding="utf-8"), where)
    assert found == []
