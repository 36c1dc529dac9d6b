"""Questions in SQL: what is answered, and what nobody can do with one."""

from pathlib import Path

import pandas as pd
import pytest

from backend.core import facts, runs
from backend.records import UserError
from backend.settings import Settings
from backend.sharing.query import child, questions
from tests.sharing_runs import FIGURES, made

NONE = pd.DataFrame({"id": []})


def request(sql: str, files: dict[str, list[str]] | None = None, megabytes: int = 256) -> dict:
    asked = {"sql": sql, "files": files or {}, "rows": 100, "bytes": 1_000_000}
    return asked | {"megabytes": megabytes, "seconds": 5}


@pytest.fixture
def fact(storage: Settings) -> Path:
    run = made(storage.storage, "latency", {}, {"figures": list(FIGURES)})
    return facts.path(run.folder, "figures")


WRITING = (
    *("COPY figures TO '{here}'", "COPY (SELECT 1) TO '{other}'", "ATTACH '{other}' AS x"),
    *("INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list", "SET threads = 8"),
    *("RESET enable_external_access", "CREATE TABLE x (a INTEGER)", "DROP VIEW figures"),
    *("INSERT INTO runs SELECT * FROM runs", "DELETE FROM runs", "EXPORT DATABASE '{other}'"),
    *("CALL pragma_version()", "CHECKPOINT", "EXPLAIN SELECT 1", "SELECT 1; SELECT 2", "", ";"),
    *("SELECT 1; COPY figures TO '{other}'", "VACUUM", "USE memory"),
    "WITH x AS (SELECT 1) INSERT INTO runs SELECT * FROM x",
)
READING = (
    *("SELECT * FROM read_text('/etc/passwd')", "FROM '/etc/passwd'", "FROM '{other}'"),
    *("FROM read_csv('/etc/passwd')", "FROM read_blob('/etc/*')", "FROM glob('/etc/*')"),
    *("FROM read_json('{other}')", "FROM read_parquet('{other}')"),
    *("FROM read_parquet('https://example.com/x.parquet')", "FROM read_duckdb('{other}')"),
    "FROM query('COPY (SELECT 1) TO ''{other}''')",
    "SELECT getenv('HOME')",
)


@pytest.mark.parametrize("sql", (*WRITING, *READING))
def test_nothing_but_a_select_over_the_tables_is_done(fact: Path, tmp_path: Path, sql: str) -> None:
    other = tmp_path / "other.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(other)
    before = {path: path.read_bytes() for path in (fact, other)}
    asked = sql.format(here=fact, other=other)
    with pytest.raises((child.Refused, child.duckdb.Error)):
        child.answer(request(asked, {"figures": [str(fact)]}))
    assert {path: path.read_bytes() for path in before} == before
    assert sorted(tmp_path.glob("*.parquet")) == [other]


def test_rows_come_with_the_run_that_made_them(storage: Settings, fact: Path) -> None:
    sql = "SELECT run_id, metric, value FROM figures ORDER BY value -- the end"
    known = pd.DataFrame({"id": [fact.parent.parent.name]})
    found = questions.ask(storage.storage, sql, known)
    assert questions.ask(storage.storage, sql, NONE).rows.empty
    assert list(found.rows["value"]) == [0.1, 0.5] and not found.more
    assert set(found.rows["run_id"]) == {fact.parent.parent.name}


def test_runs_are_a_table_and_a_table_without_files_is_empty(storage: Settings) -> None:
    known = pd.DataFrame({"id": ["a"], "spec": ['{"seed": 3}']})
    sql = "SELECT id, spec ->> '$.seed' AS seed, (SELECT count(*) FROM scores) AS n FROM runs"
    row = questions.ask(storage.storage, sql, known).rows.iloc[0]
    assert (row["id"], row["seed"], row["n"]) == ("a", "3", 0)


def test_an_endless_question_is_ended(storage: Settings) -> None:
    sql = "WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x) SELECT sum(n) FROM x"
    with pytest.raises(UserError, match=r"No answer within 2 s|more time or memory"):
        questions.ask(storage.storage, sql, NONE, seconds=2)


def test_a_question_gets_so_much_memory_and_no_more(storage: Settings) -> None:
    sql = "SELECT list(i) FROM range(1000000000) t(i)"
    with pytest.raises(UserError, match=r"(?i)memory"):
        questions.ask(storage.storage, sql, NONE)


def test_files_are_refused_in_plain_words(storage: Settings) -> None:
    with pytest.raises(UserError, match="Only the tables listed here"):
        questions.ask(storage.storage, "FROM read_text('/etc/passwd')", NONE)


def test_a_wrong_question_says_what_is_wrong(storage: Settings) -> None:
    with pytest.raises(UserError, match="nothing_there"):
        questions.ask(storage.storage, "SELECT nothing_there FROM figures", NONE)


def test_an_unknown_table_is_told_with_a_cure_and_no_guess(storage: Settings) -> None:
    with pytest.raises(UserError, match="nowhere does not exist! Choose one of the tables") as told:
        questions.ask(storage.storage, "SELECT * FROM nowhere", NONE)
    assert "Did you mean" not in str(told.value)


def test_more_rows_than_are_given_are_told(fact: Path) -> None:
    rows, more = child.answer(request("SELECT * FROM range(101)"))
    assert len(rows) == 100 and more
    assert child.answer(request("SELECT * FROM range(100)"))[1] is False


def test_an_answer_has_so_many_bytes_and_no_more() -> None:
    rows, more = child.answer(request("SELECT repeat('x', 100000) AS a FROM range(50)"))
    assert 5 <= len(rows) <= 10 and more and rows.nbytes <= 1_000_000
    rows, more = child.answer(request("SELECT repeat('x', 10000) AS a FROM range(50)"))
    assert len(rows) == 50 and not more
    with pytest.raises(child.Refused, match="A single row is larger"):
        child.answer(request("SELECT repeat('x', 2000000) AS a"))


def test_a_quote_in_a_path_stays_a_quote(storage: Settings) -> None:
    place = storage.storage / "it's" / "runs" / "a" / "facts" / "figures.parquet"
    place.parent.mkdir(parents=True)
    pd.DataFrame({"subject": ["s"], "metric": ["m"], "value": [1.0]}).to_parquet(place)
    rows, _ = child.answer(request("SELECT value FROM figures", {"figures": [str(place)]}))
    assert rows["value"].to_pylist() == [1.0]


def test_the_schema_names_every_table_of_facts_with_types() -> None:
    found = questions.schema()
    assert next(iter(found)) == "runs"
    assert found["figures"]["value"] == "DOUBLE" and "run_id" in found["scores"]
    assert "migrations" not in found


def test_questions_are_kept_and_removed(storage: Settings) -> None:
    questions.save(storage.storage, "mine", "SELECT 1")
    assert questions.every(storage.storage) == {"mine": "SELECT 1"}
    questions.remove(storage.storage, "mine")
    assert questions.every(storage.storage) == {}
    assert runs.json_lines(storage.storage / questions.JOURNAL)[-1]["gone"]
