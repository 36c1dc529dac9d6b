"""Tables for spreadsheets: nothing in them runs, numbers stay numbers."""

import ast
import io

import numpy as np
import pandas as pd
import pytest

from backend.core import spreadsheet
from backend.settings import PROJECT

READ_BACK = {  # files that this program reads itself, with names as they are
    "backend/inspection/threshold/job.py",
    "backend/line/promise/recalibration.py",
    "backend/line/review/labels.py",
    "backend/core/spreadsheet.py",
}


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx", "\n=1", "＝1+1", "=1", "-1 -2"),
        *("=HYPERLINK(1)", "+44 20", "-", "=", "--", "@ada, look"),
    ],
)
def test_a_text_that_could_run_is_quoted_and_keeps_its_words(text):
    kept = spreadsheet.harmless(text)
    assert kept == (f"'{text}" if len(text) > 1 else text)


@pytest.mark.parametrize("text", ["", "a", "a=b", "-0.5", "+1e3", "0", "−1", "–", "[-1, 2]", " =1"])
def test_other_texts_and_numbers_stay(text):
    assert spreadsheet.harmless(text) == text


def test_a_table_is_written_as_pandas_writes_it_but_for_formulas():
    frame = pd.DataFrame(
        {
            "=name": ["=1+1", 'a,"b"', None],
            "value": [-0.5, np.nan, 1e-9],
            "n": [1, -2, 3],
            "when": pd.to_datetime(["2026-01-02", None, "2026-03-04"]),
            "mixed": [-1, "-x", 2.5],
            "kind": pd.Categorical(["@a", "b", "@a"]),
        }
    )
    found = pd.read_csv(io.BytesIO(spreadsheet.written(frame)))
    assert list(found) == ["'=name", "value", "n", "when", "mixed", "kind"]
    assert found["'=name"].tolist()[:2] == ["'=1+1", 'a,"b"'] and found["'=name"].isna()[2]
    assert found["value"].tolist()[::2] == [-0.5, 1e-9] and found["n"].tolist() == [1, -2, 3]
    assert found["mixed"].tolist() == ["-1", "'-x", "2.5"]
    assert found["kind"].tolist() == ["'@a", "b", "'@a"]
    assert frame["=name"][0] == "=1+1", "the table itself stays"
    numbers = frame[["value", "n", "when"]]
    assert spreadsheet.written(numbers) == numbers.to_csv(index=False).encode()


def test_tables_without_rows_and_with_one_name_twice_are_written():
    assert spreadsheet.written(pd.DataFrame({"a": [], "b": []})) == b"a,b\n"
    twice = pd.DataFrame([["=1", 2]], columns=["a", "a"])
    assert spreadsheet.written(twice) == b"a,a\n'=1,2\n"


def test_every_table_that_people_take_away_goes_through_here():
    found = set()
    for folder in ("backend", "pages"):
        for file in (PROJECT / folder).rglob("*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            calls = (n.func for n in ast.walk(tree) if isinstance(n, ast.Call))
            if any(isinstance(f, ast.Attribute) and f.attr == "to_csv" for f in calls):
                found.add(str(file.relative_to(PROJECT)))
    assert found == READ_BACK
