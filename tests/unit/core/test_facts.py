"""A run's facts: Parquet files that fit the database's tables."""

import pandas as pd
import pytest

from backend.core import facts
from backend.core.migrations import FACTS
from backend.records import UserError

ROW = {"subject": "all", "metric": "auroc", "value": 0.9, "low": 0.8, "high": 0.95, "n": 40}


def test_rows_come_back_in_order(tmp_path):
    rows = [ROW | {"n": n} for n in (3, 1, 2)]
    facts.write(tmp_path, "figures", rows)
    assert facts.read(tmp_path, "figures").to_dict("records") == rows
    facts.write(tmp_path, "figures", pd.DataFrame(rows[:1]))
    assert len(facts.read(tmp_path, "figures")) == 1, "in place of the earlier ones"


def test_no_rows_are_a_file_with_the_tables_columns(tmp_path):
    facts.write(tmp_path, "boxes", [{"image": "0", "class_name": "crack"}])
    facts.write(tmp_path, "boxes", [])
    frame = facts.read(tmp_path, "boxes")
    assert len(frame) == 0
    assert tuple(frame.columns) == facts.columns("boxes")
    assert facts.columns("boxes")[:2] == ("image", "class_name")
    assert "run_id" not in frame


def test_a_column_the_table_lacks_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="'figures' has no column 'metrik'"):
        facts.write(tmp_path, "figures", [{"metrik": "x"}])
    assert not facts.path(tmp_path, "figures").exists()


@pytest.mark.parametrize("table", ["runs", "../figures", "", "FIGURES"])
def test_only_tables_of_facts_have_a_path(tmp_path, table):
    with pytest.raises(KeyError):
        facts.path(tmp_path, table)
    with pytest.raises(KeyError):
        facts.write(tmp_path, table, [ROW])


@pytest.mark.parametrize("content", [None, b"", b"PAR1 cut short"])
def test_a_missing_or_damaged_file_is_named(tmp_path, content):
    path = facts.path(tmp_path, "scores")
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"Cannot read .*scores\.parquet"):
        facts.read(tmp_path, "scores")


@pytest.mark.parametrize("table", FACTS)
def test_every_table_has_columns(table):
    assert len(facts.columns(table)) >= 3
