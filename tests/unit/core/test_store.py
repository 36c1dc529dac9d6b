"""The DuckDB index: real files, one owner, one transaction a run, all of it rebuilt."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import closing

import duckdb
import pandas as pd
import pytest

from backend.core import facts, migrations, runs
from backend.core import store as store_module
from backend.core.migrations import FACTS
from backend.core.store import TABLES, OfProject, Store, differences, rebuild, signature
from backend.records import RunState, UserError

FIGURES = [
    {"subject": "all", "metric": "auroc", "value": 0.9 + n / 100, "n": 10 - n} for n in range(3)
]


@pytest.fixture
def make(storage):
    """Makes a completed run with three figures, without a process."""

    def make_run(kind="generate", *, state=RunState.COMPLETED, rows=FIGURES, result=None):
        run = runs.create(storage.runs, kind, {"count": 2})
        facts.write(run.folder, "figures", rows)
        for step in range(2):
            runs.append_event(run.folder, {"step": step, "metrics": {"loss": 1.0 - step}})
        runs.finish(run.folder, state, result=result if result is not None else {"images": 2})
        return runs.read(run.folder)

    return make_run


def put(store, run):
    store.ingest(run, signature(run.folder))


def contents(store):
    return {name: frame.to_csv(index=False) for name, frame in store.tables().items()}


def test_a_run_becomes_rows(store, make):
    run = make()
    runs.write_json(run.folder / "provenance.json", {"python": "3"})
    put(store, run)
    row = store.read("SELECT * FROM runs").iloc[0]
    assert (row["id"], row["kind"], row["state"]) == (run.id, "generate", "completed")
    assert json.loads(row["spec"]) == {"count": 2}
    assert json.loads(row["provenance"]) == {"python": "3"}
    assert json.loads(row["result"]) == {"images": 2}
    assert list(store.facts("curves", run.id)["value"]) == [1.0, 0.0]
    assert list(store.facts("figures", run.id)["n"]) == [10, 9, 8], "in the order written"
    assert store.counts() == {"completed": 1}
    assert store.signatures() == {run.id: signature(run.folder)}


def test_taking_in_again_replaces_and_forgetting_removes_everything(store, make):
    run, other = make(), make()
    put(store, other)
    alone = contents(store)
    put(store, run)
    once = contents(store)
    put(store, run)
    assert contents(store) == once != alone
    store.forget(run.id)
    assert contents(store) == alone


@pytest.mark.parametrize("state", ["failed", "canceled", "interrupted"])
def test_a_run_that_did_not_complete_has_no_facts(store, make, state):
    run = make(state=RunState(state))
    put(store, run)
    assert list(store.runs()["state"]) == [state]
    assert store.facts("figures", run.id).empty
    assert len(store.facts("curves", run.id)) == 2, "how far it came is kept"


def test_a_metric_reported_twice_counts_once(store, make):
    run = make()
    runs.append_event(run.folder, {"step": 0, "metrics": {"loss": 7.0}})
    runs.append_event(run.folder, {"step": 1, "metrics": {"loss": float("nan")}})
    put(store, run)
    curves = store.facts("curves", run.id)
    assert list(curves["step"]) == [0, 1]
    assert curves["value"][0] == 7.0
    assert pd.isna(curves["value"][1])


def test_named_reads(store, make):
    first, second = make(), make("distill", state=RunState.FAILED)
    first = dataclasses.replace(first, created=first.created.replace(year=2001))
    for run in (first, second):
        put(store, run)
    assert list(store.runs()["id"]) == [second.id, first.id]
    assert list(store.runs(kind="generate")["id"]) == [first.id]
    assert list(store.runs(state="failed")["id"]) == [second.id]
    assert list(store.runs(limit=1)["id"]) == [second.id]
    figures = store.latest_figures("generate", "all", "auroc", "")
    assert list(figures["value"]) == [0.9, 0.91, 0.92]
    assert store.latest_figures("generate", "other", "auroc", "").empty
    assert store.latest_figures("distill", "all", "auroc", "").empty, "that one failed"


def test_a_trend_holds_only_runs_that_can_be_compared(store, make):
    for year, test_set in ((2001, "a"), (2002, "b"), (2003, "a")):
        run = make()
        run = dataclasses.replace(
            run, created=run.created.replace(year=year), result={"test_hash": test_set}
        )
        put(store, run)
    trend = store.latest_figures("generate", "all", "auroc", "$.test_hash")
    assert set(trend["alike"]) == {"a"}
    assert sorted(set(trend["created"].dt.year)) == [2001, 2003]


@pytest.mark.parametrize("table", ["runs; DROP TABLE runs", "nothing", ""])
def test_an_unknown_table_is_refused(store, table):
    with pytest.raises(KeyError):
        store.facts(table, "x")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("facts/figures.parquet", b""),
        ("facts/figures.parquet", b"PAR1 cut short"),
        ("provenance.json", b'{"python": '),
        ("events.jsonl", b'{"metrics": [1]}\n'),
        ("events.jsonl", b'{"metrics": {"loss": "low"}}\n'),
    ],
)
def test_a_damaged_file_is_named_and_nothing_changes(store, make, file, content):
    run, other = make(), make()
    put(store, run)
    put(store, other)
    before = contents(store)
    (run.folder / file).write_bytes(content)
    with pytest.raises(UserError) as damaged:
        put(store, run)
    assert str(run.folder / file) in str(damaged.value)
    assert "\n" not in str(damaged.value)
    assert contents(store) == before
    put(store, other)


def test_a_file_cut_in_half_is_named(store, make):
    run = make(rows=FIGURES * 2000)
    path = facts.path(run.folder, "figures")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"figures\.parquet"):
        put(store, run)
    assert store.runs().empty


def test_a_row_the_table_refuses_is_named(store, make):
    run = make(rows=[FIGURES[0] | {"metric": None}])
    with pytest.raises(UserError, match=r"figures\.parquet.*NOT NULL"):
        put(store, run)
    assert store.runs().empty


def test_odd_folder_names_and_empty_tables(tmp_path):
    """The path is no pattern, and a table without rows fits every column type."""
    folder = tmp_path / "a [b]* ü'"
    run = runs.create(folder, "generate", {})
    for table in FACTS:
        facts.write(run.folder, table, [])
    facts.write(run.folder, "figures", FIGURES)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    store = Store(folder / "x.duckdb")
    put(store, runs.read(run.folder))
    assert len(store.facts("figures", run.id)) == 3
    store.close()


def test_migrations_run_once_and_keep_what_is_there(storage, make, monkeypatch):
    store = Store(storage.database)
    put(store, make())
    before = contents(store)
    store.close()
    monkeypatch.setattr(
        store_module, "STEPS", (*migrations.STEPS, "ALTER TABLE figures ADD COLUMN unit VARCHAR")
    )
    for _ in range(2):
        store = Store(storage.database)
        steps = store.read("SELECT step FROM migrations ORDER BY step")["step"]
        assert list(steps) == list(range(1, len(migrations.STEPS) + 2))
        assert "unit" in store.tables()["figures"]
        assert contents(store)["runs"] == before["runs"]
        store.close()


def test_what_an_earlier_version_exported_is_a_package(storage, monkeypatch):
    place = next(k for k, step in enumerate(migrations.STEPS) if "'student-export'" in step)
    later = "".join(migrations.STEPS[place:])
    known = tuple(table for table in TABLES if f"CREATE TABLE {table} " not in later)
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "STEPS", migrations.STEPS[:place])
        patch.setattr(store_module, "TABLES", known)
        patch.setattr(store_module, "FACTS", known[2:])
        Store(storage.database).close()
    with duckdb.connect(storage.database) as database:
        database.execute(
            "INSERT INTO runs (id, kind, state, created, spec, signature) "
            "VALUES ('a', 'export', 'completed', now(), '{}', '-')"
        )
    store = Store(storage.database)
    assert list(store.runs("package")["kind"]) == ["package"]
    store.close()


def test_a_migration_that_fails_leaves_the_earlier_version(storage, monkeypatch):
    Store(storage.database).close()
    broken = "CREATE TABLE half (a INTEGER); INSERT INTO nowhere VALUES (1)"
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "STEPS", (*migrations.STEPS, broken))
        with pytest.raises(duckdb.Error):
            Store(storage.database)
    store = Store(storage.database)  # and the failed one no longer holds the file
    steps = list(store.read("SELECT step FROM migrations")["step"])
    assert steps == list(range(1, len(migrations.STEPS) + 1))
    assert "half" not in list(
        store.read("SELECT table_name FROM information_schema.tables")["table_name"]
    )
    store.close()


def test_a_newer_versions_database_is_refused(storage, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "STEPS", (*migrations.STEPS, "CREATE TABLE later (a INTEGER)"))
        Store(storage.database).close()
    with pytest.raises(UserError, match="newer version"):
        Store(storage.database)


@pytest.mark.parametrize("content", [b"", b"no database" * 1000])
def test_a_damaged_database_is_named(storage, content):
    storage.database.write_bytes(content)
    with pytest.raises(UserError, match=r"Cannot open .*results\.duckdb.*reindex"):
        Store(storage.database)


HOLD = """
import sys
from backend.core.store import Store
from pathlib import Path
store = Store(Path(sys.argv[1]))
print("open", flush=True)
input()
"""


@pytest.fixture
def held(storage):
    """Another process holds the database."""
    command = [sys.executable, "-c", HOLD, str(storage.database)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "open\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_told_who_holds_the_database(storage, held, make):
    make()
    for attempt in (
        lambda: Store(storage.database),
        lambda: rebuild(storage.database, storage.runs),
    ):
        with pytest.raises(
            UserError, match="is in use by another process, most likely the dashboard"
        ):
            attempt()
    held.kill()
    held.wait()
    Store(storage.database).close()


KILLED_WRITER = """
import sys
from pathlib import Path
from backend.core import runs
from backend.core.store import Store, signature
store = Store(Path(sys.argv[1]))
while True:
    for folder in runs.folders(Path(sys.argv[2])):
        run = runs.read(folder)
        store.ingest(run, signature(folder))
        print(run.id, flush=True)
"""


def test_a_killed_writer_loses_nothing_committed(storage, make):
    expected = {make(rows=FIGURES * 300).id for _ in range(3)}
    command = [sys.executable, "-c", KILLED_WRITER, str(storage.database), str(storage.runs)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for _ in range(7):  # two rounds of all three, and killed in the middle of the next
        writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    store = Store(storage.database)
    assert set(store.runs()["id"]) == expected
    for run_id in expected:
        assert len(store.facts("figures", run_id)) == 900
    assert differences(store, storage.runs) == []
    store.close()


def test_two_threads_read_whole_runs_while_one_writes(store, make):
    run = make(rows=FIGURES * 50)
    put(store, run)
    seen, errors, stop = set(), [], threading.Event()
    started = threading.Barrier(3)

    def read():
        try:
            started.wait()
            while not stop.is_set():
                count = store.read(
                    "SELECT (SELECT count(*) FROM runs) AS r, (SELECT count(*) FROM figures) AS f"
                )
                seen.add((int(count["r"][0]), int(count["f"][0])))
        except Exception as error:
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    started.wait()
    for _ in range(30):
        put(store, run)
    while not seen and not errors:
        put(store, run)
    stop.set()
    for reader in readers:
        reader.join()
    assert not errors
    assert seen == {(1, 150)}, "never half a run"


def test_two_threads_may_write(store, make):
    made = [make() for _ in range(4)]
    errors = []

    def write(run):
        try:
            for _ in range(5):
                put(store, run)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=[run]) for run in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(store.runs()) == 4
    assert len(store.read("SELECT * FROM figures")) == 12


def test_rebuilt_tables_are_the_same(storage, make):
    store = Store(storage.database)
    for run in (make(), make(state=RunState.FAILED), make("distill", result={"score": None})):
        put(store, run)
    before = contents(store)
    store.close()
    storage.database.unlink()
    assert rebuild(storage.database, storage.runs) == []
    store = Store(storage.database)
    assert contents(store) == before
    assert set(before) == set(TABLES)
    store.close()
    assert {path.name for path in storage.storage.iterdir()} == {"runs", "results.duckdb"}


def test_rebuild_names_the_damaged_and_takes_the_rest(storage, make):
    good, cut, torn = make(), make(), make()
    (cut.folder / "spec.json").write_text("")
    facts.path(torn.folder, "figures").write_bytes(b"PAR1")
    (storage.runs / "lost+found").mkdir()
    problems = rebuild(storage.database, storage.runs)
    assert len(problems) == 2
    assert any(str(cut.folder / "spec.json") in problem for problem in problems)
    assert any(str(torn.folder) in problem for problem in problems)
    store = Store(storage.database)
    assert list(store.runs()["id"]) == [good.id]
    store.close()


def test_rebuild_keeps_others_out_until_it_is_done(storage, make, monkeypatch):
    """A dashboard that opened the old file meanwhile would write into a file without a name."""
    make()
    Store(storage.database).close()
    tried = []
    ingest = Store.ingest_all

    def watched(self, ended):
        code = "import sys, duckdb; duckdb.connect(sys.argv[1])"
        tried.append(
            subprocess.run([sys.executable, "-c", code, str(storage.database)], capture_output=True)
        )
        return ingest(self, ended)

    monkeypatch.setattr(Store, "ingest_all", watched)
    rebuild(storage.database, storage.runs)
    assert [attempt.returncode for attempt in tried] == [1]
    assert b"lock" in tried[0].stderr


def test_differences_are_told_one_by_one(storage, store, make):
    agree, gone, missing, changed, damaged = (make() for _ in range(5))
    for run in (agree, gone, changed, damaged):
        put(store, run)
    pending = runs.create(storage.runs, "generate", {})
    assert len(differences(store, storage.runs)) == 1, "the one that was never taken in"
    gone.folder.rename(storage.storage / "elsewhere")
    facts.write(changed.folder, "figures", FIGURES[:1])
    (damaged.folder / "result.json").write_text("")
    found = {line.split(":")[0].split("/")[-1]: line for line in differences(store, storage.runs)}
    assert "its folder is gone" in found[gone.id]
    assert "not in the database" in found[missing.id]
    assert "1 rows of 'figures' on disk, 3 in the database" in found[changed.id]
    assert any(str(damaged.folder / "result.json") in line for line in found.values())
    assert len(found) == 4
    assert not any(run.id in line for line in found.values() for run in (agree, pending))


def test_a_run_that_started_again_differs(storage, store, make):
    run = make(state=RunState.FAILED)
    put(store, run)
    runs.claim(run.folder, os.getpid())
    assert len(differences(store, storage.runs)) == 1
    put(store, runs.read(run.folder))
    assert differences(store, storage.runs) == []


def test_copied_folders_with_new_times_still_agree(storage, store, make):
    run = make()
    runs.claim(run.folder, os.getpid())
    put(store, runs.read(run.folder))
    for path in run.folder.rglob("*"):
        os.utime(path, (1, 1))
    assert differences(store, storage.runs) == []
    assert signature(run.folder) != store.signatures()[run.id]


def test_many_runs_taken_in_at_once_are_the_same_rows_as_one_by_one(store, make, tmp_path):
    ended = [make(rows=FIGURES[:n]) for n in (3, 1, 2)] + [make(state=RunState.FAILED)]
    pairs = [(run, signature(run.folder)) for run in ended]
    for pair in pairs:
        store.ingest(*pair)
    with closing(Store(tmp_path / "at-once.duckdb")) as other:
        for _ in range(2):  # the second time in place of the first
            assert other.ingest_all(pairs) == {}
            assert contents(other) == contents(store)
            for run in ended:
                assert other.facts("figures", run.id).equals(store.facts("figures", run.id))


def test_a_damaged_run_keeps_out_none_of_those_taken_in_with_it(store, make):
    good, bad, last = make(), make(), make()
    facts.path(bad.folder, "figures").write_bytes(b"no table")
    failed = store.ingest_all([(run, signature(run.folder)) for run in (good, bad, last)])
    assert list(failed) == [bad.id] and str(facts.path(bad.folder, "figures")) in str(
        failed[bad.id]
    )
    assert set(store.signatures()) == {good.id, last.id}


def test_a_short_answer_is_asked_anew_once_runs_come_or_go(store, make):
    first = make()
    put(store, first)
    frame = store.runs()
    frame["name"] = "changed by its reader"
    assert list(store.runs()["name"]) == [""]
    second = make()
    put(store, second)
    assert set(store.runs()["id"]) == {first.id, second.id}
    assert store.counts() == {"completed": 2}
    store.forget(first.id)
    assert list(store.runs()["id"]) == [second.id]


def test_several_projects_are_seen_together(store, make):
    places = {}
    for project in ("", "a1", "b2"):
        run = make()
        runs.move(run.folder, project)
        run = runs.read(run.folder)
        put(store, run)
        places[project] = run.id
    seen = OfProject(store, "", "b2").runs()
    assert dict(zip(seen["project"], seen["id"], strict=True)) == {
        "": places[""],
        "b2": places["b2"],
    }
    assert OfProject(store).runs().empty


def test_answers_of_an_earlier_state_leave_memory(store, make):
    for _ in range(3):
        put(store, make())
        store.runs()
    assert store._answers.cache_info().currsize == 1


def test_nobody_sees_the_first_run_of_another_project_for_a_moment(store, make, monkeypatch):
    put(store, make())
    assert not store.divided
    other = make()
    runs.move(other.folder, "a1")
    seen, insert = [], store_module._insert_facts

    def watched(cursor, paths, table):
        seen.append(store.divided)
        insert(cursor, paths, table)

    monkeypatch.setattr(store_module, "_insert_facts", watched)
    put(store, runs.read(other.folder))
    assert all(seen), "known before its rows are there"
