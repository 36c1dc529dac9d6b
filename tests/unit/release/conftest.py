"""Bundles of a small program that has the verbs which an update calls, signed with a key."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from backend.release import bundle, change
from backend.release.bundle import Manifest
from backend.release.place import Installed, Place

ACCOUNTS = "accounts.sqlite"
INSTALL = """
import sys
from pathlib import Path
folder = Path(sys.argv[sys.argv.index("--venv") + 1]) / "bin"
assert list(Path(sys.argv[sys.argv.index("--wheels") + 1]).glob("*.whl"))
folder.mkdir(parents=True)
quick = folder / "python"
quick.write_text(f"#!/bin/sh\\nexec {sys.executable} -S \\"$@\\"")
quick.chmod(0o755)
"""
PROGRAM = """
import json, os, sys
from pathlib import Path

NUMBER, FAULT, SERVICE = {number}, {fault!r}, {service}
storage = Path(os.environ["DISTILLERY_STORAGE"])
database, verb = storage / "results.duckdb", sys.argv[1]
runs = sorted(path.name for path in (storage / "runs").glob("*"))

if verb == "runs":
    seen = runs[1:] if FAULT == "loses" else runs
    print(json.dumps([{{"id": name, "state": "completed"}} for name in seen]))
elif verb == "backup":
    (storage / "backups").mkdir(exist_ok=True)
    (storage / "backups" / f"by-{{NUMBER}}.tar").write_text("all")
    print("Wrote it.")
elif verb == "migrate":
    if database.exists() and int(database.read_text()) > NUMBER:
        sys.exit("The database was written by a newer version.")
    database.write_text(str(NUMBER))
    with (storage / "audit.jsonl").open("a") as journal:
        print("migrate", file=journal)
    if FAULT == "migrate":
        (storage / "accounts.sqlite").unlink()
        (storage / "half.tmp").write_text("left over")
        sys.exit("it broke in the middle")
elif verb == "reindex":
    database.write_text(str(NUMBER))
elif verb == "serve":
    port = int(sys.argv[sys.argv.index("--port") + 1])
    if FAULT == "serve" or (FAULT == "service" and port == SERVICE):
        sys.exit(1)
    import socket
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            caller = server.accept()[0]
            caller.recv(1000)
            if FAULT != "hangs":
                status = "503 Not well" if FAULT == "unwell" else "200 OK"
                caller.sendall(f"HTTP/1.0 {{status}}\\r\\n\\r\\n".encode())
                caller.close()
"""


@dataclass(frozen=True)
class Plant:
    """A key pair, and where bundles lie."""

    folder: Path

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def public(self) -> Path:
        return self.folder / "key.pub"


def made_key(folder: Path) -> Plant:
    folder.mkdir(exist_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")]
    subprocess.run(command, check=True)
    return Plant(folder)


@pytest.fixture(scope="session")
def plant(tmp_path_factory) -> Plant:
    return made_key(tmp_path_factory.mktemp("plant"))


def described(number: int) -> Manifest:
    python, platform = bundle.here()
    made = f"2026-11-{number:02d}T00:00:00+00:00"
    return Manifest(f"0.{number}.0", f"{number:010d}", made, python, platform, "2.15.0+cpu")


def made_bundle(folder: Path, plant: Plant, number: int, fault: str, service: int) -> Path:
    source = folder / f"source-{number}{fault}"
    program = PROGRAM.format(number=number, fault=fault, service=service)
    written = {"install.sh": "#!/bin/sh\n", "backend/install.py": INSTALL}
    written |= {"backend/__main__.py": program, "wheels/small.whl": "zip"}
    files = {name: source / name for name in written}
    for name, path in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written[name])
    target = folder / f"{number}{fault}.tar"
    bundle.write(target, files, described(number), plant.key)
    return target


@pytest.fixture
def bundled(plant, tmp_path):
    """`bundled(2, "serve")`: the file of version 2, which does not serve."""

    def make(number: int, fault: str = "", service: int = 0) -> Path:
        return made_bundle(tmp_path, plant, number, fault, service)

    return make


@pytest.fixture(scope="session")
def first(plant, tmp_path_factory) -> Path:
    """Version 1 in `opt`, its storage in `srv` with 100 runs, a journal and accounts."""
    folder = tmp_path_factory.mktemp("first")
    storage = folder / "srv"
    for number in range(100):
        run = storage / "runs" / f"20261126T101500-generate-{number:06x}"
        run.mkdir(parents=True)
        (run / "spec.json").write_text(json.dumps({"seed": number}))
    (storage / "audit.jsonl").write_text("one line\n")
    path = made_bundle(folder, plant, 1, "", 0)
    change.install(path, plant.public, folder / "opt", storage, say=lambda words: None)
    with closing(sqlite3.connect(storage / ACCOUNTS)) as accounts, accounts:
        accounts.execute("CREATE TABLE people AS SELECT 'ada' AS name")
    return folder


@pytest.fixture
def installed(first, tmp_path) -> Place:
    """A copy of version 1, with its storage."""
    for name in ("opt", "srv"):
        shutil.copytree(first / name, tmp_path / name, symlinks=True)
    here = Place(tmp_path / "opt")
    here.keep(Installed(str(tmp_path / "srv")))
    (here.current / "storage").unlink()
    (here.current / "storage").symlink_to(tmp_path / "srv")
    return here


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below, by its path."""
    paths = sorted(folder.rglob("*"))
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths if p.is_file()}


def own_files(storage: Path) -> dict[str, object]:
    """All that is in the storage folder, but the journal, which only grows; accounts as rows."""
    found: dict[str, object] = dict(contents(storage))
    found.pop("audit.jsonl")
    with closing(sqlite3.connect(storage / ACCOUNTS)) as accounts:
        return found | {ACCOUNTS: accounts.execute("SELECT * FROM people").fetchall()}


def rewritten(manifest: Manifest) -> bytes:
    return json.dumps(asdict(manifest)).encode()
