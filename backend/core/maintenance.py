"""What keeps an installation in order: serve, migrate, reindex, check, backup."""

import os
import shutil
import sys
import tarfile
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from backend.access import database as accounts
from backend.access import elsewhere, hosts, oidc
from backend.core import audit, registry, runs, store
from backend.core.runs import Run
from backend.core.store import Store, signature
from backend.records import UserError
from backend.settings import PROJECT, Settings, quiet_environment


def serve(settings: Settings, host: str, port: int, open_to_all: bool = False) -> None:
    """Replace this process by the dashboard's server. open_to_all: nobody has to sign in. Raises
    UserError where those who know people elsewhere cannot be asked."""
    oidc.check_packages(elsewhere.of(settings))
    Store(settings.database).close()
    if open_to_all:
        os.environ["DISTILLERY_OPEN"] = "1"
    if (open_to_all or settings.open) and host not in hosts.LOCAL:
        print(
            f"Listening on {host} and open to all: everyone who can reach this address can see "
            "and change everything, unless somebody has an account.",
            file=sys.stderr,
        )
    os.environ.update(quiet_environment(settings))
    arguments = [f"--server.maxUploadSize={settings.upload_megabytes}"]
    arguments += [f"--server.address={host}", f"--server.port={port}"]
    server = PROJECT / "pages" / "ui" / "server.py"
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(server), *arguments])


def migrate(settings: Settings) -> None:
    Store(settings.database).close()


def ingest_if_free(settings: Settings, run: Run) -> None:
    """Put a finished run into the database, unless the dashboard holds it and will do so."""
    try:
        database = Store(settings.database)
    except UserError:
        return
    try:
        database.ingest(run, signature(run.folder))
    finally:
        database.close()


def reindex(settings: Settings) -> list[str]:
    """Rebuild the database; returns one sentence per run folder that could not be read."""
    return store.rebuild(settings.database, settings.runs)


def check(settings: Settings) -> list[str]:
    """Differences between run folders and database, one sentence each."""
    database = Store(settings.database)
    try:
        return store.differences(database, settings.runs)
    finally:
        database.close()


def backup(settings: Settings, target: Path | None = None) -> Path:
    """Write ended runs, the storage folder's journals (which threshold is in force, who changed
    what), the accounts, the verdicts of lines, and a database rebuilt from just these into one tar
    file that its owner alone may read.

    Works beside a running dashboard: ended run folders no longer change. Unpack it into an empty
    storage folder to restore. Raises UserError where the disk is too small, or the folder that was
    named is not there.
    """
    name = f"{runs.now():%Y%m%dT%H%M%S}.tar"
    if target:
        target = target / name if target.is_dir() else target
        refuse_missing_folder(target.parent)
    else:
        target = settings.backups / name
        target.parent.mkdir(parents=True, exist_ok=True)
    ended = [run.folder for run in runs.readable(runs.folders(settings.runs)) if run.state.ended]
    beside = [path for feed in registry.feeds() for path in feed.kept(settings.storage)]
    _check_room(ended, beside, target.parent)
    partial = target.with_name(target.name + ".partial")
    partial.touch(mode=0o600)
    try:
        with (
            tempfile.TemporaryDirectory(dir=target.parent) as work,
            tarfile.open(partial, "w") as t,
        ):
            for folder in ended:
                t.add(folder, f"runs/{folder.name}")
            for path in beside:
                with suppress(FileNotFoundError):  # another holds the same, or it made room
                    t.add(path, path.relative_to(settings.storage))
            t.add(_database_of(settings.storage, ended, Path(work)), "results.duckdb")
            for kept in (audit.JOURNAL, *(keeper.JOURNAL for keeper in registry.keepers())):
                journal = settings.storage / kept
                if journal.exists():
                    t.add(journal, journal.name)
            if accounts.there(settings.storage):
                copy = Path(work) / accounts.NAME
                accounts.copy_to(settings.storage, copy)
                t.add(copy, copy.name)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _check_room(folders: list[Path], files: list[Path], target: Path) -> None:
    needed = sum(folder_size(folder) for folder in folders)
    needed += sum(path.stat().st_size for path in files if path.exists())
    free = shutil.disk_usage(target).free
    if needed > free:
        raise UserError(
            f"The backup needs {needed / 2**20:.0f} MB, {target} has {free / 2**20:.0f} MB free. "
            "Name another place with --to."
        )


def refuse_full_disk(needed: int, target: Path) -> None:
    """Raises UserError where less than so many bytes are free."""
    free = shutil.disk_usage(target).free
    if needed > free:
        raise UserError(
            f"{needed / 2**20:.0f} MB are needed, {target} has {free / 2**20:.0f} MB free. Empty "
            "the trash or archive other runs first."
        )


def refuse_missing_folder(folder: Path) -> None:
    """Raises UserError where a folder that a person named is not there. It is never made: a name
    that is misspelt, or whose disk is not mounted, would fill this disk instead."""
    if not folder.is_dir():
        raise UserError(
            f"There is no folder {folder}. Correct its name, mount its disk, or make it first: "
            f"mkdir -p '{folder}'"
        )


def _database_of(storage: Path, folders: list[Path], work: Path) -> Path:
    path = work / "results.duckdb"
    database = Store(path)
    for feed in registry.feeds():
        with suppress(UserError):  # a damaged file is kept as it is
            database.feed(feed, storage)
    for folder in folders:
        with suppress(UserError):  # a damaged run is kept as it is; `check` names it
            database.ingest(runs.read(folder), signature(folder))
    database.close()
    return path


def folder_size(folder: Path) -> int:
    """Bytes of every file below a folder."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file())


def run_size(folder: Path) -> int:
    """Bytes of a run; of an ended one added up once for each state of its folder."""
    if (folder / "result.json").exists():
        return _ended_size(folder, runs.state_of(folder))
    return folder_size(folder)


@lru_cache(maxsize=50_000)
def _ended_size(folder: Path, state: runs.FileState) -> int:
    return folder_size(folder)


def spare(settings: Settings) -> dict[str, Path]:
    """Name → folder of what may go: runs keep their own copies, or it can be made again."""
    return {
        "uploads": settings.uploads,
        "exports": settings.exports,
        "cached features": settings.feature_cache,
    }


def clear(settings: Settings, name: str) -> bool:
    """Delete one of the spare folders for good; False where there was none.

    Raises UserError for another name.
    """
    folders = spare(settings)
    if name not in folders:
        raise UserError(f"'{name}' cannot be cleared. Known are: {', '.join(folders)}.")
    there = folders[name].is_dir()
    shutil.rmtree(folders[name], ignore_errors=True)
    return there
