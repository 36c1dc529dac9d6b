"""An anomaly model in a report: how well BAD parts stand out, per feature type."""

from collections.abc import Iterator

import pandas as pd

from backend import glossary
from backend.core import runs
from backend.core.runs import Run
from backend.glossary import SEPARATION
from backend.inspection.model import additions, operating_points, standing, variants
from backend.inspection.model.spec import Result
from backend.plots import inspection as plots
from backend.records import MIN_BAD
from backend.sharing.report import general, tiles
from backend.sharing.report.items import Chart, Item, Picture, Table

MEAN = "mean AUROC"
SHOWN = 24  # anomaly maps


def said(run: Run) -> Iterator[str]:
    """Can it tell BAD from GOOD, and does its training add anything?"""
    figures = general.rows(run, "figures")
    means = figures[(figures["metric"] == MEAN)]
    means = means[means["subject"].isin(variants.main(means["subject"]))]
    if len(means):
        yield standing.verdict(means.iloc[0])
    added = additions.sentence(general.rows(run, "additions"))
    if added:
        yield glossary.said(added)


def items(run: Run) -> Iterator[Item]:
    """Separation by type and method, comparison, ROC, scores, maps."""
    auroc, scores = general.rows(run, "auroc"), general.rows(run, "scores")
    main = auroc[auroc["method"].isin(variants.main(auroc["method"].unique()))]
    if len(main):
        yield Chart(
            "1-separation",
            "Separation per feature type and method",
            f"{SEPARATION.meaning}. Under each type its GOOD/BAD parts. Pale bars: fewer than "
            f"{MIN_BAD} BAD parts, unreliable. 95 % intervals (DeLong).",
            plots.auroc_bars(main),
            main,
        )
        yield Table("2-separation", "The same in figures", general.LIKE, _table(main))
    yield from _compared(run)
    yield from _scores(scores)
    yield from _located(run)
    maps = sorted((run.artifacts / "maps").glob("*.png"))
    sheet = tiles.sheet(maps[place] for place in tiles.spread(len(maps), SHOWN))
    if sheet is not None:
        words = "Anomaly maps over parts with high and low scores: bright is unlike GOOD parts."
        yield Picture("7-maps", "Where it looks", words, sheet)
    yield from general.figures(run, "All means and differences")


def _table(main: pd.DataFrame) -> pd.DataFrame:
    """A row a type, a column a method."""
    triples = main[["auroc", "low", "high"]].itertuples(index=False, name=None)
    shown = main.assign(shown=[general.figure(*triple) for triple in triples])
    wide = shown.pivot(index="feature", columns="method", values="shown")
    wide = wide[list(dict.fromkeys(main["method"]))].reset_index()
    counts = main.drop_duplicates("feature")[["feature", "n_good", "n_bad"]]
    return counts.merge(wide, on="feature").rename(columns={"n_good": "GOOD", "n_bad": "BAD"})


def _compared(run: Run) -> Iterator[Item]:
    rows = general.rows(run, "comparisons")
    mine = rows[rows["method"] == variants.DIFFUSION]
    if mine.empty:
        return
    baseline = str(mine["baseline"].iloc[0])
    yield Chart(
        "3-compared",
        f"Against the best simple method ({baseline})",
        f"{standing.compared(mine)} First p: DeLong on all scores; second: Nadeau and Bengio over "
        "the test rounds; both after Holm.",
        plots.forest(mine),
        mine,
    )


def _scores(scores: pd.DataFrame) -> Iterator[Item]:
    """ROC and histogram of the model's own scores, each part once."""
    mine = scores[scores["method"] == variants.DIFFUSION]
    keys = ["part", "feature", "label"]
    each = mine.groupby(keys)["score"].mean().reset_index()
    good, bad = (each.loc[each["label"] == label, "score"] for label in (1, 0))
    if len(good) and len(bad):
        curve = operating_points.roc(good, bad)
        yield Chart(
            "4-roc",
            "BAD found against GOOD raised",
            "What share of BAD parts is found for each share of GOOD parts raised, over all types.",
            plots.roc(curve, "ROC", len(good), len(bad)),
            curve,
        )
    if len(each):
        words = "Scores of parts in rounds whose training never saw them; high is unlike GOOD."
        chart = plots.score_histogram(each, "Scores")
        yield Chart("5-scores", "Scores of GOOD and BAD parts", words, chart, each)


def _located(run: Run) -> Iterator[Item]:
    rows = general.rows(run, "localisation")
    rows = rows[(rows["method"] == variants.DIFFUSION) | (rows["feature"] == additions.MEAN)]
    if rows.empty:
        return
    frame = rows[["method", "feature", "n_bad"]].rename(columns={"n_bad": "BAD with a mask"})
    for name, column in (("pixel AUROC", "pixel_auroc"), ("AUPRO to 0.3", "aupro_30")):
        triples = rows[[column, f"{column}_low", f"{column}_high"]].itertuples(
            index=False, name=None
        )
        frame[name] = [general.figure(*triple) for triple in triples]
    words = (
        "How well the maps show the defect itself, where parts bring masks of it: the model's own "
        "by type, and every method's mean. The rest is among the data."
    )
    yield Table("6-located", "Where the defect is", words, frame)


def limits(run: Run) -> Iterator[str]:
    """How it was measured, and what that does not show."""
    result = runs.result(run, Result)
    mode = standing.MODES.get(result.mode, "")
    yield f"{mode} {result.folds} test rounds, {result.n} parts.".strip()
    if result.unreliable:
        yield f"Fewer than {MIN_BAD} BAD parts, so unreliable: {', '.join(result.unreliable)}."
    yield "Defects of a kind that no BAD part here shows may score otherwise."
