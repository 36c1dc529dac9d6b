"""Settings that differ between runs of a kind, and their figures with intervals."""

from collections.abc import Sequence

import pandas as pd

from backend import glossary
from backend.core import registry, specs
from backend.core.runs import Run
from backend.records import UserError
from backend.sharing.report import general

MOST = 8  # runs beside each other


def check(runs: Sequence[Run]) -> None:
    """Raises UserError where these cannot stand beside each other."""
    kinds = sorted({run.kind for run in runs})
    if len(runs) < 2:
        raise UserError("Choose two runs or more to compare.")
    if len(kinds) > 1:
        raise UserError(f"Only runs of one kind can be compared; these are {', '.join(kinds)}.")
    if len(runs) > MOST:
        raise UserError(f"At most {MOST} runs can stand beside each other; these are {len(runs)}.")


def names(runs: Sequence[Run]) -> list[str]:
    """What each run is called here: its name, and where two share one its id too."""
    called = [run.name or run.id for run in runs]
    return [
        f"{name} ({run.id})" if called.count(name) > 1 else name
        for name, run in zip(called, runs, strict=True)
    ]


def settings(runs: Sequence[Run]) -> pd.DataFrame:
    """The settings in which these runs differ: setting, and a column a run."""
    spec_type = registry.get(runs[0].kind).spec_type
    counting = [specs.counting(spec_type, run.spec) for run in runs]
    every = dict.fromkeys(name for one in counting for name in one)
    differ = [n for n in every if any(one.get(n) != counting[0].get(n) for one in counting)]
    rows = [[glossary.called(n), *(glossary.value(one.get(n)) for one in counting)] for n in differ]
    return pd.DataFrame(rows, columns=["setting", *names(runs)])


def figures(runs: Sequence[Run]) -> pd.DataFrame:
    """Every figure with its interval: of, figure, and a column a run; a dash where one lacks it."""
    columns = {}
    for name, run in zip(names(runs), runs, strict=True):
        found = general.rows(run, "figures")
        keys = zip(found["subject"], found["metric"], strict=True)
        triples = found[["value", "low", "high"]].itertuples(index=False, name=None)
        columns[name] = {
            key: general.figure(*triple) for key, triple in zip(keys, triples, strict=True)
        }
    every = dict.fromkeys(key for found in columns.values() for key in found)
    rows = [
        [
            *(glossary.said(str(word)) for word in key),
            *(found.get(key, "–") for found in columns.values()),
        ]
        for key in every
    ]
    return pd.DataFrame(rows, columns=["of", "figure", *columns])
