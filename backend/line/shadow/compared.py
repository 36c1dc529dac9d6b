"""What a line and its shadow said of the same parts."""

from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from backend.numeric.statistics import clopper_pearson


class Reads(Protocol):
    """The dashboard's database."""

    def read(self, sql: str, values: Any = ()) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Agreement:
    """Parts that both judged, on how many they agree, and the exact interval of that share."""

    parts: int
    same: int
    low: float
    high: float


def candidates(store: Reads, line: str) -> pd.DataFrame:
    """Every candidate that ran beside a line, the newest first: config, package, thresholds,
    parts, first and last (UTC, seconds)."""
    return store.read(
        """SELECT config, any_value(package) AS package, any_value(thresholds) AS thresholds,
                  count(*) AS parts, min(captured) AS first, max(captured) AS last
           FROM shadows WHERE maker = ? GROUP BY config ORDER BY max(judged) DESC""",
        [line],
    )


def table(store: Reads, line: str, config: str) -> pd.DataFrame:
    """Parts by what the line said (active) and what the candidate said (verdict): n."""
    return store.read(
        """SELECT active, verdict, count(*) AS n FROM shadows WHERE maker = ? AND config = ?
           GROUP BY ALL ORDER BY ALL""",
        [line, config],
    )


def agreement(counts: pd.DataFrame) -> Agreement:
    """counts: of `table`."""
    parts = int(counts["n"].sum())
    same = int(counts.loc[counts["active"] == counts["verdict"], "n"].sum())
    return Agreement(parts, same, *clopper_pearson(same, parts))


def parts(store: Reads, line: str, config: str, most: int) -> pd.DataFrame:
    """Parts with both verdicts, those that differ first, BAD in one and passed in the other before
    all; then the newest."""
    return store.read(
        f"""SELECT * EXCLUDE (maker), active <> verdict AS differ,
                   (active = 'GOOD' AND verdict = 'BAD') OR (active = 'BAD' AND verdict = 'GOOD')
                   AS far
            FROM shadows WHERE maker = ? AND config = ?
            ORDER BY differ DESC, far DESC, epoch DESC, sequence DESC LIMIT {int(most)}""",
        [line, config],
    )
