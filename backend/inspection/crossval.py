"""Cross-validated GOOD-only anomaly scores per feature type, and the model fitted on all GOOD.

Every method sees the same features and the same folds; all crops of a group stay in one fold;
no BAD part takes part in any fit or calibration (mode "good-only").
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend import facts, runs
from backend.inspection import parts
from backend.records import Label, Progress, UserError
from backend.settings import settings
from backend.specs import param

if TYPE_CHECKING:
    from torch import nn

    from backend.inspection.denoiser import Scorer, Settings
    from backend.inspection.features import Choice, Tick

METHODS = ("diffusion", "padim", "mahalanobis")
BASELINE = "padim"
MIN_FIT = 5  # GOOD parts of a type that every training fold needs
SHOWN = 6  # anomaly maps drawn of each kind


@dataclass(frozen=True)
class Spec:
    """What is scored, with which features and which diffusion model."""

    parts_run: str = param("", "the parts to learn from and to score", run="parts")
    weights: str = param(
        "auto",
        "features: auto takes yolov8n.pt from storage/weights, else scattering (no download); "
        "self-supervised trains in each fold on its GOOD parts",
        choices=("auto", "coco", "scattering", "self-supervised", "random"),
    )
    weights_file: str = param(
        "", "a YOLO .pt in place of storage/weights/yolov8n.pt", path="file", optional=True
    )
    mode: str = param(
        "good-only", "good-only: no BAD part in training or calibration", choices=("good-only",)
    )
    folds: int = param(5, "parts of a group stay in one fold", lo=2, hi=10)
    repeats: int = param(1, "cross-validations with other folds; scores are averaged", lo=1, hi=10)
    steps: int = param(200, "training steps of the diffusion model", lo=0, hi=20_000)
    timesteps: int = param(4, "noise levels scored; fewer are faster", lo=1, hi=32)
    noise_pairs: int = param(
        1, "± noise maps a level; 0 scores each level once without noise", lo=0, hi=8, advanced=True
    )
    dims: int = param(100, "principal components kept", lo=8, hi=256, advanced=True)
    shrinkage: float = param(
        0.5, "weight of the type's mean covariance at each position", lo=0, hi=1, advanced=True
    )
    top_share: float = param(
        0.05, "share of the patches whose mean is the score", lo=0.005, hi=1, advanced=True
    )
    strides: str = param(
        "8+16",
        "YOLO layers used; 32 alone is source B's",
        choices=("8+16", "8+16+32", "32"),
        advanced=True,
    )
    backbone_steps: int = param(
        300, "training steps of a self-supervised backbone", lo=10, hi=20_000, advanced=True
    )
    size: int = param(
        128, "edge of a crop, px", choices=(64, 96, 128, 160, 192, 224, 256), advanced=True
    )
    jobs: int = param(1, "folds worked on at the same time", lo=1, hi=64, advanced=True)
    seed: int = param(0, "folds, noise bank and training", lo=0, hi=1_000_000, advanced=True)


@dataclass(frozen=True)
class Result:
    """mean_auroc: method -> mean over `averaged` features. None where no BAD part is known."""

    mean_auroc: dict[str, float | None]
    averaged: tuple[str, ...]
    weakest: str
    difference: float | None
    n: int
    n_good: int
    n_bad: int
    features: tuple[str, ...]
    unreliable: tuple[str, ...]
    backbone: str
    mode: str
    folds: int
    repeats: int
    part_seconds: float
    seconds: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Data:
    """Parts in the order of `parts.load`; types index the sorted feature names."""

    frame: pd.DataFrame
    names: tuple[str, ...]
    types: NDArray[np.int64]
    good: NDArray[np.bool_]
    crops: NDArray[np.uint8]


@dataclass(frozen=True)
class Fold:
    """One fold's task: which parts are trained on and which are scored."""

    repeat: int
    number: int
    train: NDArray[np.intp]
    test: NDArray[np.intp]


@dataclass(frozen=True)
class Scored:
    """Scores by method [n_test] of a fold, and the diffusion maps [n_test, G, G]."""

    fold: Fold
    scores: dict[str, NDArray[np.float32]]
    maps: NDArray[np.float32]


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Score every part out of fold; writes scores, AUROCs, comparisons, maps and the model."""
    from backend.inspection import features

    started = time.monotonic()
    progress(0.01, "reading crops")
    data = _load(spec, out_dir)
    choice = features.choose(spec.weights, spec.weights_file, settings().weights)
    folds = make_folds(data, spec.folds, spec.repeats, spec.seed)
    backbone = features.fixed(choice, spec.strides, spec.seed)
    extracting = time.monotonic()
    shared = None
    if backbone is not None:
        shared = features.extract(backbone, data.crops, _tick(progress, 0.02, 0.15))
    part_seconds = (time.monotonic() - extracting) / len(data.frame)
    scored = list(_score_folds(spec, data, folds, shared, progress))
    tick = _tick(progress, 0.8, 0.95)
    _final_model(spec, data, (choice, backbone, shared), out_dir, tick)
    table = _table(data, scored)
    facts.write(out_dir, "scores", table)
    _draw_maps(data, scored, out_dir, progress)
    return _report(spec, data, table, out_dir, choice, (part_seconds, started), progress)


def _load(spec: Spec, out_dir: Path) -> Data:
    folder = runs.sibling(out_dir, spec.parts_run)
    frame = parts.load(folder)
    names = tuple(sorted(frame["feature"].unique()))
    index = {name: i for i, name in enumerate(names)}
    return Data(
        frame,
        names,
        frame["feature"].map(index).to_numpy(np.int64),
        (frame["label"] == int(Label.GOOD)).to_numpy(bool),
        parts.read_crops(frame, folder, spec.size),
    )


def _tick(progress: Progress, low: float, high: float) -> "Tick":
    def tick(fraction: float, message: str) -> None:
        progress(low + (high - low) * fraction, message)

    return tick


def make_folds(data: Data, folds: int, repeats: int, seed: int) -> list[Fold]:
    """Stratified by feature and label, grouped by component. Raises UserError: too few parts."""
    import warnings

    from sklearn.model_selection import StratifiedGroupKFold

    strata = data.frame["feature"] + "/" + data.frame["label"].astype(str)
    if data.frame["group"].nunique() < folds:
        raise UserError(
            f"Only {data.frame['group'].nunique()} groups for {folds} folds. "
            "Use fewer folds, or more groups in metadata.csv."
        )
    made = []
    for repeat in range(repeats):
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed + repeat)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a rare stratum: told in the notes
            splits = list(splitter.split(data.types, strata, data.frame["group"]))
        made += [Fold(repeat, k, train, test) for k, (train, test) in enumerate(splits)]
    _enough_good(data, made)
    return made


def _enough_good(data: Data, folds: list[Fold]) -> None:
    for fold in folds:
        good = fold.train[data.good[fold.train]]
        known = np.bincount(data.types[good], minlength=len(data.names))
        for name, count in zip(data.names, known, strict=True):
            if count < MIN_FIT:
                raise UserError(
                    f"Feature '{name}' has only {count} GOOD parts to train on in a fold; "
                    f"{MIN_FIT} are needed. Add GOOD parts, or use fewer folds."
                )


def calibration_split(data: Data, good: NDArray[np.intp], seed: int) -> NDArray[np.bool_]:
    """Of GOOD parts [n], which fifth is held out for z-scores; groups stay together.

    A type that would keep fewer than three parts to fit gives none away.
    """
    import warnings

    from sklearn.model_selection import StratifiedGroupKFold

    groups, types = data.frame["group"].to_numpy()[good], data.types[good]
    held_out = np.zeros(len(good), bool)
    pieces = min(5, len(set(groups)))
    if pieces >= 2:
        splitter = StratifiedGroupKFold(pieces, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            held_out[next(iter(splitter.split(good, types, groups)))[1]] = True
    for t in np.unique(types):
        if (~held_out[types == t]).sum() < 3:
            held_out[types == t] = False
    if not held_out.any():
        held_out[::5] = True
    return held_out


def _diffusion(spec: Spec) -> "Settings":
    from backend.inspection.denoiser import Settings

    return Settings(
        dims=spec.dims,
        shrinkage=spec.shrinkage,
        timesteps=spec.timesteps,
        noise_pairs=spec.noise_pairs,
        top_share=spec.top_share,
        steps=spec.steps,
        seed=spec.seed,
    )


def _score_folds(
    spec: Spec,
    data: Data,
    folds: list[Fold],
    shared: NDArray[np.float32] | None,
    progress: Progress,
) -> Iterator[Scored]:
    """Each fold in turn, or side by side in joblib's processes where `jobs` allows it."""
    low, span = 0.15, 0.65
    if spec.jobs == 1:
        for i, fold in enumerate(folds):
            start, width = low + span * i / len(folds), span / len(folds)
            yield _score_fold(spec, data, fold, shared, _tick(progress, start, start + width))
        return
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=spec.jobs, return_as="generator")
    work = (delayed(_score_alone)(spec, data, fold, shared) for fold in folds)
    for i, done in enumerate(pool(work)):
        progress(low + span * (i + 1) / len(folds), f"fold {i + 1} of {len(folds)}", step=i + 1)
        yield done


def _score_alone(spec: Spec, data: Data, fold: Fold, shared: NDArray[np.float32] | None) -> Scored:
    import torch

    from backend.inspection.features import no_tick

    torch.set_num_threads(1)
    return _score_fold(spec, data, fold, shared, no_tick)


def _score_fold(
    spec: Spec, data: Data, fold: Fold, shared: NDArray[np.float32] | None, tick: "Tick"
) -> Scored:
    """Fit every method on the fold's GOOD training parts and score its test parts."""
    from backend.inspection import denoiser

    good = fold.train[data.good[fold.train]]
    name = f"fold {fold.number + 1} of repeat {fold.repeat + 1}: "

    def told(fraction: float, message: str) -> None:
        tick(fraction, name + message)

    maps = shared
    if maps is None:
        maps = _own_features(spec, data, good, told)[1]
    held_out = calibration_split(data, good, spec.seed)
    scorer, projection, whitening = denoiser.fit(
        maps[good], data.types[good], held_out, len(data.names), _diffusion(spec), told
    )
    scores, found = denoiser.score(scorer, maps[fold.test], data.types[fold.test])
    projected = (projection(maps[good]), projection(maps[fold.test]))
    baselines = _baselines(spec, data, fold, (good, held_out), projected, whitening)
    return Scored(fold, {"diffusion": scores, **baselines}, found)


def _own_features(
    spec: Spec, data: Data, good: NDArray[np.intp], tick: "Tick"
) -> tuple["nn.Module", NDArray[np.float32]]:
    """A backbone trained on these GOOD parts only, and the features of all parts."""
    from backend.inspection import features

    backbone = features.self_supervise(
        data.crops[good], data.types[good], spec.backbone_steps, spec.seed, spec.strides, tick
    )
    return backbone, features.extract(backbone, data.crops, tick)


def _baselines(
    spec: Spec,
    data: Data,
    fold: Fold,
    good: tuple[NDArray[np.intp], NDArray[np.bool_]],
    projected: tuple[NDArray[np.float32], NDArray[np.float32]],
    whitening: Any,
) -> dict[str, NDArray[np.float32]]:
    """Scores [n_test] of the baselines, fitted and calibrated on the diffusion's own parts."""
    from backend.inspection import baselines, scoring

    (index, held_out), (known, asked) = good, projected
    types, n = data.types[index], len(data.names)
    models: dict[str, baselines.Padim | baselines.Mahalanobis] = {
        "padim": baselines.Padim(whitening),
        "mahalanobis": baselines.fit_mahalanobis(known[~held_out], types[~held_out], n),
    }
    found = {}
    for name, model in models.items():
        usual = scoring.top_mean(model.maps(known[held_out], types[held_out]), spec.top_share)
        scale = scoring.fit_scale(usual, types[held_out], n)
        scores = scoring.top_mean(model.maps(asked, data.types[fold.test]), spec.top_share)
        found[name] = scale(scores, data.types[fold.test])
    return found


def _final_model(
    spec: Spec,
    data: Data,
    features_of: tuple["Choice", "nn.Module | None", NDArray[np.float32] | None],
    out_dir: Path,
    tick: "Tick",
) -> "Scorer":
    """Fit on all GOOD parts, as the folds were, and save it for export."""
    from backend.inspection import denoiser

    (choice, backbone, maps), good = features_of, np.flatnonzero(data.good)
    if backbone is None or maps is None:
        backbone, maps = _own_features(spec, data, good, tick)
    held_out = calibration_split(data, good, spec.seed)
    scorer, _, _ = denoiser.fit(
        maps[good], data.types[good], held_out, len(data.names), _diffusion(spec), tick
    )
    about = {
        "features": list(data.names),
        "size": spec.size,
        "mode": spec.mode,
        "backbone": choice.note,
        "n_good": len(good),
        "parts_run": spec.parts_run,
        "inspect_run": out_dir.name,
    }
    folder = out_dir / "artifacts" / "model"
    folder.mkdir(parents=True, exist_ok=True)
    denoiser.save(folder, denoiser.Inspector(backbone, scorer), about)
    return scorer


def _table(data: Data, scored: list[Scored]) -> pd.DataFrame:
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
    return pd.concat(pieces, ignore_index=True)


def _report(
    spec: Spec,
    data: Data,
    table: pd.DataFrame,
    out_dir: Path,
    choice: "Choice",
    clock: tuple[float, float],
    progress: Progress,
) -> Result:
    """AUROCs with intervals, paired comparisons, and the means over the reliable features."""
    from backend.inspection import statistics

    scores: pd.DataFrame = table.pivot_table(
        index="part", columns="method", values="score", aggfunc="mean"
    )
    scores = scores.reindex(list(data.frame["part"])).reset_index(drop=True)
    aurocs = pd.DataFrame(_auroc_rows(data, scores))
    facts.write(out_dir, "auroc", aurocs)
    tested = sorted(aurocs.loc[aurocs["reliable"], "feature"].unique())
    known = sorted(aurocs.loc[aurocs["n_bad"] > 0, "feature"].unique())
    averaged = tuple(tested or known)
    facts.write(out_dir, "comparisons", _comparisons(data, scores, tested))
    rows = []
    for row in _figures(data, scores, averaged, spec.seed):
        rows.append(row)
        progress(0.96 + 0.01 * len(rows), f"interval of {row['subject']}")
    figures = pd.DataFrame(rows)
    facts.write(out_dir, "figures", figures)
    progress(1.0, "done", metrics={f"AUROC {s}": v for s, v in _means(figures).items() if v})
    mine = aurocs[(aurocs["method"] == "diffusion") & aurocs["feature"].isin(averaged)]
    weakest = str(mine.sort_values("auroc")["feature"].iloc[0]) if len(mine) else ""
    unreliable = tuple(sorted(set(data.names) - set(tested)))
    part_seconds, started = clock
    return Result(
        mean_auroc={m: _means(figures).get(m) for m in METHODS},
        averaged=averaged,
        weakest=weakest,
        difference=_means(figures).get("diffusion − padim"),
        n=len(data.frame),
        n_good=int(data.good.sum()),
        n_bad=int((~data.good).sum()),
        features=data.names,
        unreliable=unreliable,
        backbone=choice.note,
        mode=spec.mode,
        folds=spec.folds,
        repeats=spec.repeats,
        part_seconds=round(part_seconds, 5),
        seconds=round(time.monotonic() - started, 1),
        notes=tuple(_notes(unreliable, tested, known, statistics.MIN_BAD)),
    )


def _notes(
    unreliable: tuple[str, ...], tested: list[str], known: list[str], least: int
) -> Iterator[str]:
    if not known:
        yield "No BAD part is known, so no AUROC can be given; the model itself is complete."
    elif not tested:
        yield f"No feature has {least} BAD parts: the mean over all of them is not reliable."
    elif unreliable:
        yield (
            f"Fewer than {least} BAD parts: {', '.join(unreliable)}. Their AUROC is shown, but "
            "takes no part in the mean or the test."
        )


def _means(figures: pd.DataFrame) -> dict[str, float | None]:
    if figures.empty:
        return {}
    return {
        str(s): round(float(v), 4) if math.isfinite(v) else None
        for s, v in zip(figures["subject"], figures["value"], strict=True)
    }


def _auroc_rows(data: Data, scores: pd.DataFrame) -> Iterator[dict[str, Any]]:
    from backend.inspection import statistics

    for method in METHODS:
        for t, name in enumerate(data.names):
            mine = scores[method].to_numpy()
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
    from backend.inspection import statistics

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


def _figures(
    data: Data, scores: pd.DataFrame, averaged: tuple[str, ...], seed: int
) -> Iterator[dict[str, Any]]:
    """Mean AUROC per method, and the difference to the baseline, with group bootstrap."""
    from backend.inspection import statistics

    columns = {m: scores[m].to_numpy() for m in METHODS}
    chosen = [t for t, name in enumerate(data.names) if name in averaged]

    def mean(index: NDArray[np.intp], method: str) -> float:
        types, good, values = data.types[index], data.good[index], columns[method][index]
        each = [
            statistics.auroc(values[(types == t) & good], values[(types == t) & ~good])
            for t in chosen
        ]
        return float(np.mean(each))

    if not chosen:
        return
    for method in METHODS:
        interval = statistics.group_bootstrap(
            partial(mean, method=method), data.frame["group"], 300, seed=seed
        )
        yield _figure(method, "mean AUROC", interval, len(data.frame))
    difference = statistics.group_bootstrap(
        lambda index: mean(index, "diffusion") - mean(index, BASELINE),
        data.frame["group"],
        300,
        seed=seed,
    )
    yield _figure("diffusion − padim", "mean AUROC difference", difference, len(data.frame))


def _figure(
    subject: str, metric: str, interval: tuple[float, float, float], n: int
) -> dict[str, Any]:
    value, low, high = interval
    return {
        "subject": subject,
        "metric": metric,
        "value": value,
        "low": low,
        "high": high,
        "n": n,
    }


def _draw_maps(data: Data, scored: list[Scored], out_dir: Path, progress: Progress) -> None:
    """Keep every out-of-fold map, and draw the telling ones over their pictures.

    artifacts/maps.npz: part [N], map [N, G, G], score [N] of the first repeat.
    artifacts/maps/: found (BAD, highest), missed (BAD, lowest), alarm (GOOD, highest).
    """
    first = [one for one in scored if one.fold.repeat == 0]
    index = np.concatenate([one.fold.test for one in first])
    maps = np.concatenate([one.maps for one in first])
    scores = np.concatenate([one.scores["diffusion"] for one in first])
    names = data.frame["part"].to_numpy(str)[index]
    np.savez_compressed(out_dir / "artifacts" / "maps.npz", part=names, map=maps, score=scores)
    good, order = data.good[index], np.argsort(scores)
    bad_order, good_order = order[~good[order]], order[good[order]]
    kinds = {
        "found": bad_order[::-1][:SHOWN],
        "missed": bad_order[:SHOWN],
        "alarm": good_order[::-1][:SHOWN],
    }
    rows = []
    for kind, chosen in kinds.items():
        for rank, i in enumerate(chosen):
            path = f"artifacts/maps/{kind}-{rank + 1}.png"
            _overlay(data.crops[index[i]], maps[i], out_dir / path)
            rows.append(
                {"kind": kind, "path": path, "part": str(names[i]), "score": float(scores[i])}
            )
        progress(0.96, "anomaly maps")
    runs.write_json(out_dir / "artifacts" / "maps.json", {"maps": rows})


def _overlay(crop: NDArray[np.uint8], found: NDArray[np.float32], path: Path) -> None:
    """The crop, grey, with the map in orange: opaque from a patch z-score of 6 up."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    size = (crop.shape[1], crop.shape[0])
    strength = Image.fromarray((np.clip(found / 6, 0, 1) * 255).astype(np.uint8))
    weight = np.asarray(strength.resize(size, Image.Resampling.BILINEAR))[..., None] / 255 * 0.75
    grey = np.repeat(crop.mean(-1, keepdims=True), 3, axis=-1)
    shown = grey * (1 - weight) + np.array([230, 97, 0]) * weight
    Image.fromarray(shown.astype(np.uint8)).save(path)
