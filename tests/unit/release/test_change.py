"""Install, update, roll back: with real folders, processes and signatures of a small program."""

import fcntl
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from backend.records import UserError
from backend.release import change, health, place
from backend.settings import PROJECT
from tests.unit.release.conftest import contents, own_files

CALM = {"say": lambda words: None}
FAULTS = ("migrate", "serve", "loses")


def runs_of(here):
    return contents(here.storage / "runs")


def test_an_installation_keeps_what_lies_in_its_storage_folder(installed, plant, bundled):
    assert installed.current.name == "0.1.0-0000000001"
    assert (installed.current / "storage").resolve() == installed.storage
    assert (installed.root / "install.sh").resolve() == installed.current / "install.sh"
    assert not (installed.current / "wheels").exists()
    assert len(runs_of(installed)) == 100
    assert (installed.storage / "backups" / "by-1.tar").exists(), "of what was there before"
    assert not installed.under_way.exists()
    with pytest.raises(UserError, match="is installed already"):
        change.install(bundled(2), plant.public, installed.root, None, **CALM)


def test_an_update_loses_nothing_and_keeps_one_release_to_go_back_to(installed, bundled):
    before, links = runs_of(installed), sorted(p.name for p in installed.storage.glob("runs/*"))
    change.update(installed, bundled(2), **CALM)
    assert installed.current.name.startswith("0.2.0")
    assert installed.named("previous").name.startswith("0.1.0")
    assert runs_of(installed) == before and sorted(before) == [f"{n}/spec.json" for n in links]
    assert (installed.storage / "results.duckdb").read_text() == "2"
    assert (installed.storage / "backups" / "by-1.tar").exists()
    change.update(installed, bundled(3), **CALM)
    assert {path.name[:5] for path in installed.releases.iterdir()} == {"0.2.0", "0.3.0"}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_update_that_fails_goes_back_by_itself(installed, bundled, fault):
    old, before = installed.current, own_files(installed.storage)
    with pytest.raises(UserError, match=r"0\.2\.0-.* is not well here .* in use as before"):
        change.update(installed, bundled(2, fault), **CALM)
    assert installed.current == old and installed.named("previous") is None
    assert own_files(installed.storage) == before
    journal = (installed.storage / "audit.jsonl").read_text()
    assert journal.startswith("one line\nmigrate\n"), "what was noted stays noted"
    assert list(installed.releases.iterdir()) == [old]
    assert not installed.under_way.exists()
    change.update(installed, bundled(3), **CALM)
    assert installed.current.name.startswith("0.3.0")


def test_a_server_that_is_not_well_in_time_is_not_taken(installed, bundled, monkeypatch):
    monkeypatch.setattr(health, "PATIENCE", 1.5)
    with pytest.raises(UserError, match=r"does not say that it is well: HTTP Error 503"):
        change.update(installed, bundled(2, "unwell"), **CALM)
    assert installed.current.name.startswith("0.1.0")


def test_a_folder_that_is_to_be_made_in_none_is_refused(plant, tmp_path):
    there, gone = tmp_path / "opt", tmp_path / "not mounted"
    for root, storage in ((gone / "opt", None), (there, gone / "storage")):
        with pytest.raises(UserError, match=f"no folder {gone}"):
            change.install(tmp_path / "some.tar", plant.public, root, storage, **CALM)
    assert not there.exists() and not gone.exists()


def test_storage_may_lie_deep_in_the_folder_that_is_made_for_it(plant, bundled, tmp_path):
    root = tmp_path / "opt"
    change.install(bundled(1), plant.public, root, root / "app" / "data", **CALM)
    assert place.Place(root).storage == root / "app" / "data"


def test_the_installation_that_fails_leaves_storage_as_it_was(plant, bundled, tmp_path):
    storage = tmp_path / "srv"
    (storage / "runs" / "one").mkdir(parents=True)
    (storage / "results.duckdb").write_text("0")
    with pytest.raises(UserError, match="nothing is installed"):
        change.install(bundled(1, "serve"), plant.public, tmp_path / "opt", storage, **CALM)
    assert (storage / "results.duckdb").read_text() == "0"
    assert list((tmp_path / "opt" / "releases").iterdir()) == []
    assert not (tmp_path / "opt" / "current").exists()


def test_rollback_keeps_what_was_done_since(installed, bundled):
    change.update(installed, bundled(2), **CALM)
    (installed.storage / "runs" / "20261127T080000-generate-ffffff").mkdir()
    (installed.storage / "audit.jsonl").open("a").write("since\n")
    change.roll_back(installed, **CALM)
    assert installed.current.name.startswith("0.1.0")
    assert len(list((installed.storage / "runs").iterdir())) == 101
    assert (installed.storage / "audit.jsonl").read_text().endswith("since\n")
    assert (installed.storage / "results.duckdb").read_text() == "1", "made anew from the runs"
    with pytest.raises(UserError, match="rollback leads to it"):
        change.update(installed, bundled(2, "again"), **CALM)
    change.roll_back(installed, **CALM)
    assert installed.current.name.startswith("0.2.0")


def test_there_may_be_nothing_to_go_back_to(installed):
    with pytest.raises(UserError, match="no release before this one"):
        change.roll_back(installed, **CALM)


def test_an_update_that_was_killed_is_undone_by_rollback(installed, bundled, until):
    before = own_files(installed.storage)
    words = (
        "from pathlib import Path; from backend.release import change, place\n"
        f"change.update(place.Place(Path({str(installed.root)!r})), "
        f"Path({str(bundled(2, 'hangs'))!r}))"
    )
    updating = subprocess.Popen(
        [sys.executable, "-c", words], cwd=PROJECT, stdout=subprocess.DEVNULL, process_group=0
    )
    database = installed.storage / "results.duckdb"
    until(lambda: database.exists() and database.read_text() == "2")
    until(lambda: len(_group(updating.pid)) > 1)
    os.killpg(updating.pid, signal.SIGKILL)
    updating.wait()
    assert installed.under_way.is_dir()
    change.roll_back(installed, **CALM)
    after = own_files(installed.storage)
    aside = [name for name in after if name.startswith("backups/set-aside-")]
    assert {name.split("/")[-1] for name in aside} >= {"results.duckdb", "accounts.sqlite"}
    assert {name: after[name] for name in after if name not in aside} == before
    assert installed.current.name.startswith("0.1.0")
    change.update(installed, bundled(3), **CALM)


def _group(leader):
    found = subprocess.run(["ps", "-eo", "pgid="], capture_output=True, text=True, check=True)
    return [one for one in found.stdout.split() if int(one) == leader]


def test_older_and_same_bundles_are_refused(installed, bundled):
    change.update(installed, bundled(3), **CALM)
    with pytest.raises(UserError, match="is in use already"):
        change.update(installed, bundled(3, "copy"), **CALM)
    with pytest.raises(UserError, match="before the release in use"):
        change.update(installed, bundled(2), **CALM)


@contextmanager
def held(path):
    """Another process holds the file as DuckDB does."""
    path.write_text("1")
    words = (
        f"import fcntl; f = open({str(path)!r}, 'r+b'); fcntl.lockf(f, fcntl.LOCK_EX); "
        "print('held', flush=True); input()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", words], stdin=pipe, stdout=pipe) as holder:
        assert holder.stdout.readline()
        yield
        holder.communicate(b"\n")


def test_a_dashboard_that_runs_is_not_updated_under_its_feet(installed, bundled):
    with held(installed.storage / "results.duckdb"):
        inode = (installed.storage / "results.duckdb").stat().st_ino
        with pytest.raises(UserError, match="the dashboard runs; stop it"):
            change.update(installed, bundled(2), **CALM)
        assert (installed.storage / "results.duckdb").stat().st_ino == inode, "left alone"
    change.update(installed, bundled(2), **CALM)


SYSTEMCTL = """#!/bin/sh
# $1 verb; the service is a server of the release in use, its pid in a file
pid={folder}/pid
running() {{ [ -f $pid ] && kill -0 $(cat $pid) 2>/dev/null; }}
case $1 in
  is-active) if running; then echo active; else echo inactive; exit 3; fi ;;
  stop) running && kill $(cat $pid); rm -f $pid ;;
  start) cd {root}/current && DISTILLERY_STORAGE={storage} .venv/bin/python -m backend serve \
    --port {port} >/dev/null 2>&1 & echo $! >$pid; echo $1 >>{folder}/said ;;
esac
exit 0
"""


@pytest.fixture
def systemd(installed, tmp_path, monkeypatch):
    """A `systemctl` that knows one service, which runs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    port = health._free_port()
    installed.keep(place.Installed(str(installed.storage), port=port))
    given = {"folder": folder, "root": installed.root, "storage": installed.storage, "port": port}
    (folder / "systemctl").write_text(SYSTEMCTL.format(**given))
    (folder / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    health.command_service("start", "distillery")
    health.wait_for(port)
    yield port
    health.command_service("stop", "distillery")


def test_a_service_is_stopped_for_the_update_and_runs_afterwards(installed, bundled, systemd):
    change.update(installed, bundled(2), **CALM)
    assert health.is_running("distillery")
    health.wait_for(systemd)


def test_a_service_that_does_not_come_up_goes_back_to_the_release_before(
    installed, bundled, systemd, monkeypatch
):
    monkeypatch.setattr(health, "PATIENCE", 3.0)
    with pytest.raises(UserError, match="in use as before"):
        change.update(installed, bundled(2, "service", systemd), **CALM)
    assert installed.current.name.startswith("0.1.0")
    health.wait_for(systemd)


def test_a_release_that_a_process_runs_from_is_kept(installed, bundled):
    line = subprocess.Popen(["sleep", "600"], cwd=installed.current)
    try:
        for number in (2, 3):
            change.update(installed, bundled(number), **CALM)
        assert {path.name[:5] for path in installed.releases.iterdir()} == {
            "0.1.0",
            "0.2.0",
            "0.3.0",
        }
    finally:
        line.kill()
        line.wait()


def process(folder: Path, number: int, cwd: Path | None, *words: str) -> None:
    """As /proc shows it. cwd: None where it belongs to another account, and is not told."""
    own = folder / str(number)
    own.mkdir()
    if cwd:
        (own / "cwd").symlink_to(cwd)
    else:
        (own / "cwd").write_text("no link, so that reading it fails as it does without the right")
    (own / "cmdline").write_bytes("\0".join((*words, "")).encode())


def test_a_release_that_a_process_of_another_account_may_run_from_is_kept(tmp_path):
    release, others = tmp_path / "release", tmp_path / "proc"
    release.mkdir()
    others.mkdir()
    process(others, 1, None, "/sbin/init")
    process(others, 20, tmp_path, ".venv/bin/python", "-m", "backend", "run", "a-run")
    assert not place.may_run_from(release, others)
    (others / "21").mkdir()  # it has ended meanwhile
    assert not place.may_run_from(release, others)
    for words in (("python", "-m", "backend", "run", "x"), ("python", "/opt/pages/ui/server.py")):
        process(others, 30, None, *words)
        assert place.may_run_from(release, others)
        shutil.rmtree(others / "30")
    process(others, 31, release / "storage", "sleep")
    assert place.may_run_from(release, others)
    assert not place.may_run_from(tmp_path / "another", others)
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    process(hidden, 31, tmp_path, "sleep")
    assert place.may_run_from(release, hidden)


def test_too_small_a_disk_is_told_before_anything_happens(installed, bundled, monkeypatch):
    full = change.shutil._ntuple_diskusage(10, 10, 0)
    monkeypatch.setattr(change.shutil, "disk_usage", lambda folder: full)
    with pytest.raises(UserError, match="GB are needed in"):
        change.update(installed, bundled(2), **CALM)
    assert len(list(installed.releases.iterdir())) == 1


def test_what_was_for_its_owner_alone_stays_so_when_it_is_put_back(tmp_path):
    storage = tmp_path / "storage"
    storage.mkdir()
    with closing(sqlite3.connect(storage / "access.sqlite")) as database:
        database.execute("CREATE TABLE account (name TEXT)")
    (storage / "notices.json").write_text("{}")
    for path in storage.iterdir():
        path.chmod(0o600)
    place.save(storage, tmp_path / "kept")
    place.put_back(tmp_path / "kept", storage)
    assert {path.stat().st_mode & 0o777 for path in storage.iterdir()} == {0o600}


def test_a_checkout_is_no_installation(tmp_path):
    with pytest.raises(UserError, match="git pull; make install"):
        place.of_program(tmp_path)
    with pytest.raises(UserError, match="is no installation from a bundle"):
        _ = place.Place(tmp_path).installed


def test_locks_are_asked_for_and_given_back(tmp_path):
    (tmp_path / "results.duckdb").write_text("")
    place.refuse_in_use(tmp_path)
    with (tmp_path / "results.duckdb").open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
