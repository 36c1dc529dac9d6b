"""Every method against the best baseline, in pairs: on pooled scores, and over the folds."""

import math
from typing import Any

import numpy as np
import pandas as pd

from backend.inspection.model.folds import Data
from backend.numeric import statistics


def against(
    data: Data, scores: pd.DataFrame, table: pd.DataFrame, baseline: str, tested: list[str]
) -> pd.DataFrame:
    """Rows of the table `comparisons`: each other method less the baseline, per feature type.

    p: DeLong's test on the scores pooled over folds. p_folds: Nadeau and Bengio's test over folds.
    Both are adjusted after Holm over the features in `tested`, method by method.
    """
    others = [method for method in scores.columns if method != baseline]
    found = [pair(data, scores, table, (method, baseline), tested) for method in others]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def pair(
    data: Data,
    scores: pd.DataFrame,
    table: pd.DataFrame,
    methods: tuple[str, str],
    tested: list[str],
) -> pd.DataFrame:
    """The first method less the second, per feature type; rows as those of `against`."""
    return _adjusted(_rows(data, scores, table, *methods), tested, *methods)


def _rows(
    data: Data, scores: pd.DataFrame, table: pd.DataFrame, method: str, baseline: str
) -> list[dict[str, Any]]:
    rows = []
    for t, name in enumerate(data.names):
        mine = data.types == t
        if not (mine & ~data.good).any():
            continue
        a, b = (scores[m].to_numpy()[mine] for m in (method, baseline))
        difference, low, high, p = statistics.delong_test(~data.good[mine], a, b)
        rows.append(
            {
                "feature": name,
                "difference": difference,
                "low": low,
                "high": high,
                "p": p,
                "p_folds": _over_folds(table[table["feature"] == name], method, baseline),
            }
        )
    return rows


def _over_folds(rows: pd.DataFrame, method: str, baseline: str) -> float:
    """p of the folds' AUROC differences; NaN where fewer than two folds have both labels."""
    gaps, n_test = [], []
    for _, fold in rows[rows["method"].isin([method, baseline])].groupby(["repeat", "fold"]):
        area = {m: _auroc(fold[fold["method"] == m]) for m in (method, baseline)}
        if math.isfinite(area[method]):
            gaps.append(area[method] - area[baseline])
            n_test.append(len(fold) // 2)
    if len(gaps) < 2:
        return math.nan
    whole = rows["part"].nunique()
    test = max(1, round(float(np.mean(n_test))))
    return statistics.nadeau_bengio(gaps, max(1, whole - test), test)[3]


def by_fold(scores: pd.DataFrame) -> pd.DataFrame:
    """AUROC of every fold that has both labels: feature, method, repeat, fold, auroc."""
    keys = ["feature", "method", "repeat", "fold"]
    rows = [
        (*key, _auroc(part))
        for key, part in scores.groupby(keys, sort=False)
        if part["label"].nunique() == 2
    ]
    return pd.DataFrame(rows, columns=[*keys, "auroc"])


def _auroc(rows: pd.DataFrame) -> float:
    return statistics.auroc(
        rows.loc[rows["label"] == 1, "score"], rows.loc[rows["label"] == 0, "score"]
    )


def _adjusted(
    rows: list[dict[str, Any]], tested: list[str], method: str, baseline: str
) -> pd.DataFrame:
    columns = ["feature", "difference", "low", "high", "p", "p_folds"]
    frame = pd.DataFrame(rows, columns=columns).assign(method=method, baseline=baseline)
    for column, name in (("p", "p_holm"), ("p_folds", "p_folds_holm")):
        usable = {
            row["feature"]: row[column]
            for row in rows
            if row["feature"] in tested and math.isfinite(row[column])
        }
        adjusted = statistics.holm(usable)
        frame[name] = [adjusted.get(feature, math.nan) for feature in frame["feature"]]
    return frame.assign(reliable=frame["feature"].isin(tested))
