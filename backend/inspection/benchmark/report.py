"""What a benchmark shows: its table, beside it what others published, as CSV and as one page."""

import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.core import facts, spreadsheet
from backend.glossary import SEPARATION
from backend.inspection.benchmark import published_figures
from backend.inspection.benchmark.published_figures import Published
from backend.inspection.benchmark.spec import Result
from backend.inspection.model import variants
from backend.inspection.model.pixel_figures import WORDS
from backend.plots import benchmark as plots
from backend.plots import html_page

OURS = "this program"
MEAN = "mean"
PRICE = "processor time a part, ms"
AUPRO = WORDS["aupro_30"]
READ_AS = (
    "Every category has a model of its own, learned from the GOOD pictures that the set gives for "
    "training and judged on its test pictures, once.",
    "AUPRO: maps and masks at the size that the model sees, up to 30 % of normal pixels raised.",
    "Published figures were measured by others, with other networks at other sizes: read how "
    "before you compare.",
)


def table(
    figures: pd.DataFrame, auroc: pd.DataFrame, located: pd.DataFrame, result: Result
) -> pd.DataFrame:
    """A row a category and method, then the means, then what others published.

    Columns: category, method, source, n_train, n_good, n_bad, auroc and aupro with _low and _high,
    pixel_auroc, part_ms (of the diffusion's model).
    """
    shown = auroc[auroc["method"].isin(variants.main(auroc["method"].unique()))]
    columns = {"aupro_30": "aupro", "aupro_30_low": "aupro_low", "aupro_30_high": "aupro_high"}
    places = located.rename(columns=columns)[
        ["method", "feature", *columns.values(), "pixel_auroc"]
    ]
    rows = shown[["feature", "method", "n_good", "n_bad", "auroc", "low", "high"]].merge(
        places, on=["feature", "method"], how="left"
    )
    prices = figures[figures["metric"] == PRICE].set_index("subject")
    rows = rows.rename(columns={"low": "auroc_low", "high": "auroc_high", "feature": "category"})
    rows = rows.assign(
        n_train=rows["category"].map(prices["n"]),
        part_ms=rows["category"].map(prices["value"]).where(rows["method"] == variants.DIFFUSION),
        source=OURS,
    )
    others = [_means(figures, list(rows["method"].unique())), _published(result)]
    whole = pd.concat([rows, *(pd.DataFrame(each) for each in others if each)], ignore_index=True)
    last = whole["category"] == MEAN
    whole = pd.concat([whole[~last].sort_values("category", kind="stable"), whole[last]])
    return whole[["category", "method", "source", *(c for c in COLUMNS if c in whole)]]


COLUMNS = (
    *("n_train", "n_good", "n_bad", "auroc", "auroc_low", "auroc_high"),
    *("aupro", "aupro_low", "aupro_high", "pixel_auroc", "part_ms"),
)


def _means(figures: pd.DataFrame, methods: Iterable[str]) -> list[dict[str, Any]]:
    known = facts.by_name(figures)
    found = []
    for method in methods:
        row: dict[str, Any] = {"category": MEAN, "method": method, "source": OURS}
        for name in ("auroc", "aupro"):
            if (one := known.get((method, f"mean {name.upper()}"))) is not None:
                row |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
        found.append(row)
    return found


def _published(result: Result) -> list[dict[str, Any]]:
    """Rows of what others published, of these categories and of their mean."""
    found: list[dict[str, Any]] = []
    for one in published_figures.of(result.dataset, result.categories):
        about = {"method": one.method, "source": f"{one.source}: {one.setting}"}
        mine = {name: one.each[name] for name in result.categories if name in one.each}
        for category, (auroc, aupro) in mine.items():
            found.append(about | {"category": category, "auroc": auroc, "aupro": aupro})
        auroc, aupro = _mean_of(one, mine, result)
        found.append(about | {"category": MEAN, "auroc": auroc, "aupro": aupro})
    return found


def _mean_of(
    one: Published, mine: Mapping[str, tuple[float, float | None]], result: Result
) -> tuple[float, float | None]:
    """As published where all categories are here; else over those that are."""
    if len(result.categories) == len(published_figures.DATASETS[one.dataset]):
        return one.auroc, one.aupro
    aupros = [aupro for _, aupro in mine.values() if aupro is not None]
    mean = float(np.mean(aupros)) if aupros else None
    return float(np.mean([auroc for auroc, _ in mine.values()])), mean


def in_words(rows: pd.DataFrame) -> pd.DataFrame:
    """The table as a person reads it."""
    triples = {name: rows[[name, f"{name}_low", f"{name}_high"]] for name in ("auroc", "aupro")}
    shown = {
        SEPARATION.short: _spans(triples["auroc"]),
        AUPRO: _spans(triples["aupro"]),
        "pixel separation (AUROC)": [_number(v, 3) for v in rows["pixel_auroc"]],
        "ms a part": [_number(v, 1) for v in rows["part_ms"]],
        "learned from": [_number(v, 0) for v in rows["n_train"]],
        "GOOD": [_number(v, 0) for v in rows["n_good"]],
        "BAD": [_number(v, 0) for v in rows["n_bad"]],
    }
    numbers = {source: f"published [{k}]" for k, source in enumerate(_others(rows), start=1)}
    named = rows[["category", "method"]].assign(source=[numbers.get(s, s) for s in rows["source"]])
    return named.assign(**shown)


def sources(rows: pd.DataFrame) -> list[str]:
    """What the numbers of published rows stand for."""
    return [f"[{k}] {source}." for k, source in enumerate(_others(rows), start=1)]


def _others(rows: pd.DataFrame) -> list[str]:
    return [source for source in dict.fromkeys(rows["source"]) if source != OURS]


def means(shown: pd.DataFrame) -> pd.DataFrame:
    """The rows of means of a table in words, without columns that say nothing there."""
    mine = shown[shown["category"] == MEAN].drop(columns="category")
    return mine[[name for name in mine if (mine[name] != "").any()]]


def _number(value: float, digits: int) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}f}"


def _spans(rows: pd.DataFrame) -> list[str]:
    triples = rows.itertuples(index=False, name=None)
    return ["" if pd.isna(value) else _exact(value, lo, hi) for value, lo, hi in triples]


def _exact(value: float, low: float, high: float) -> str:
    """`0.988 [0.975, 0.994]`: three digits, for published figures differ in the third."""
    return f"{value:.3f}" if pd.isna(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def write(rows: pd.DataFrame, result: Result, left_out: Sequence[str], folder: Path) -> None:
    """benchmark.csv with the whole table, and benchmark.html, which needs nothing beside it."""
    (folder / "benchmark.csv").write_bytes(spreadsheet.written(rows))
    (folder / "benchmark.html").write_text(_page(rows, result, left_out), encoding="utf-8")


def _page(rows: pd.DataFrame, result: Result, left_out: Sequence[str]) -> str:
    title = f"Benchmark: {result.dataset or 'own tree'}"
    shown = in_words(rows)
    each = shown[shown["category"] != MEAN]
    about = (
        f"{len(result.categories)} categories; {result.n_train} GOOD pictures learned from, judged "
        f"on {result.n_good} GOOD and {result.n_bad} BAD ones. Features: {result.backbone}."
    )
    parts = [f"<p>{html.escape(about)}</p>", "<h2>Mean over the categories</h2>"]
    parts += [html_page.table(means(shown))]
    parts += ["<h2>Each category</h2>", html_page.chart(plots.categories(rows), with_script=True)]
    parts += [html_page.table(each), "<h2>How to read it</h2>"]
    parts.append(html_page.bullets([*READ_AS, *sources(rows), *result.notes, *left_out]))
    return html_page.page(title, "".join(parts))
