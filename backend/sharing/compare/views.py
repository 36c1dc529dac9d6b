"""Tables of runs: which columns of settings and results, how sorted; kept under a name.

`views.jsonl` in the storage folder, only ever appended to: the last line of a name counts.
"""

import dataclasses
import types
import typing
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from backend import glossary
from backend.core import registry, specs
from backend.records import UserError
from backend.sharing import named

JOURNAL = "views.jsonl"
MOST = 2000  # rows of a table
OWN = {"name": "name", "created": "made (UTC)", "state": "state", "seconds": "seconds"}
SPEC, RESULT = "setting: ", "result: "
PLAIN = (int, float, str, bool)


class Reads(Protocol):
    """The dashboard's database."""

    def read(self, sql: str, values: Sequence[Any] = ()) -> pd.DataFrame: ...


@dataclass(frozen=True)
class View:
    """columns: of `columns`, in their order. words: what the name of a run contains. order: the
    column it is sorted by, falling or rising."""

    name: str
    kind: str
    columns: tuple[str, ...]
    words: str = ""
    order: str = "created"
    falling: bool = True


def refuse_deletion(storage: Path, run_id: str) -> None:
    """A view holds no run."""


def columns(kind: str) -> dict[str, str]:
    """Every column that a table of this kind of run may have → what it is called."""
    found = registry.get(kind)
    asked = {f"spec.{p.name}": SPEC + p.label.lower() for p in specs.params(found.spec_type)}
    given = {f"result.{name}": RESULT + glossary.called(name) for name in _plain(found.result_type)}
    return OWN | asked | given


def _plain(result_type: type[Any]) -> list[str]:
    """Fields of a result that hold one number or text."""
    hints = typing.get_type_hints(result_type)
    names = [field.name for field in dataclasses.fields(result_type)]
    return [name for name in names if _one(hints[name])]


def _one(hint: Any) -> bool:
    inner = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return all(each in (*PLAIN, types.NoneType) for each in inner)


def first_columns(kind: str) -> tuple[str, ...]:
    """Those to begin with: name, when, and the first figures of the result."""
    results = [name for name in columns(kind) if name.startswith("result.")]
    return ("name", "created", *results[:5])


def rows(store: Reads, view: View) -> pd.DataFrame:
    """The newest completed runs that fit: id and the view's columns, as they are called.

    Raises UserError for a column that this kind does not have.
    """
    known = columns(view.kind)
    unknown = [name for name in (*view.columns, view.order) if name not in known]
    if unknown:
        raise UserError(f"These runs have no '{unknown[0]}'. Choose other columns.")
    chosen = [name for name in view.columns if name not in OWN]
    paths = [f"$.{name.partition('.')[2]}" for name in chosen]
    picked = "".join(f", {name.partition('.')[0]} ->> ? AS c{k}" for k, name in enumerate(chosen))
    frame = store.read(
        f"""SELECT id, name, created, state, seconds{picked} FROM runs
            WHERE kind = ? AND state = 'completed' AND contains(lower(name), lower(?))
            ORDER BY created DESC, id DESC LIMIT {MOST}""",
        [*paths, view.kind, view.words.strip()],
    )
    table = frame.rename(columns={f"c{k}": name for k, name in enumerate(chosen)})
    for name in chosen:
        table[name] = _numbers(table[name])
    if view.order in table:
        table = table.sort_values(view.order, ascending=not view.falling, kind="stable")
    shown = table[["id", *view.columns]].rename(columns=known)
    return shown.reset_index(drop=True)


def _numbers(column: pd.Series) -> pd.Series:
    """As numbers where all of them are."""
    found = pd.to_numeric(column, errors="coerce")
    return found if found.notna().sum() == column.notna().sum() else column


def every(storage: Path) -> dict[str, View]:
    """Name → view, those that were not taken away."""
    found: dict[str, View] = {}
    for name, line in named.every(storage / JOURNAL).items():
        with suppress(KeyError, TypeError):
            found[name] = View(**line | {"columns": tuple(line["columns"])})
    return found


def save(storage: Path, view: View) -> None:
    """Keep a view under its name, in place of another. Raises UserError for a name that is none."""
    named.save(storage / JOURNAL, view.name, asdict(view))


def remove(storage: Path, name: str) -> None:
    """Take a view away. Raises UserError where there is none."""
    named.remove(storage / JOURNAL, name)
