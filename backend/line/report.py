"""What a line did since it was first started, from its own files alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from backend.line import outbox, segments
from backend.line.part import Verdict
from backend.records import UserError


@dataclass(frozen=True)
class Report:
    """Counts of parts. duplicates: verdicts beyond one a part. gaps: sequence numbers of an epoch
    that nobody has a verdict for. p50_ms, p99_ms: from the source to the verdict, None without.
    damaged: segments that cannot be read, of which nothing is counted."""

    accepted: int
    good: int
    review: int
    bad: int
    uninspected: int
    duplicates: int
    gaps: int
    p50_ms: float | None
    p99_ms: float | None
    damaged: tuple[str, ...] = ()


def home(storage: Path, name: str) -> Path:
    """The folder of a line's files."""
    return storage / segments.LINES / name


def of(folder: Path) -> Report:
    """The report of a line's folder. Raises UserError where there is none."""
    if not folder.is_dir():
        raise UserError(f"There is no line '{folder.name}'. Start one of that name first.")
    damaged = segments.damaged(folder)
    with duckdb.connect(":memory:") as database:
        database.register("live", _live(folder))
        database.execute(f"CREATE VIEW parts AS {_all(folder, damaged)}")
        counts = dict(
            database.execute(
                "SELECT verdict, count(*) FROM (SELECT DISTINCT ON (epoch, sequence) verdict "
                "FROM parts) GROUP BY verdict"
            ).fetchall()
        )
        total, different = database.execute(
            "SELECT count(*), count(DISTINCT (epoch, sequence)) FROM parts"
        ).fetchall()[0]
        p50, p99 = database.execute(
            "SELECT quantile_cont(ms, 0.5), quantile_cont(ms, 0.99) FROM parts "
            "WHERE score IS NOT NULL"
        ).fetchall()[0]
        gaps = database.execute(
            "SELECT coalesce(sum(last - n), 0) FROM (SELECT max(sequence) AS last, "
            "count(DISTINCT sequence) AS n FROM parts WHERE verdict IS NOT NULL GROUP BY epoch)"
        ).fetchall()[0][0]
    named = {verdict.name.lower(): counts.get(verdict.value, 0) for verdict in Verdict}
    return Report(
        accepted=different,
        **named,
        duplicates=total - different,
        gaps=int(gaps),
        p50_ms=p50,
        p99_ms=p99,
        damaged=tuple(path.name for path in damaged),
    )


def _live(folder: Path) -> pd.DataFrame:
    """What is not cut yet; text columns keep their type where there is no row."""
    rows = outbox.read(folder, "id > ?", [segments.cut_upto(folder)])
    frame = pd.DataFrame(rows, columns=list(outbox.COLUMNS))
    kept = frame[["epoch", "sequence", "verdict", "score", "ms"]]
    return kept.astype({"epoch": "int64", "sequence": "int64", "score": float, "ms": float})


def _all(folder: Path, damaged: Sequence[Path]) -> str:
    """SQL that gives each verdict, cut or not."""
    columns = "epoch, sequence, CAST(verdict AS VARCHAR) AS verdict, score, ms"
    whole = [path for path in segments.files(folder) if path not in damaged]
    found = [str(path).replace("'", "''") for path in whole]
    live = f"SELECT {columns} FROM live"
    if not found:
        return live
    files = ", ".join(f"'{path}'" for path in found)
    return f"SELECT {columns} FROM read_parquet([{files}]) UNION ALL BY NAME {live}"
