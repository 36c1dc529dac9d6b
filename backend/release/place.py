"""An installation's folder: releases side by side, `current` the one in use, `previous` before it.

releases/0.2.0-1f3c…/   source, .venv, manifest.json; storage → the storage folder
current, previous       links to two of them
signers                 whose bundles are taken
installation.json       where storage lies, which service of systemd runs it
under-way/              while it changes: what the storage folder was before
"""

import fcntl
import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from backend.records import UserError
from backend.release import bundle
from backend.release.bundle import Manifest

INSTALLER = "install.sh"


@dataclass(frozen=True)
class Installed:
    """What stays from release to release. service: of systemd, looked for when a change begins.
    port: on which that service answers."""

    storage: str
    service: str = "distillery"
    port: int = 8501


@dataclass(frozen=True)
class Place:
    """The folder of an installation."""

    root: Path

    @property
    def signers(self) -> Path:
        return self.root / "signers"

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def under_way(self) -> Path:
        return self.root / "under-way"

    @property
    def installed(self) -> Installed:
        """Raises UserError where nothing is installed here."""
        try:
            text = (self.root / "installation.json").read_text(encoding="utf-8")
            return Installed(**json.loads(text))
        except (OSError, ValueError, TypeError) as error:
            raise UserError(
                f"{self.root} is no installation from a bundle. Install one: "
                "./install.sh BUNDLE --key plant.pub --to FOLDER"
            ) from error

    def keep(self, installed: Installed) -> None:
        text = json.dumps(asdict(installed), indent=1) + "\n"
        _replace(self.root / "installation.json", text)

    @property
    def storage(self) -> Path:
        return Path(self.installed.storage)

    def named(self, link: str) -> Path | None:
        """The release that `current` or `previous` leads to."""
        path = self.root / link
        return path.resolve() if path.is_dir() else None

    @property
    def current(self) -> Path:
        """Raises UserError where there is none."""
        found = self.named("current")
        if found is None:
            raise UserError(f"{self.root} has no release in use. Install one: ./install.sh BUNDLE")
        return found

    def point(self, link: str, release: str) -> None:
        """Let `current` or `previous` lead to a release, at one stroke; "": to none."""
        path = self.root / link
        fresh = path.with_name(link + ".new")
        fresh.unlink(missing_ok=True)
        if not release:
            path.unlink(missing_ok=True)
            return
        fresh.symlink_to(Path("releases") / release)
        fresh.replace(path)

    def put_in_use(self, release: Path, before: Path | None) -> None:
        if before is not None:
            self.point("previous", before.name)
        self.point("current", release.name)
        if not (self.root / INSTALLER).is_symlink():
            (self.root / INSTALLER).symlink_to(Path("current") / INSTALLER)

    def clear(self) -> None:
        """Delete releases that are neither in use, nor the one before, nor run by any process."""
        kept = {self.named("current"), self.named("previous")}
        for folder in self.releases.iterdir():
            if folder.resolve() not in kept and not may_run_from(folder):
                shutil.rmtree(folder, ignore_errors=True)


def of_program(project: Path) -> Place:
    """The installation that this program is a release of. Raises UserError for a checkout."""
    if project.parent.name != "releases":
        raise UserError(
            "This is a checkout, not an installation from a bundle. Update it so: "
            "python -m backend backup; git pull; make install. docs/operating.md says more."
        )
    return Place(project.parent.parent)


def manifest_of(release: Path) -> Manifest:
    return Manifest(**json.loads((release / bundle.MANIFEST).read_text(encoding="utf-8")))


def may_run_from(folder: Path, processes: Path = Path("/proc")) -> bool:
    """May any process run from this folder? Lines and trainings outlive an update.

    Where a process of another account runs is told to root alone: one that is this program's, or
    is hidden, may run from any release.
    """
    if not (processes / "1").is_dir():
        return True  # those of others are hidden
    home = folder.resolve()
    return any(_may_run_from(home, one) for one in processes.glob("[0-9]*"))


def _may_run_from(home: Path, process: Path) -> bool:
    try:
        return (process / "cwd").readlink().is_relative_to(home)
    except (FileNotFoundError, ProcessLookupError):
        return False  # it has ended
    except OSError:
        return _is_mine(process)


def _is_mine(process: Path) -> bool:
    """Is it a server, a line or a training of this program, or does nobody say what it is?"""
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    except OSError:
        return True
    return b"backend" in words or any(word.endswith(b"pages/ui/server.py") for word in words)


def refuse_in_use(storage: Path) -> None:
    """Raises UserError where a dashboard holds the database: DuckDB locks its file."""
    path = storage / "results.duckdb"
    if not path.exists():
        return
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError("the dashboard runs; stop it, trainings and lines may go on") from None


def save(storage: Path, folder: Path) -> None:
    """Copy what a release may change by itself: the files directly in the storage folder.

    Runs, lines and pictures lie in folders, which no release rewrites.
    """
    folder.mkdir(mode=0o700)
    for path in _files(storage):
        copy = folder / path.name
        if path.suffix == ".sqlite":
            with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(copy)) as new:
                old.backup(new)
            shutil.copymode(path, copy)
        else:
            shutil.copy2(path, copy)


def put_back(folder: Path, storage: Path) -> None:
    """Make the files directly in the storage folder those that `save` copied, owner and mode too.

    Journals only grow and are read by every release: what was added meanwhile stays in them.
    """
    saved = {path.name: path for path in _files(folder)}
    for path in _files(storage):
        if path.name not in saved and path.suffix != ".jsonl":
            path.unlink()
    for name, path in saved.items():
        target = storage / name
        if path.suffix == ".jsonl" and target.exists():
            continue
        for log in ("-wal", "-shm", "-journal"):
            target.with_name(name + log).unlink(missing_ok=True)
        owner = target.stat() if target.exists() else storage.stat()
        fresh = target.with_name(target.name + ".back")
        shutil.copy2(path, fresh)
        if os.getuid() == 0:
            os.chown(fresh, owner.st_uid, owner.st_gid)
        fresh.replace(target)


def _files(folder: Path) -> list[Path]:
    """SQLite's own logs are not among them: its copies are whole without."""
    found = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
    return [path for path in found if not path.name.endswith(("-wal", "-shm", "-journal"))]


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
