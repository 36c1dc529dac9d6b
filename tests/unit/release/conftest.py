"""Bundles of a small program that has the verbs which an update calls, signed with a key."""

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from backend.release import bundle, change
from backend.release.bundle import Manifest
from backend.release.place import Place

INSTALL = """
import sys
from pathlib import Path
folder = Path(sys.argv[sys.argv.index("--venv") + 1]) / "bin"
assert list(Path(sys.argv[sys.argv.index("--wheels") + 1]).glob("*.whl"))
folder.mkdir(parents=True)
(folder / "python").symlink_to(sys.executable)
"""
PROGRAM = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

NUMBER, FAULT, SERVICE = {number}, {fault!r}, {service}
storage = Path(os.environ["DISTILLERY_STORAGE"])
database, verb = storage / "results.duckdb", sys.argv[1]
runs = sorted(path.name for path in (storage / "runs").glob("*"))


class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if FAULT == "unwell" else 200)
        self.end_headers()

    def log_message(self, *words):
        pass


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
    if FAULT == "hangs":
        time.sleep(600)
    HTTPServer(("127.0.0.1", port), Health).serve_forever()
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


@pytest.fixture
def bundled(plant, tmp_path):
    """`bundled(2, fault="serve")`: the file of version 2, which does not serve."""

    def make(number: int, fault: str = "", service: int = 0) -> Path:
        source = tmp_path / f"source-{number}"
        (source / "backend").mkdir(parents=True)
        program = PROGRAM.format(number=number, fault=fault, service=service)
        written = {"install.sh": "#!/bin/sh\n", "backend/install.py": INSTALL}
        written |= {"backend/__main__.py": program, "wheels/small.whl": "zip"}
        files = {name: source / name for name in written}
        for name, path in files.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(written[name])
        target = tmp_path / f"{number}{fault}.tar"
        bundle.write(target, files, described(number), plant.key)
        return target

    return make


@pytest.fixture
def installed(plant, bundled, tmp_path) -> Place:
    """Version 1, with 100 runs, a journal and accounts."""
    storage = tmp_path / "srv"
    for number in range(100):
        folder = storage / "runs" / f"20261126T101500-generate-{number:06x}"
        folder.mkdir(parents=True)
        (folder / "spec.json").write_text(json.dumps({"seed": number}))
    (storage / "audit.jsonl").write_text("one line\n")
    root = tmp_path / "opt"
    change.install(bundled(1), plant.public, root, storage, say=lambda words: None)
    (storage / "accounts.sqlite").touch()
    return Place(root)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below, by its path."""
    paths = sorted(folder.rglob("*"))
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths if p.is_file()}


def rewritten(manifest: Manifest) -> bytes:
    return json.dumps(asdict(manifest)).encode()
