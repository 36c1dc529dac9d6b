"""A database that any earlier version of the tables left behind opens, with its runs."""

import duckdb
import pytest

from backend.core.migrations import STEPS
from backend.core.store import Store

RUN = """INSERT INTO runs (id, kind, name, state, created, spec, signature)
         VALUES ('20261101T000000-generate-a', 'generate', 'old', 'completed',
                 TIMESTAMP '2026-11-01', '{}', '-')"""


@pytest.mark.parametrize("steps", range(1, len(STEPS) + 1))
def test_a_database_of_fewer_steps_opens_with_its_runs(tmp_path, steps):
    path = tmp_path / "results.duckdb"
    with duckdb.connect(str(path)) as old:
        old.execute("CREATE TABLE migrations (step INTEGER, applied TIMESTAMP)")
        for number, step in enumerate(STEPS[:steps], start=1):
            old.execute(step)
            old.execute("INSERT INTO migrations VALUES (?, now())", [number])
        old.execute(RUN)
        old.execute(
            "INSERT INTO figures (run_id, subject, metric, value) VALUES ('a', 's', 'm', 1)"
        )
    database = Store(path)
    assert list(database.runs()["name"]) == ["old"]
    assert len(database.read("SELECT * FROM migrations")) == len(STEPS)
    assert len(database.read("SELECT value FROM figures")) == 1
    database.close()
