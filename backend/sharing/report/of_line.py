"""The report of a line over a period: what it judged, how fast, and what is missing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
from pyarrow import parquet

from backend.line import history, outbox, segments
from backend.line import report as whole
from backend.line.part import Verdict
from backend.numeric import statistics
from backend.plots import line as plots
from backend.records import UserError
from backend.sharing.report import general
from backend.sharing.report.items import Chart, Item, Report, Table
from backend.sharing.report.scope import Period
from backend.wording import counted

COLUMNS = (
    *("epoch", "sequence", "feature", "captured", "verdict", "reason", "score", "ms", "package"),
    *("thresholds", "blind"),
)


def report(storage: Path, name: str, period: Period) -> Report:
    """The whole report. Raises UserError where there is no such line, or nothing in the period."""
    home = whole.home(storage, name)
    if not home.is_dir():
        raise UserError(f"There is no line '{name}'. Start one of that name first.")
    rows = parts(home, period)
    if rows.empty:
        raise UserError(f"The line '{name}' judged no part {period.words}. Choose another period.")
    return Report(
        title=f"Line: {name}",
        lead=tuple(_lead(rows, period)),
        items=tuple(_items(rows)),
        limits=(
            "UNINSPECTED parts were looked at by nobody: they are neither good nor bad.",
            "A verdict is the model's, not the truth: how many BAD parts passed as GOOD is known "
            "from a review of GOOD parts alone.",
        ),
        command=command(name, period),
        origin=(Table("models", "Judged with", "", _models(rows)),),
    )


def parts(home: Path, period: Period) -> pd.DataFrame:
    """Each judged part of the period once, oldest first, with the COLUMNS and `time`."""
    begin = period.begin.timestamp() if period.begin else 0.0
    end = period.end.timestamp() if period.end else datetime.now(UTC).timestamp() + 1
    live = outbox.read(home, "verdict IS NOT NULL AND captured >= ? AND captured < ?", [begin, end])
    frames = [pd.DataFrame(live, columns=list(outbox.COLUMNS))]
    for path in segments.files(home):
        there = set(parquet.read_schema(path).names)  # older segments lack the newer columns
        names = ", ".join(name for name in COLUMNS if name in there)
        with duckdb.connect(":memory:") as database:
            sql = f"SELECT {names} FROM read_parquet(?) WHERE captured >= ? AND captured < ?"
            frames.append(database.execute(sql, [str(path), begin, end]).df())
    found = pd.concat([frame for frame in frames if len(frame)] or frames[:1])
    found = found.drop_duplicates(["epoch", "sequence"]).sort_values(["epoch", "sequence"])
    time = pd.to_datetime(found["captured"], unit="s", utc=True).dt.tz_localize(None)
    made = found.reindex(columns=list(COLUMNS)).assign(time=time)
    return made.fillna({"blind": 0.0}).reset_index(drop=True)


def _lead(rows: pd.DataFrame, period: Period) -> Iterator[str]:
    counts = rows["verdict"].value_counts()
    told = ", ".join(f"{counts.get(v.value, 0):,} {v.value}" for v in Verdict)
    yield f"{counted(len(rows), 'part')} {period.words}: {told}."
    judged = rows[rows["score"].notna()]["ms"]
    if len(judged):
        p50, p99 = judged.quantile([0.5, 0.99])
        yield f"Half of them were judged within {p50:.0f} ms, 99 of 100 within {p99:.0f} ms."


def _items(rows: pd.DataFrame) -> Iterator[Item]:
    spans = history.spans(rows)
    chart = plots.over_time(spans, f"Parts by verdict, n = {len(rows)}")
    yield Chart("1-over-time", "Parts by verdict over time", "", chart, spans)
    yield Table("2-types", "By feature type", general.LIKE, _by_type(rows))
    reasons = rows.loc[rows["verdict"] == Verdict.UNINSPECTED.value, "reason"].value_counts()
    if len(reasons):
        frame = reasons.rename_axis("why").reset_index(name="parts").astype(str)
        yield Table("3-uninspected", "Why nobody looked", "", frame)


def _by_type(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a type: its parts, and the share of each verdict with its interval."""
    found = []
    for feature, mine in rows.groupby("feature", sort=True):
        shares = {
            f"{v.value} [95 % interval]": _share(int((mine["verdict"] == v.value).sum()), len(mine))
            for v in Verdict
        }
        found.append({"feature": str(feature) or "–", "parts": f"{len(mine):,}", **shares})
    return pd.DataFrame(found)


def _share(k: int, n: int) -> str:
    low, high = statistics.clopper_pearson(k, n)
    return f"{k / n:.1%} [{low:.1%}, {high:.1%}]"


def _models(rows: pd.DataFrame) -> pd.DataFrame:
    keys = ["package", "thresholds"]
    found = rows.groupby(keys, dropna=False).agg(
        parts=("time", "size"), first=("time", "min"), last=("time", "max")
    )
    shown = found.reset_index().rename(columns={"package": "SHA-256 of the model's file"})
    return shown.astype(str)


def command(name: str, period: Period, protocol: bool = False) -> str:
    """The verb that makes the report, or the protocol, of this period anew."""
    words = ["python -m backend report --line", name, *["--protocol"] * protocol]
    for flag, moment in (("--since", period.begin), ("--until", period.end)):
        words += [flag, f"{moment:%Y-%m-%dT%H:%M}"] if moment else []
    return " ".join([*words, "--out", f"{name}.html"])
