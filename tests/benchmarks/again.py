"""The last weeks of a line again, from a million stored scores."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from backend.core.store import Store
from backend.line import again as weeks
from backend.line.again import Asked, Costs, Period

SCORES = 1_000_000
LIMITS = {"dot": (2.0, 1.5), "edge": (1.9, 1.4), "bar": (None, 1.0)}


def again(folder: Path) -> None:
    """The last weeks again over a million stored scores (aim: 2 s), beside counting the rows."""
    with closing(Store(folder / "again.duckdb")) as store:
        with store._transaction() as cursor:
            cursor.execute(
                f"""INSERT INTO verdicts BY NAME
                    SELECT 'press' AS maker, 1 AS epoch, i AS sequence, i * 3.6 AS captured,
                           ['dot', 'edge', 'bar'][1 + i % 3] AS feature, 'aaa' AS package,
                           random() * 2.2 AS score,
                           ['GOOD', 'GOOD', 'REVIEW', 'BAD'][1 + i % 4] AS verdict
                    FROM range({SCORES}) t(i)"""
            )
        asked = Asked(Period("press", 0.0, 1e12), "aaa", LIMITS)
        plain = _median(lambda: store.read("SELECT count(*) FROM verdicts WHERE score > 1"))
        taken = _median(lambda: _whole(store, asked))
        print(f"  {'counting the rows above a score':<44}{plain:9.3f} s")
        print(f"  {'six weeks again, table, costs and all':<44}{taken:9.3f} s")


def _whole(store: Store, asked: Asked) -> None:
    """All that the page shows."""
    found = weeks.counts(store, asked)
    assert found["n"].sum() == SCORES
    for when in ("was", "now"):
        for verdict in ("BAD", "REVIEW", "GOOD"):
            weeks.a_shift(weeks.total(found, when, verdict), found)
        weeks.cost(found, [], when, Costs(5.0, 1.0, 100.0))
    weeks.by_shift(found)
    weeks.by_type(found)


def _median(work: Callable[[], object]) -> float:
    """Seconds of a call."""
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))
