"""What keeps an installation in order, on real files."""

import os
import tarfile

import pytest

from backend.core import facts, maintenance, migrations, runs
from backend.core.store import Store, signature
from backend.inspection.threshold import active
from backend.records import RunState, UserError
from backend.settings import Settings


@pytest.fixture
def make(storage):
    def make_run(state=RunState.COMPLETED):
        run = runs.create(storage.runs, "generate", {"count": 2})
        runs.claim(run.folder, os.getpid())
        facts.write(run.folder, "figures", [{"subject": "all", "metric": "x", "value": 1.0}])
        (run.folder / "artifacts").mkdir()
        (run.folder / "artifacts" / "a.bin").write_bytes(b"12345")
        runs.finish(run.folder, state, result={"images": 2})
        return runs.read(run.folder)

    return make_run


def contents(store):
    tables = store.tables()
    tables["runs"] = tables["runs"].drop(columns="signature")
    return {name: frame.to_csv(index=False) for name, frame in tables.items()}


def test_migrate_makes_the_database(storage):
    maintenance.migrate(storage)
    maintenance.migrate(storage)
    store = Store(storage.database)
    assert len(store.read("SELECT * FROM migrations")) == len(migrations.STEPS)
    store.close()


def test_check_is_quiet_where_all_agree_and_tells_what_differs(storage, make):
    run, other = make(), make(RunState.FAILED)
    assert len(maintenance.check(storage)) == 2
    assert maintenance.reindex(storage) == []
    assert maintenance.check(storage) == []
    run.folder.rename(storage.storage / "elsewhere")
    assert [line.split(":")[0] for line in maintenance.check(storage)] == [run.id]
    assert maintenance.reindex(storage) == []
    assert maintenance.check(storage) == []
    store = Store(storage.database)
    store.forget(other.id)
    store.close()
    assert [line.split(":")[0] for line in maintenance.check(storage)] == [other.id]


def test_a_finished_run_is_taken_in_unless_the_dashboard_will(storage, make, monkeypatch):
    run = make()
    with monkeypatch.context() as patch:

        def held(path):
            raise UserError("in use")

        patch.setattr(maintenance, "Store", held)
        maintenance.ingest_if_free(storage, run)
    assert not storage.database.exists()
    maintenance.ingest_if_free(storage, run)
    store = Store(storage.database)
    assert list(store.runs()["id"]) == [run.id]
    store.close()


def restored(archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return Settings(storage=folder)


def test_backup_beside_a_running_dashboard_and_back_again(storage, store, make, tmp_path):
    ended = [make(), make(RunState.CANCELED), make(RunState.FAILED)]
    for run in ended:
        store.ingest(run, signature(run.folder))
    before = contents(store)
    pending = runs.create(storage.runs, "generate", {})
    running = runs.create(storage.runs, "generate", {})
    runs.claim(running.folder, os.getpid())
    (storage.storage / active.JOURNAL).write_text("one choice\n")
    archive = maintenance.backup(storage)
    assert archive.parent == storage.backups
    assert list(storage.backups.iterdir()) == [archive], "nothing else is left"
    copy = restored(archive, tmp_path / "copy")
    assert (copy.storage / active.JOURNAL).read_text() == "one choice\n"
    assert {path.name for path in copy.runs.iterdir()} == {run.id for run in ended}
    assert not (copy.runs / pending.id).exists()
    again = Store(copy.database)
    assert contents(again) == before
    again.close()
    assert maintenance.check(copy) == []
    assert maintenance.reindex(copy) == []
    again = Store(copy.database)
    assert contents(again) == before
    again.close()
    for run in ended:
        assert runs.fingerprint(copy.runs / run.id) == runs.fingerprint(run.folder)


def test_backup_names_its_file(storage, make, tmp_path):
    make()
    (tmp_path / "sub").mkdir()
    mine = tmp_path / "sub" / "mine.tar"
    assert maintenance.backup(storage, mine) == mine
    assert maintenance.backup(storage, tmp_path / "sub").suffix == ".tar"


def test_a_backup_makes_no_folder_that_may_be_a_disk_not_mounted(storage, make, tmp_path):
    make()
    with pytest.raises(UserError, match=r"no folder .*mount its disk, or make it first: mkdir -p"):
        maintenance.backup(storage, tmp_path / "disk" / "mine.tar")
    assert not (tmp_path / "disk").exists()


def test_one_damaged_run_does_not_stop_a_backup(storage, make, tmp_path):
    good, torn, headless = make(), make(), make()
    facts.path(torn.folder, "figures").write_bytes(b"PAR1")
    (headless.folder / "spec.json").write_text("")
    copy = restored(maintenance.backup(storage), tmp_path / "copy")
    assert (copy.runs / torn.id / "facts" / "figures.parquet").read_bytes() == b"PAR1", "as it was"
    store = Store(copy.database)
    assert list(store.runs()["id"]) == [good.id]
    store.close()


def test_backup_needs_room(storage, make, monkeypatch):
    make()
    monkeypatch.setattr(
        maintenance.shutil, "disk_usage", lambda path: maintenance.shutil._ntuple_diskusage(9, 9, 0)
    )
    with pytest.raises(UserError, match=r"The backup needs .* Name another place with --to\."):
        maintenance.backup(storage)


def test_a_backup_that_fails_leaves_no_half_file(storage, make, monkeypatch):
    make()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(maintenance, "_database_of", full)
    with pytest.raises(OSError, match="No space left"):
        maintenance.backup(storage)
    assert list(storage.backups.iterdir()) == []


def test_folder_size_counts_files(storage, make):
    run = make()
    before = maintenance.folder_size(run.folder)
    (run.folder / "artifacts" / "b.bin").write_bytes(bytes(1000))
    assert maintenance.folder_size(run.folder) == before + 1000


def test_serve_warns_where_others_can_reach_it_and_starts_streamlit(storage, monkeypatch, capsys):
    """No process is replaced here: only the call is looked at."""
    calls = []
    monkeypatch.setattr(maintenance.os, "execv", lambda *call: calls.append(call))
    monkeypatch.setattr(maintenance.os, "chdir", lambda folder: None)
    monkeypatch.setattr(maintenance.os, "environ", dict(os.environ))
    maintenance.serve(storage, "127.0.0.1", 8501)
    assert capsys.readouterr().err == ""
    maintenance.serve(storage, "0.0.0.0", 8600, open_to_all=True)
    assert "everyone who can reach this address" in capsys.readouterr().err
    assert calls[1][1][-2:] == ["--server.address=0.0.0.0", "--server.port=8600"]
    assert maintenance.os.environ["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] == "false"


def test_serve_refuses_while_another_process_holds_the_database(storage, monkeypatch):
    def held(path):
        raise UserError("in use")

    monkeypatch.setattr(maintenance, "Store", held)
    monkeypatch.setattr(maintenance.os, "execv", lambda *call: pytest.fail("started"))
    with pytest.raises(UserError, match="in use"):
        maintenance.serve(storage, "127.0.0.1", 8501)
