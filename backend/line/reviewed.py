"""What people said of a line's parts, as far as the database knows of it."""

from typing import Any, Protocol

import pandas as pd

DECIDED = """
    WITH standing AS (
        SELECT * FROM reviews r WHERE maker = $1 AND took_back = 0 AND NOT EXISTS (
            SELECT 1 FROM reviews t WHERE t.maker = r.maker AND t.took_back = r.number)),
    votes AS (
        SELECT epoch, sequence, who, arg_max(decision, number) AS decision
        FROM standing GROUP BY epoch, sequence, who),
    truth AS (
        SELECT epoch, sequence, count(*) FILTER (decision = 'bad') AS bad,
               count(*) FILTER (decision = 'good') AS good
        FROM votes GROUP BY epoch, sequence)
    SELECT epoch, sequence, t.bad > t.good AS bad, coalesce(v.blind, 0) AS drawn
    FROM truth t JOIN verdicts v USING (epoch, sequence) WHERE v.maker = $1 AND t.bad <> t.good
    ORDER BY epoch, sequence"""


class Reads(Protocol):
    """The dashboard's database."""

    def read(self, sql: str, values: Any = ()) -> pd.DataFrame: ...


def decisions(store: Reads, line: str) -> pd.DataFrame:
    """Parts that people call GOOD or BAD, by their majority: epoch, sequence, bad, and drawn, the
    share with which they were drawn whatever their verdict, 0 where they were not."""
    return store.read(DECIDED, [line])
