"""What out-of-fold scores say: AUROCs with intervals, paired tests, and means over features."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.core import facts
from backend.inspection.model import comparisons, operating_points
from backend.inspection.model.folds import Data, Scored
from backend.numeric import statistics
from backend.records import MIN_BAD, Progress

DIFFUSION = "diffusion"
RESAMPLES = 300  # group bootstrap of means over features
DRAWS = 200  # bootstrap of one feature's figures


@dataclass(frozen=True)
class Summary:
    """means: method -> mean AUROC over `averaged`, None where unknown.

    baseline: the one with the highest mean. difference: the diffusion's mean less its.
    """

    means: dict[str, float | None]
    baseline: str
    difference: float | None
    averaged: tuple[str, ...]
    unreliable: tuple[str, ...]
    weakest: str
    notes: tuple[str, ...]


def write_scores(data: Data, scored: list[Scored], out_dir: Path) -> pd.DataFrame:
    """All out-of-fold scores as rows of the facts tables `scores` and `class_scores`."""
    pieces = []
    for one in scored:
        rows = data.frame.iloc[one.fold.test][["part", "feature", "label"]]
        for method, scores in one.scores.items():
            pieces.append(
                rows.assign(
                    method=method,
                    repeat=one.fold.repeat,
                    fold=one.fold.number,
                    score=scores.astype(float),
                    alarm=scores > one.limits[method],
                )
            )
    table = pd.concat(pieces, ignore_index=True)
    facts.write(out_dir, "scores", table)
    facts.write(out_dir, "class_scores", list(_class_rows(data, scored)))
    return table


def _class_rows(data: Data, scored: list[Scored]) -> Iterator[dict[str, Any]]:
    """The diffusion's score of each part under every class, where it was asked for."""
    for one in scored:
        if one.under is None:
            continue
        parts = data.frame["part"].to_numpy(str)[one.fold.test]
        features = data.frame["feature"].to_numpy(str)[one.fold.test]
        for part, feature, scores in zip(parts, features, one.under, strict=True):
            for name, score in zip(data.names, scores, strict=True):
                yield {"part": part, "feature": feature, "class_name": name, "score": float(score)}


def summarise(
    data: Data, table: pd.DataFrame, mode: str, seed: int, out_dir: Path, progress: Progress
) -> Summary:
    """Write the facts tables `auroc`, `comparisons` and `figures` from `scores`.

    Means are over the features with enough BAD parts; over all that have any where none has.
    """
    scores = _mean_scores(data, table)
    progress(0.965, "AUROC per feature type")
    aurocs = pd.DataFrame(operating_points.rows(data, scores, table, mode, DRAWS, seed))
    facts.write(out_dir, "auroc", aurocs)
    tested = sorted(aurocs.loc[aurocs["reliable"], "feature"].unique())
    known = sorted(aurocs.loc[aurocs["n_bad"] > 0, "feature"].unique())
    averaged = tuple(tested or known)
    baseline = _best_baseline(aurocs, averaged)
    progress(0.97, "paired comparisons")
    compared = comparisons.against(data, scores, table, baseline, tested)
    facts.write(out_dir, "comparisons", compared.assign(mode=mode))
    figures = []
    for row in _figure_rows(data, scores, averaged, baseline, seed):
        figures.append(row)
        progress(0.97 + 0.002 * len(figures), f"interval of {row['subject']}")
    facts.write(out_dir, "figures", figures)
    unreliable = tuple(sorted(set(data.names) - set(tested)))
    found = {row["subject"]: _rounded(row["value"]) for row in figures}
    return Summary(
        means={method: found.get(method) for method in scores.columns},
        baseline=baseline,
        difference=found.get(f"{DIFFUSION} − {baseline}"),
        averaged=averaged,
        unreliable=unreliable,
        weakest=_weakest(aurocs, averaged),
        notes=tuple(_notes(unreliable, tested, known)),
    )


def _best_baseline(aurocs: pd.DataFrame, averaged: tuple[str, ...]) -> str:
    """The baseline with the highest mean AUROC; the first where none is known."""
    others = aurocs[aurocs["method"] != DIFFUSION]
    means = others[others["feature"].isin(averaged)].groupby("method", sort=False)["auroc"].mean()
    return str(means.idxmax() if len(means) else others["method"].iloc[0])


def _mean_scores(data: Data, table: pd.DataFrame) -> pd.DataFrame:
    """A row a part, in the order of `data`; a column a method: its mean over the repeats."""
    scores: pd.DataFrame = table.pivot_table(
        index="part", columns="method", values="score", aggfunc="mean"
    )
    scores = scores[list(dict.fromkeys(table["method"]))]
    return scores.reindex(list(data.frame["part"])).reset_index(drop=True)


def _rounded(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _weakest(aurocs: pd.DataFrame, averaged: tuple[str, ...]) -> str:
    """The averaged feature where the diffusion's AUROC is lowest; "" where there is none."""
    mine = aurocs[(aurocs["method"] == DIFFUSION) & aurocs["feature"].isin(averaged)]
    return str(mine.sort_values("auroc")["feature"].iloc[0]) if len(mine) else ""


def _notes(unreliable: tuple[str, ...], tested: list[str], known: list[str]) -> Iterator[str]:
    least = MIN_BAD
    if not known:
        yield "No BAD part is known, so no AUROC can be given; the model itself is complete."
    elif not tested:
        yield f"No feature has {least} BAD parts: the mean over all of them is not reliable."
    elif unreliable:
        yield (
            f"Fewer than {least} BAD parts: {', '.join(unreliable)}. Their AUROC is shown, but "
            "takes no part in the mean or the test."
        )


def _figure_rows(
    data: Data, scores: pd.DataFrame, averaged: tuple[str, ...], baseline: str, seed: int
) -> Iterator[dict[str, Any]]:
    """Mean AUROC per method, and the difference to the baseline, with group bootstrap."""
    if not averaged:
        return
    chosen = [t for t, name in enumerate(data.names) if name in averaged]
    mean = {m: partial(mean_auroc, data, scores[m].to_numpy(), chosen) for m in scores.columns}

    def difference(index: NDArray[np.intp]) -> float:
        return mean[DIFFUSION](index) - mean[baseline](index)

    subject = f"{DIFFUSION} − {baseline}"
    asked: dict[str, Callable[[NDArray[np.intp]], float]] = {**mean, subject: difference}
    for name, metric in asked.items():
        value, low, high = statistics.group_bootstrap(
            metric, data.frame["group"], RESAMPLES, seed=seed
        )
        yield {
            "subject": name,
            "metric": "mean AUROC difference" if name == subject else "mean AUROC",
            "value": value,
            "low": low,
            "high": high,
            "n": len(data.frame),
        }


def mean_auroc(
    data: Data, scores: NDArray[np.float64], chosen: list[int], index: NDArray[np.intp]
) -> float:
    """Mean AUROC over the chosen types of the parts `index`; NaN where one has no BAD part."""
    types, good, values = data.types[index], data.good[index], scores[index]
    each = [
        statistics.auroc(values[(types == t) & good], values[(types == t) & ~good]) for t in chosen
    ]
    return float(np.mean(each))
