"""Runs found again: by words in names, notes, tags, kinds and settings."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pandas as pd

from backend.core import registry
from backend.sharing.marks import Mark

TEXT = "lower(concat_ws(' ', id, name, CAST(spec AS VARCHAR), error))"


class Reads(Protocol):
    """The dashboard's database."""

    def read(self, sql: str, values: Sequence[Any] = ()) -> pd.DataFrame: ...


def found(store: Reads, marked: Mapping[str, Mark], words: str, limit: int = 1000) -> pd.DataFrame:
    """Ended runs that have every word somewhere, newest first; columns as of `Store.runs`."""
    conditions: list[str] = []
    values: list[Any] = []
    for word in words.lower().split():
        conditions.append(
            f"(contains({TEXT}, ?) OR list_contains(?, id) OR list_contains(?, kind))"
        )
        values += [word, _marked(marked, word), _kinds(word)]
    where = " AND ".join(conditions) or "true"
    return store.read(
        f"""SELECT id, kind, name, state, created, started, finished, seconds, error, parent,
                   project
            FROM runs WHERE {where} ORDER BY created DESC, id DESC LIMIT ?""",
        [*values, limit],
    )


def _marked(marked: Mapping[str, Mark], word: str) -> list[str]:
    """Runs whose note or tags have the word."""
    wanted = word.removeprefix("#")
    return [
        run_id
        for run_id, mark in marked.items()
        if wanted in mark.note.lower() or any(wanted in tag for tag in mark.tags)
    ]


def _kinds(word: str) -> list[str]:
    """Kinds whose title has the word."""
    return [kind.name for kind in registry.KINDS if word in kind.title.lower()]
