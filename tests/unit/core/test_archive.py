"""Runs put away and fetched back: nothing goes here before the copy was compared."""

import json
import os
import tarfile
from pathlib import Path

import fsspec
import pytest
from click.testing import CliRunner
from fsspec.implementations.memory import MemoryFileSystem

from backend.__main__ import main
from backend.access.rights import Role
from backend.actions import archives
from backend.core import archive, facts, jobs, maintenance, runs
from backend.core.audit import Actor, Way
from backend.core.store import Store
from backend.inspection.threshold import active
from backend.records import RunState, Shortage, UserError
from backend.sharing.report import origin

ADA = Actor("ada", Way.COMMAND_LINE, Role.ADMIN)
FILES = {"model/weights.bin": os.urandom(300_000), "images/ä 1.png": b"\x89PNG", "empty": b""}


class ObjectStore(MemoryFileSystem):
    """Stands for one that is reached by an address."""

    protocol = "store"

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("store://"))


def ignore(fraction: float) -> None:
    assert 0 <= fraction <= 1


@pytest.fixture
def run(storage, tmp_path):
    (tmp_path / "away").mkdir()
    made = runs.create(storage.runs, "generate", {"count": 2})
    runs.claim(made.folder, os.getpid())
    facts.write(made.folder, "figures", [{"subject": "all", "metric": "x", "value": 1.0}])
    for name, content in FILES.items():
        path = made.folder / "artifacts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    runs.finish(made.folder, RunState.COMPLETED, result={"images": 2})
    return runs.read(made.folder)


@pytest.fixture(params=["folder", "memory"])
def place(request, tmp_path):
    """An address of files, and the file system behind it."""
    if request.param == "folder":
        yield str(tmp_path / "away")
        return
    fsspec.register_implementation("store", ObjectStore, clobber=True)
    yield "store://away"
    fsspec.filesystem("store").rm("/", recursive=True)


def put(storage, run, place):
    return archives.archive(ADA, storage, run.id, place, ignore)


def kept(folder: Path) -> dict[str, bytes]:
    inside = folder / "artifacts"
    return {str(p.relative_to(inside)): p.read_bytes() for p in inside.rglob("*") if p.is_file()}


def damaged(place: str, name: str, change) -> None:
    """Change the bytes of a file of the archive."""
    system, base = fsspec.core.url_to_fs(place)
    system.pipe_file(f"{base}/{name}", change(system.cat_file(f"{base}/{name}")))


def test_there_and_back_to_the_last_bit_with_figures_here_meanwhile(storage, run, place):
    assert maintenance.reindex(storage) == []
    made = put(storage, run, place)
    assert not (run.folder / "artifacts").exists()
    with pytest.raises(Shortage, match="are archived at"):
        runs.read_json(run.folder / "artifacts" / "package.json")
    assert runs.archived_at(run.folder) == made.url == place
    assert facts.read(run.folder, "figures")["value"].tolist() == [1.0]
    assert maintenance.reindex(storage) == [] and maintenance.check(storage) == []
    store = Store(storage.database)
    assert store.count("figures", run.id) == 1
    store.close()
    with pytest.raises(Shortage, match="archived at"):
        _ = run.artifacts
    with pytest.raises(Shortage, match="python -m backend fetch"):
        runs.sibling(storage.runs / "another", run.id)
    with pytest.raises(Shortage, match="python -m backend fetch"):
        runs.fingerprint(run.folder / "facts", run.folder / "artifacts")
    assert origin.hash_of(run, "facts", "artifacts") == f"{made.tar} (of its archive, a tar file)"
    assert archives.fetch(ADA, storage, run.id, ignore) == sum(map(len, FILES.values()))
    assert kept(run.folder) == FILES
    assert run.artifacts.is_dir() and archive.of(run.folder) is None
    assert not [p for p in run.folder.iterdir() if p.name.startswith(".")]
    noted = (storage.storage / "audit.jsonl").read_text()
    assert '"archive"' in noted and '"fetch"' in noted


def test_the_copy_is_a_whole_run_by_itself(storage, run, tmp_path):
    put(storage, run, str(tmp_path / "away"))
    lost = tmp_path / "other" / run.id
    with tarfile.open(tmp_path / "away" / f"{run.id}.tar") as tar:
        tar.extractall(lost, filter="data")
    assert runs.read(lost).result == {"images": 2}
    assert kept(lost) == FILES
    told = json.loads((tmp_path / "away" / f"{run.id}.json").read_text())
    assert set(told["files"]) >= {"spec.json", "facts/figures.parquet", "artifacts/empty"}


def flipped(content: bytes) -> bytes:
    """One bit in the middle of the largest file."""
    place = content.index(FILES["model/weights.bin"][:64]) + 100_000
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    "change", [flipped, lambda c: c[: len(c) // 2], lambda c: c + b"x", lambda c: b""]
)
def test_a_damaged_copy_is_never_taken_for_the_run(storage, run, place, change):
    put(storage, run, place)
    damaged(place, f"{run.id}.tar", change)
    with pytest.raises(UserError, match=r"damaged|Cannot fetch"):
        archives.fetch(ADA, storage, run.id, ignore)
    assert runs.archived_at(run.folder) == place
    assert not (run.folder / "artifacts").exists()
    assert not (run.folder / archive.COMING).exists()


@pytest.mark.parametrize("name", ["tar", "json"])
def test_nothing_is_deleted_where_the_copy_came_out_otherwise(storage, run, tmp_path, name):
    """What was written is changed before it is read back, as a failing drive would."""
    away = tmp_path / "away"

    def spoil(fraction: float) -> None:
        file = away / f"{run.id}.{name}"
        if fraction >= 0.5 and file.exists():
            file.write_bytes(file.read_bytes().replace(b"empty", b"EMPTY"))

    with pytest.raises(UserError, match=r"not what was written|damaged|Cannot archive"):
        archives.archive(ADA, storage, run.id, str(away), spoil)
    assert kept(run.folder) == FILES
    assert runs.archived_at(run.folder) == ""
    assert list(away.iterdir()) == []


def test_a_place_that_cannot_be_written_leaves_everything_here(storage, run, tmp_path):
    (tmp_path / "away" / f"{run.id}.tar").mkdir()
    with pytest.raises(UserError, match="Nothing was deleted"):
        put(storage, run, str(tmp_path / "away"))
    assert kept(run.folder) == FILES


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "Say where to"),
        ("away", "whole path"),
        ("s3://key:secret@bucket/x", "No password"),
        ("s3://", r"'s3://' names no bucket\. Write it as s3://bucket/folder"),
        ("S3:///folder", "names no bucket"),
        ("nosuch://bucket", "no address of files"),
        ("memory://bucket", "ends with the program"),
        ("{storage}/../typo/away", r"no folder .*typo/away. .*mkdir -p"),
        ("{storage}/runs", "storage folder itself"),
        ("file://{storage}/away", "storage folder itself"),
    ],
)
def test_addresses_that_are_none_are_refused_before_anything_moves(storage, run, url, words):
    with pytest.raises(UserError, match=words):
        put(storage, run, url.format(storage=storage.storage))
    assert kept(run.folder) == FILES
    assert not (storage.storage.parent / "typo").exists()


def test_what_is_in_use_stays_here(storage, run, tmp_path, monkeypatch):
    away = str(tmp_path / "away")
    with monkeypatch.context() as patch:

        def in_force(folder, run_id):
            raise UserError(f"{run_id} is behind the threshold in force.")

        patch.setattr(active, "refuse_deletion", in_force)
        with pytest.raises(UserError, match="in force"):
            put(storage, run, away)
        assert archives.movable(storage, 0) == []
    waiting = runs.create(storage.runs, "label", {"source_run": run.id})
    with pytest.raises(UserError, match=f"in use by {waiting.id}"):
        put(storage, run, away)
    assert archives.movable(storage, 0) == []
    runs.finish(waiting.folder, RunState.CANCELED)
    assert archives.movable(storage, 0) == [run.id]
    assert archives.movable(storage, 1) == []
    assert kept(run.folder) == FILES


def test_a_job_asked_for_meanwhile_keeps_the_files_here(storage, run, tmp_path):
    asked: list[runs.Run] = []

    def ask(fraction: float) -> None:
        if not asked:
            asked.append(runs.create(storage.runs, "label", {"source_run": run.id}))

    with pytest.raises(UserError, match="in use by"):
        archives.archive(ADA, storage, run.id, str(tmp_path / "away"), ask)
    assert kept(run.folder) == FILES and runs.archived_at(run.folder) == ""


def test_a_job_on_an_archived_run_says_so_and_goes_on_once_it_is_fetched(storage, run, tmp_path):
    put(storage, run, str(tmp_path / "away"))
    with pytest.raises(Shortage, match="archived at"):
        jobs.check(storage, "label", {"source_run": run.id})
    waiting = runs.create(storage.runs, "label", {"source_run": run.id})
    with pytest.raises(Shortage, match="archived at"):
        jobs.waits_for(storage, waiting)
    archives.fetch(ADA, storage, run.id, ignore)
    assert jobs.waits_for(storage, waiting) == []


def test_what_is_not_completed_or_archived_already_is_refused(storage, run, tmp_path):
    failed = runs.create(storage.runs, "generate", {})
    runs.finish(failed.folder, RunState.FAILED, error="x")
    with pytest.raises(UserError, match="only completed"):
        put(storage, failed, str(tmp_path))
    with pytest.raises(UserError, match="not archived"):
        archives.fetch(ADA, storage, run.id, ignore)
    put(storage, run, str(tmp_path / "away"))
    with pytest.raises(UserError, match="archived already"):
        put(storage, run, str(tmp_path / "away"))
    viewer = Actor("vi", Way.PAGE, Role.VIEWER)
    with pytest.raises(UserError, match="role"):
        archives.fetch(viewer, storage, run.id, ignore)


def test_the_verbs_move_what_is_named_or_old_and_say_what_stays(storage, run, tmp_path):
    away = str(tmp_path / "away")
    verb = CliRunner()
    named = verb.invoke(main, ["archive", "--to", away])
    assert named.exit_code == 2 and "--older-than" in named.output
    planned = verb.invoke(main, ["archive", "--older-than", "0", "--to", away, "--dry-run"])
    assert planned.output.strip() == run.id and kept(run.folder) == FILES
    gone = "20260101T000000-generate-abcdef"
    done = verb.invoke(main, ["archive", run.id, gone, "--to", away])
    assert done.exit_code == 1
    assert f"{run.id}: " in done.output and "read back and compared" in done.output
    assert f"{gone}: There is no run" in done.output
    back = verb.invoke(main, ["fetch", run.id])
    assert back.exit_code == 0, back.output
    assert kept(run.folder) == FILES
