"""The DuckDB index over the run folders: one owner process, one writer, reads as data frames.

DuckDB lets a single process hold the file, so the dashboard owns it; everything in it can be
rebuilt from the run folders with `rebuild`.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from backend.core import facts, registry, runs
from backend.core.estimates import Measured
from backend.core.migrations import FACTS, STEPS
from backend.core.registry import Feed
from backend.core.runs import Run
from backend.records import UserError

TABLES = ("runs", "curves", *FACTS)
Ended = tuple[Run, str]  # a run that ended, and the signature of its folder
TAKEN_IN = 50  # runs in one transaction
KEPT_ANSWERS = 512  # of short questions of pages
MISSING = "-"  # in a signature


class Store:
    """The database of one storage folder. Raises UserError where another process holds it."""

    def __init__(self, path: Path | str):
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = duckdb.connect(str(path))
        except duckdb.Error as error:
            raise UserError(_cannot_open(Path(path), error)) from error
        self._writing = threading.Lock()
        self._answers = lru_cache(maxsize=KEPT_ANSWERS)(self._answer)
        self._changes = 0
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._connection.close()

    @cached_property
    def divided(self) -> bool:
        """Did a run in it ever belong to another project than the default one?"""
        return bool(len(self.read("SELECT 1 FROM runs WHERE project <> '' LIMIT 1")))

    def _migrate(self) -> None:
        with self._transaction() as cursor:
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS migrations (step INTEGER, applied TIMESTAMP)"
            )
            row = cursor.execute("SELECT coalesce(max(step), 0) FROM migrations").fetchall()[0]
        if row[0] > len(STEPS):
            raise UserError(
                "The database was written by a newer version of this program. Install that, or "
                "move results.duckdb away and run 'python -m backend reindex'."
            )
        for number, step in enumerate(STEPS[row[0] :], start=row[0] + 1):
            with self._transaction() as cursor:
                cursor.execute(step)
                cursor.execute("INSERT INTO migrations VALUES (?, ?)", [number, _naive(runs.now())])

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._writing:
            cursor = self._connection.cursor()
            cursor.execute("BEGIN")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                with suppress(duckdb.Error):  # a failed COMMIT has rolled back already
                    cursor.execute("ROLLBACK")
                raise
            finally:
                cursor.close()

    def read(self, sql: str, values: Sequence[Any] = ()) -> pd.DataFrame:
        """Any query as a data frame, safe to call from any thread."""
        return self._read(sql, values, None)

    def of_runs(self, sql: str, values: Sequence[Any] = ()) -> pd.DataFrame:
        """As `read`, of the tables of runs and their facts alone: asked anew once a run came, went
        or moved. For answers that are short."""
        return self._of_runs(sql, values, None)

    def _of_runs(
        self, sql: str, values: Sequence[Any], projects: tuple[str, ...] | None
    ) -> pd.DataFrame:
        return self._answers(sql, tuple(values), projects, self._changes).copy(deep=False)

    def _answer(
        self, sql: str, values: tuple[Any, ...], projects: tuple[str, ...] | None, changes: int
    ) -> pd.DataFrame:
        return self._read(sql, values, projects)

    def _read(
        self, sql: str, values: Sequence[Any], projects: tuple[str, ...] | None
    ) -> pd.DataFrame:
        """projects: whose runs alone the query sees, None for all."""
        cursor = self._connection.cursor()
        try:
            if projects is not None:
                _narrow(cursor, projects)
            return cursor.execute(sql, list(values)).df()
        finally:
            cursor.close()

    # Writing: one run, one transaction.

    def ingest(self, run: Run, signature: str) -> None:
        """Put an ended run and its facts in place of what was known of it.

        Raises UserError naming the file where a fact file is damaged; then nothing changed.
        """
        self._ingest([(run, signature)])

    def ingest_all(self, ended: Sequence[Ended]) -> dict[str, Exception]:
        """As `ingest`, in one transaction, which is some times as fast; each in its own where that
        fails. Run id → why it was not taken in."""
        if len(ended) > 1:
            with suppress(Exception):
                self._ingest(ended)
                return {}
        failed: dict[str, Exception] = {}
        for run, mark in ended:
            try:
                self.ingest(run, mark)
            except Exception as error:
                failed[run.id] = error
        return failed

    def _ingest(self, ended: Sequence[Ended]) -> None:
        rows = [_row(run, mark) for run, mark in ended]
        curves = pd.concat([_curves(run) for run, _ in ended])
        ids = [run.id for run, _ in ended]
        if any(run.project for run, _ in ended):
            self.divided = True  # before its rows are there for who sees no other project
        with self._changed(), self._transaction() as cursor:
            known = "SELECT id FROM runs WHERE list_contains(?, id)"
            for (run_id,) in cursor.execute(known, [ids]).fetchall():
                _delete(cursor, run_id)
            marks = ", ".join("?" * len(rows[0]))
            cursor.executemany(f"INSERT INTO runs VALUES ({marks})", rows)
            if len(curves):
                cursor.register("new_curves", curves)
                cursor.execute("INSERT INTO curves SELECT * FROM new_curves")
                cursor.unregister("new_curves")
            completed = [run.folder for run, _ in ended if run.state == "completed"]
            for table in FACTS:
                _insert_facts(cursor, [facts.path(folder, table) for folder in completed], table)

    def forget(self, run_id: str) -> None:
        with self._changed(), self._transaction() as cursor:
            _delete(cursor, run_id)

    @contextmanager
    def _changed(self) -> Iterator[None]:
        """What was answered before counts no more once it is done."""
        yield
        self._changes += 1
        self._answers.cache_clear()  # of no use any more, and as large as a list of runs

    def feed(self, feed: Feed, storage: Path) -> None:
        """Take in a section's new files, each once. A damaged one holds up those of its maker that
        come after it, and raises a UserError naming it once all others are taken in."""
        frame = self.read('SELECT maker, upto FROM fed WHERE "table" = ?', [feed.TABLE])
        known = {
            str(maker): int(upto) for maker, upto in zip(frame["maker"], frame["upto"], strict=True)
        }
        damaged: dict[str, UserError] = {}
        for maker, upto, path in feed.fresh(storage, known):
            if maker in damaged:
                continue
            try:
                with self._transaction() as cursor:
                    _feed(cursor, feed.TABLE, maker, known.get(maker, 0), path)
                    cursor.execute(
                        "INSERT OR REPLACE INTO fed VALUES (?, ?, ?)", [feed.TABLE, maker, upto]
                    )
            except UserError as error:
                damaged[maker] = error
        if damaged:
            raise UserError(" ".join(map(str, damaged.values())))

    # Named reads.

    def signatures(self) -> dict[str, str]:
        """Run id → the signature of the folder state that was ingested."""
        frame = self.read("SELECT id, signature FROM runs")
        return dict(zip(frame["id"], frame["signature"], strict=True))

    def runs(self, kind: str = "", state: str = "", limit: int = 1000) -> pd.DataFrame:
        """Ended runs, newest first."""
        return self.of_runs(
            """SELECT id, kind, name, state, created, started, finished, seconds, error, parent,
                      project
               FROM runs WHERE (? = '' OR kind = ?) AND (? = '' OR state = ?)
               ORDER BY created DESC, id DESC LIMIT ?""",
            [kind, kind, state, state, limit],
        )

    def measured(self, kind: str, limit: int = 100) -> list[Measured]:
        """What the newest completed runs of a kind took, and with which settings."""
        frame = self.of_runs(
            """SELECT spec, seconds FROM runs WHERE kind = ? AND state = 'completed'
               AND seconds IS NOT NULL ORDER BY created DESC, id DESC LIMIT ?""",
            [kind, limit],
        )
        return [
            Measured(json.loads(spec), float(seconds))
            for spec, seconds in zip(frame["spec"], frame["seconds"], strict=True)
        ]

    def counts(self) -> dict[str, int]:
        """State → number of ended runs."""
        frame = self.of_runs("SELECT state, count(*) AS n FROM runs GROUP BY state")
        return {state: int(n) for state, n in zip(frame["state"], frame["n"], strict=True)}

    def facts(self, table: str, run_id: str) -> pd.DataFrame:
        """All rows of one table of facts for one run, in the order they were written."""
        sql = f"SELECT * FROM {_known(table)} WHERE run_id = ? ORDER BY rowid"
        return self.read(sql, [run_id])

    def count(self, table: str, run_id: str) -> int:
        """Number of rows of one table of facts for one run."""
        frame = self.read(f"SELECT count(*) AS n FROM {_known(table)} WHERE run_id = ?", [run_id])
        return int(frame["n"][0])

    def latest_figures(
        self,
        kind: str,
        subject: str,
        metric: str,
        alike: str,
        limit: int = 20,
        only: Mapping[str, str] | None = None,
    ) -> pd.DataFrame:
        """One figure over the newest completed runs of a kind that can be compared, oldest first.

        alike: JSON path of the spec or result that must be as in the newest run, "" for any.
        only: JSON path of the spec or result → value that a run must have there to count.
        Columns id, created, value, low, high, n, alike.
        """
        wanted = only or {}
        more = " AND coalesce(r.result ->> ?, r.spec ->> ?, '') = ?" * len(wanted)
        pairs = [word for path, value in wanted.items() for word in (path, path, value)]
        return self.of_runs(
            f"""WITH found AS (
                 SELECT r.id, r.created, f.value, f.low, f.high, f.n,
                        coalesce(r.result ->> ?, r.spec ->> ?, '') AS alike
                 FROM figures f JOIN runs r ON r.id = f.run_id
                 WHERE r.kind = ? AND f.subject = ? AND f.metric = ?{more}
                 ORDER BY r.created DESC, r.id DESC LIMIT ?)
               SELECT * FROM found WHERE alike = (SELECT alike FROM found LIMIT 1)
               ORDER BY created, id""",
            [alike, alike, kind, subject, metric, *pairs, limit],
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table in a fixed row order, for comparison and checks."""
        return {table: self.read(f"SELECT * FROM {table} ORDER BY ALL") for table in TABLES}


class OfProject(Store):
    """The same database for who looks at one project, or several: its table `runs` has the runs of
    these alone, whatever is read."""

    def __init__(self, whole: Store, *projects: str):
        self._whole, self._projects = whole, projects
        self._connection, self._writing = whole._connection, whole._writing

    def read(self, sql: str, values: Sequence[Any] = ()) -> pd.DataFrame:
        return self._whole._read(sql, values, self._seen)

    def of_runs(self, sql: str, values: Sequence[Any] = ()) -> pd.DataFrame:
        return self._whole._of_runs(sql, values, self._seen)

    @property
    def _seen(self) -> tuple[str, ...] | None:
        """The projects whose runs alone are seen; None where there is no other."""
        return self._projects if self._whole.divided or self._projects != ("",) else None

    def measured(self, kind: str, limit: int = 100) -> list[Measured]:
        """Of all projects: a computer is as fast in each."""
        return self._whole.measured(kind, limit)


def signature(folder: Path) -> str:
    """Changes whenever a run starts again, ends or goes to another project."""
    parts = []
    for name in ("process.json", "result.json"):
        state = runs.state_of(folder / name)
        parts.append(str(state[0]) if state else MISSING)
    if project := runs.state_of(folder / runs.PROJECT):
        parts.append(str(project[0]))
    return "/".join(parts)


def has_result(signature: str) -> bool:
    """Has the run of that signature ended, and said how?"""
    return signature.split("/")[1] != MISSING


def _narrow(cursor: duckdb.DuckDBPyConnection, projects: tuple[str, ...]) -> None:
    """Let a view stand before the table of runs, for this cursor alone."""
    whole = cursor.execute("SELECT current_database()").fetchall()[0][0]
    cursor.execute("SET VARIABLE projects = ?", [list(projects)])
    cursor.execute(
        f"""CREATE TEMP VIEW runs AS SELECT * FROM "{whole}".main.runs
            WHERE list_contains(getvariable('projects'), project)"""
    )


def rebuild(path: Path, runs_folder: Path) -> list[str]:
    """Write a fresh database at `path` from the run folders, replacing the old one at the end.

    Returns one sentence per run folder or file that could not be read. Raises UserError where
    another process holds the old database.
    """
    held = Store(path) if path.exists() else None  # until the end, so that no one opens it
    fresh = path.with_suffix(".rebuilding")
    fresh.unlink(missing_ok=True)
    with closing(Store(fresh)) as store:
        problems = _take_in(store, runs_folder)
        for feed in registry.feeds():
            try:
                store.feed(feed, runs_folder.parent)
            except UserError as error:
                problems.append(str(error))
    if held:
        held.close()
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
    fresh.replace(path)
    return problems


def _take_in(store: Store, runs_folder: Path) -> list[str]:
    problems = []
    folders = runs.folders(runs_folder)
    for first in range(0, len(folders), TAKEN_IN):
        ended = []
        for folder in folders[first : first + TAKEN_IN]:
            try:
                mark, run = signature(folder), runs.read(folder)
            except UserError as error:
                problems.append(str(error))
            else:
                ended += [(run, mark)] if run.state.ended else []
        for failed in store.ingest_all(ended).values():
            if not isinstance(failed, UserError):
                raise failed
            problems.append(str(failed))
    return problems


def differences(store: Store, runs_folder: Path) -> list[str]:
    """What the run folders and the database say differently, one sentence each; [] is good."""
    frame = store.read("SELECT id, state, started, project FROM runs")
    known, found = {row[0]: row[1:] for row in frame.itertuples(index=False, name=None)}, []
    folders = {path.name: path for path in runs.folders(runs_folder)}
    for run_id in sorted(set(known) - set(folders)):
        found.append(f"{run_id}: in the database, but its folder is gone. Run a reindex.")
    for run_id, folder in folders.items():
        found += _folder_differences(store, folder, known.get(run_id))
    return found


def _folder_differences(store: Store, folder: Path, known: tuple[Any, ...] | None) -> list[str]:
    try:
        run = runs.read(folder)
        if not run.state.ended:
            return []
        if known is None or not _is_same(run, *known):
            return [f"{folder.name}: not in the database as it is on disk. Run a reindex."]
        return [] if run.state != "completed" else _row_count_differences(store, folder)
    except UserError as error:
        return [str(error)]


def _is_same(run: Run, state: str, started: Any, project: str) -> bool:
    moment = None if pd.isna(started) else started
    return (run.state, run.project) == (state, project) and _naive(run.started) == moment


def _row_count_differences(store: Store, folder: Path) -> list[str]:
    found = []
    for table in FACTS:
        stored = store.count(table, folder.name)
        written = facts.count(folder, table)
        if stored != written:
            found.append(
                f"{folder.name}: {written} rows of '{table}' on disk, {stored} in the database. "
                "Run a reindex."
            )
    return found


def _known(table: str) -> str:
    """The table's name, safe to put into SQL. Raises KeyError for any other."""
    if table not in TABLES:
        raise KeyError(table)
    return table


def _cannot_open(path: Path, error: Exception) -> str:
    if "lock" in str(error).lower():
        return (
            f"{path} is in use by another process, most likely the dashboard. "
            "Use the dashboard, or stop it first."
        )
    return f"Cannot open {path}: {error}. Move the file away and run 'python -m backend reindex'."


def _row(run: Run, signature: str) -> list[Any]:
    provenance = run.folder / "provenance.json"
    return [
        run.id,
        run.kind,
        run.name,
        run.state.value,
        _naive(run.created),
        _naive(run.started),
        _naive(run.finished),
        run.seconds,
        json.dumps(run.spec),
        json.dumps(run.result) if run.result is not None else None,
        json.dumps(runs.read_json(provenance)) if provenance.exists() else None,
        run.error,
        run.parent,
        signature,
        run.project,
    ]


def _naive(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def _delete(cursor: duckdb.DuckDBPyConnection, run_id: str) -> None:
    cursor.execute("DELETE FROM runs WHERE id = ?", [run_id])
    for table in TABLES[1:]:
        cursor.execute(f"DELETE FROM {table} WHERE run_id = ?", [run_id])


def _curves(run: Run) -> pd.DataFrame:
    """Every metric's value at every step; a resumed run's newer value counts."""
    try:
        points = runs.curve_points(runs.events(run.folder))
    except (AttributeError, TypeError, ValueError) as error:
        path = run.folder / "events.jsonl"
        raise UserError(f"{path} is damaged ({error}). Restore it or delete the run.") from error
    rows = [(run.id, *point) for point in points]
    return pd.DataFrame(rows, columns=["run_id", "step", "metric", "value"])


def _feed(
    cursor: duckdb.DuckDBPyConnection, table: str, maker: str, behind: int, path: Path
) -> None:
    """The file's rows beyond `behind`; one whose key is there already is passed over."""
    try:
        cursor.execute(
            f"INSERT OR IGNORE INTO {table} BY NAME SELECT ? AS maker, * EXCLUDE (id) "
            "FROM read_parquet(?) WHERE id > ?",
            [maker, str(path), behind],
        )
    except duckdb.Error as error:
        raise UserError(
            f"Cannot read {path}: {str(error).splitlines()[0]}. Restore it from a backup, or take "
            "it out of its folder to go on without it."
        ) from error


def _insert_facts(cursor: duckdb.DuckDBPyConnection, paths: Sequence[Path], table: str) -> None:
    """The rows of a table in these files of runs, those that are there, in their order."""
    there = [str(path) for path in paths if path.exists()]
    if not there:
        return
    try:
        cursor.execute(
            f"INSERT INTO {table} BY NAME SELECT parse_path(filename)[-3] AS run_id, "
            "* EXCLUDE (filename) FROM read_parquet(?, filename = true, union_by_name = true)",
            [there],
        )
    except duckdb.Error as error:
        raise UserError(
            f"Cannot read {there[0]}: {str(error).splitlines()[0]}. Re-run, or restore a backup."
        ) from error
