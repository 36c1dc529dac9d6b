"""What out-of-fold scores say: AUROCs with intervals, paired tests, and means over features."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.core import facts
from backend.inspection.model import additions, comparisons, operating_points, variants
from backend.inspection.model.folds import Data, Scored
from backend.inspection.model.variants import DIFFUSION
from backend.numeric import statistics
from backend.records import MIN_BAD, Progress

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
    progress(0.965, "separation per feature type")
    aurocs = pd.DataFrame(operating_points.rows(data, scores, table, mode, DRAWS, seed))
    facts.write(out_dir, "auroc", aurocs)
    tested = sorted(aurocs.loc[aurocs["reliable"], "feature"].unique())
    known = sorted(aurocs.loc[aurocs["n_bad"] > 0, "feature"].unique())
    averaged = tuple(tested or known)
    baseline = _best_baseline(aurocs, averaged)
    progress(0.97, "paired comparisons")
    own = [DIFFUSION, *variants.baselines(scores.columns)]
    compared = comparisons.against(data, scores[own], table, baseline, tested)
    facts.write(out_dir, "comparisons", compared.assign(mode=mode))
    progress(0.98, "intervals of means")
    means = _drawn_means(data, scores, averaged, seed)
    figures = list(_figure_rows(means, baseline, len(data.frame)))
    facts.write(out_dir, "figures", figures)
    facts.write(out_dir, "additions", additions.rows(data, scores, table, means, tested))
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
    others = aurocs[aurocs["method"].isin(variants.baselines(aurocs["method"].unique()))]
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
        yield "No BAD part is known, so no separation (AUROC) can be given; the model is complete."
    elif not tested:
        yield f"No feature has {least} BAD parts: the mean over all of them is not reliable."
    elif unreliable:
        yield (
            f"Fewer than {least} BAD parts: {', '.join(unreliable)}. Their separation (AUROC) "
            "is shown, but takes no part in the mean or the test."
        )


def _drawn_means(
    data: Data, scores: pd.DataFrame, averaged: tuple[str, ...], seed: int
) -> pd.DataFrame:
    """A column a method: its mean AUROC over `averaged`, then that of each bootstrap draw.

    The draws are the same for all, so that differences are paired. Without a type: no columns.
    """
    weights = statistics.bootstrap_weights(data.frame["group"], seed, RESAMPLES)
    methods = list(scores.columns) if averaged else []
    return pd.DataFrame(
        {m: mean_aurocs(data, scores[m].to_numpy(), averaged, weights) for m in methods}
    )


def mean_aurocs(
    data: Data, scores: NDArray[np.float64], averaged: tuple[str, ...], weights: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean AUROC [R] over the named types, parts counted by `weights` [R, N]; NaN where one of
    the types has no BAD part."""
    each = []
    for name in averaged:
        mine = data.types == data.names.index(name)
        each.append(statistics.weighted_aurocs(~data.good[mine], scores[mine], weights[:, mine]))
    return np.asarray(np.mean(each, axis=0))


def _figure_rows(means: pd.DataFrame, baseline: str, n: int) -> Iterator[dict[str, Any]]:
    """Mean AUROC per method, and the difference to the baseline."""
    if means.empty:
        return
    asked = [(str(m), "mean AUROC", means[m]) for m in means]
    difference = means[DIFFUSION] - means[baseline]
    asked.append((f"{DIFFUSION} − {baseline}", "mean AUROC difference", difference))
    for subject, metric, values in asked:
        value, low, high = statistics.bootstrap_interval(values)
        yield {
            **{"subject": subject, "metric": metric},
            **{"value": value, "low": low, "high": high, "n": n},
        }
