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

from backend import facts, statistics
from backend.inspection.folds import Data, Scored
from backend.records import MIN_BAD, Progress

METHODS = ("diffusion", "padim", "mahalanobis")
BASELINE = "padim"
DIFFERENCE = f"diffusion − {BASELINE}"
RESAMPLES = 300  # group bootstrap


@dataclass(frozen=True)
class Summary:
    """means: method, or `DIFFERENCE` -> mean AUROC over `averaged`; no entry where unknown."""

    means: dict[str, float | None]
    averaged: tuple[str, ...]
    unreliable: tuple[str, ...]
    weakest: str
    notes: tuple[str, ...]


def write_scores(data: Data, scored: list[Scored], out_dir: Path) -> pd.DataFrame:
    """All out-of-fold scores as rows of the facts table `scores`."""
    pieces = []
    for one in scored:
        rows = data.frame.iloc[one.fold.test][["part", "feature", "label"]]
        for method in METHODS:
            pieces.append(
                rows.assign(
                    method=method,
                    repeat=one.fold.repeat,
                    fold=one.fold.number,
                    score=one.scores[method].astype(float),
                )
            )
    table = pd.concat(pieces, ignore_index=True)
    facts.write(out_dir, "scores", table)
    return table


def summarise(
    data: Data, table: pd.DataFrame, seed: int, out_dir: Path, progress: Progress
) -> Summary:
    """Write the facts tables `auroc`, `comparisons` and `figures` from `scores`.

    Means are over the features with enough BAD parts; over all that have any where none has.
    """
    scores = _mean_scores(data, table)
    aurocs = pd.DataFrame(_auroc_rows(data, scores))
    facts.write(out_dir, "auroc", aurocs)
    tested = sorted(aurocs.loc[aurocs["reliable"], "feature"].unique())
    known = sorted(aurocs.loc[aurocs["n_bad"] > 0, "feature"].unique())
    averaged = tuple(tested or known)
    facts.write(out_dir, "comparisons", _comparisons(data, scores, tested))
    figures = []
    for row in _figure_rows(data, scores, averaged, seed):
        figures.append(row)
        progress(0.96 + 0.01 * len(figures), f"interval of {row['subject']}")
    facts.write(out_dir, "figures", figures)
    unreliable = tuple(sorted(set(data.names) - set(tested)))
    return Summary(
        means={row["subject"]: _rounded(row["value"]) for row in figures},
        averaged=averaged,
        unreliable=unreliable,
        weakest=_weakest(aurocs, averaged),
        notes=tuple(_notes(unreliable, tested, known)),
    )


def _mean_scores(data: Data, table: pd.DataFrame) -> pd.DataFrame:
    """A row a part, in the order of `data`; a column a method: its mean over the repeats."""
    scores: pd.DataFrame = table.pivot_table(
        index="part", columns="method", values="score", aggfunc="mean"
    )
    return scores.reindex(list(data.frame["part"])).reset_index(drop=True)


def _rounded(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _weakest(aurocs: pd.DataFrame, averaged: tuple[str, ...]) -> str:
    """The averaged feature where the diffusion's AUROC is lowest; "" where there is none."""
    mine = aurocs[(aurocs["method"] == "diffusion") & aurocs["feature"].isin(averaged)]
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


def _auroc_rows(data: Data, scores: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Rows of the table `auroc`: every method on every feature."""
    for method in METHODS:
        mine = scores[method].to_numpy()
        for t, name in enumerate(data.names):
            good = mine[(data.types == t) & data.good]
            bad = mine[(data.types == t) & ~data.good]
            value, low, high = statistics.auroc_interval(good, bad)
            yield {
                "method": method,
                "feature": name,
                "n_good": len(good),
                "n_bad": len(bad),
                "auroc": value,
                "low": low,
                "high": high,
                "fpr_at_95_tpr": statistics.fpr_at_tpr(good, bad, 0.95),
                "reliable": statistics.reliable(len(bad)),
            }


def _comparisons(data: Data, scores: pd.DataFrame, tested: list[str]) -> pd.DataFrame:
    """Paired DeLong tests of the diffusion against PaDiM, Holm over the reliable features."""
    rows = []
    for t, name in enumerate(data.names):
        mine = data.types == t
        if not (mine & ~data.good).any():
            continue
        a, b = (scores[m].to_numpy()[mine] for m in ("diffusion", BASELINE))
        difference, low, high, p = statistics.delong_test(~data.good[mine], a, b)
        rows.append((name, "diffusion", BASELINE, difference, low, high, p))
    columns = ["feature", "method", "baseline", "difference", "low", "high", "p"]
    frame = pd.DataFrame(rows, columns=columns)
    adjusted = statistics.holm({row[0]: row[-1] for row in rows if row[0] in tested})
    frame["p_holm"] = [adjusted.get(name, math.nan) for name in frame["feature"]]
    return frame.assign(reliable=frame["feature"].isin(tested))


def _figure_rows(
    data: Data, scores: pd.DataFrame, averaged: tuple[str, ...], seed: int
) -> Iterator[dict[str, Any]]:
    """Mean AUROC per method, and the difference to the baseline, with group bootstrap."""
    if not averaged:
        return
    chosen = [t for t, name in enumerate(data.names) if name in averaged]
    mean = {m: partial(_mean_auroc, data, scores[m].to_numpy(), chosen) for m in METHODS}

    def difference(index: NDArray[np.intp]) -> float:
        return mean["diffusion"](index) - mean[BASELINE](index)

    asked: dict[str, Callable[[NDArray[np.intp]], float]] = {**mean, DIFFERENCE: difference}
    for subject, metric in asked.items():
        value, low, high = statistics.group_bootstrap(
            metric, data.frame["group"], RESAMPLES, seed=seed
        )
        yield {
            "subject": subject,
            "metric": "mean AUROC difference" if subject == DIFFERENCE else "mean AUROC",
            "value": value,
            "low": low,
            "high": high,
            "n": len(data.frame),
        }


def _mean_auroc(
    data: Data, scores: NDArray[np.float64], chosen: list[int], index: NDArray[np.intp]
) -> float:
    """Mean AUROC over the chosen types of the parts `index`; NaN where one has no BAD part."""
    types, good, values = data.types[index], data.good[index], scores[index]
    each = [
        statistics.auroc(values[(types == t) & good], values[(types == t) & ~good]) for t in chosen
    ]
    return float(np.mean(each))
