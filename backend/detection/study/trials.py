"""All trials of a study: side by side, those of an interrupted study taken as they are. Heavy."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed

from backend.core import runs
from backend.detection import evaluation
from backend.detection.evaluation import Judged
from backend.detection.mixing import REAL
from backend.detection.study import copy_paste, draw, training
from backend.detection.study.arms import Trial
from backend.detection.study.draw import Drawn
from backend.detection.study.pool import Pool
from backend.detection.study.spec import Spec
from backend.images.labelled_image import LabelledImage
from backend.numeric.hardware import duration
from backend.records import Progress

COLUMNS = ("x1", "y1", "x2", "y2", "confidence")
OnStep = Callable[[int], None]  # takes the number of steps done
Train = Callable[[Trial, OnStep], str]  # `one` of a study: returns the trial's key


@dataclass(frozen=True)
class Outcome:
    """What a trial gave. judged: its boxes on the test images.

    figures: confidence (best F1 on the real images held back, or on all held back where none is
    real or nothing is right on those, and on intact photographs it never saw; 0.25 where nothing is
    right at all),
    own_ap50 on all images held back (None without a box among them), own_images, seconds,
    steps, and how many images of each source it had: real, intact, synthetic, pasted.
    """

    trial: Trial
    judged: Judged
    figures: dict[str, Any]


def run_all(
    spec: Spec,
    trials: list[Trial],
    pool: Pool,
    weights: Path | None,
    out_dir: Path,
    progress: Progress,
) -> list[Outcome]:
    """Every trial's outcome, in the order of `trials`. progress: of the trials alone, 0 to 1."""
    waiting = [trial for trial in trials if not _record(out_dir, trial).exists()]
    done = len(trials) - len(waiting)
    started = time.monotonic()

    def told(more: float, words: str) -> None:
        progress((done + more) / len(trials), words)

    told(0, f"trial {done + 1} of {len(trials)}")
    train = partial(one, spec, pool, weights, out_dir)
    if spec.jobs > 1:
        keys = _side_by_side(train, waiting, spec.jobs)
    else:
        keys = _in_turn(train, waiting, spec.steps, told)
    for count, key in enumerate(keys, start=1):
        left = (time.monotonic() - started) / count * (len(waiting) - count)
        words = f"trial {done + count} of {len(trials)} done ({key})"
        told(count, f"{words}, about {duration(left)} left")
    return [_outcome(out_dir, trial, pool) for trial in trials]


def _in_turn(
    train: Train, waiting: list[Trial], steps: int, told: Callable[[float, str], None]
) -> Iterator[str]:
    """Keys of the trials as they end. told: takes how many of them are done, and words."""
    for number, trial in enumerate(waiting):

        def on_step(step: int, number: int = number, trial: Trial = trial) -> None:
            told(number + step / steps, f"{trial.key}: step {step} of {steps}")

        yield train(trial, on_step)


def _side_by_side(train: Train, waiting: list[Trial], jobs: int) -> Iterator[str]:
    workers = Parallel(n_jobs=jobs, return_as="generator_unordered")
    yield from workers(delayed(_alone)(train, trial) for trial in waiting)


def _alone(train: Train, trial: Trial) -> str:
    """A trial in a process of its own, on one core."""
    torch.set_num_threads(1)

    def on_step(step: int) -> None:
        """Nobody watches the steps of a trial beside others."""

    return train(trial, on_step)


def one(
    spec: Spec,
    pool: Pool,
    weights: Path | None,
    out_dir: Path,
    trial: Trial,
    on_step: OnStep,
) -> str:
    """Train and test one detector; its record is written last. Returns the trial's key."""
    started = time.monotonic()
    folder = out_dir / "checkpoint" / "trials" / trial.key
    shutil.rmtree(folder, ignore_errors=True)
    drawn = draw.draw(pool.training, trial, spec.synthetic_count, spec.seed)
    images, pasted = list(drawn.training), 0
    seed = spec.seed + trial.seed
    if "copy-paste" in trial.arm.parts:
        donors = [s for s in drawn.training if s.source == "real"]
        goods = [s for s in drawn.training if s.source == "intact"]
        place = folder / "pasted"
        more = copy_paste.pasted(donors, goods, spec.synthetic_count, spec.size, place, seed)
        images, pasted = images + more, len(more)
    network = training.fit(spec, weights, images, folder / "data", seed, on_step, trial.arm.mixing)
    unseen = drawn.validation + drawn.intact
    own = own_figures(drawn, training.predict(network, unseen, spec))
    _keep_predictions(out_dir, trial, pool.test, training.predict(network, pool.test, spec))
    figures = own | {
        "real": drawn.count("real"),
        "intact": drawn.count("intact"),
        "synthetic": drawn.count(*trial.arm.sources),
        "pasted": pasted,
        "seconds": round(time.monotonic() - started, 1),
    }
    shutil.rmtree(folder, ignore_errors=True)
    _record(out_dir, trial).parent.mkdir(parents=True, exist_ok=True)
    runs.write_json(_record(out_dir, trial), figures)
    return trial.key


def own_figures(drawn: Drawn, predictions: list[np.ndarray]) -> dict[str, Any]:
    """What the images held back tell: source A's figure, and the confidence to work at.

    predictions: of `drawn.validation`, then of `drawn.intact`.
    """
    if not drawn.validation:
        return {"confidence": 0.25, "own_ap50": None, "own_images": 0}
    held = range(len(drawn.validation))
    real = [k for k in held if drawn.validation[k].source in REAL]
    judged = _judged(drawn, predictions, held)
    intact = range(len(held), len(predictions))
    chosen = _judged(drawn, predictions, [*(real or held), *intact])
    if not chosen.correct.any():
        chosen = _judged(drawn, predictions, [*held, *intact])
    return {
        "confidence": chosen.best_f1().confidence,
        "own_ap50": judged.ap50() if judged.truths.sum() else None,
        "own_images": len(drawn.validation),
    }


def _judged(drawn: Drawn, predictions: list[np.ndarray], places: Sequence[int]) -> Judged:
    samples = drawn.validation + drawn.intact
    return evaluation.judge([samples[k] for k in places], [predictions[k] for k in places])


def _record(out_dir: Path, trial: Trial) -> Path:
    return out_dir / "checkpoint" / "done" / f"{trial.key}.json"


def predictions_file(out_dir: Path, trial: Trial) -> Path:
    """Where the raw boxes of a trial on the test images are kept."""
    return out_dir / "artifacts" / "predictions" / f"{trial.key}.parquet"


def _keep_predictions(
    out_dir: Path, trial: Trial, test: tuple[LabelledImage, ...], predictions: list[np.ndarray]
) -> None:
    frame = pd.DataFrame(np.concatenate(predictions), columns=list(COLUMNS)).astype(np.float32)
    frame.insert(0, "image", np.repeat([s.name for s in test], [len(p) for p in predictions]))
    path = predictions_file(out_dir, trial)
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False)


def _outcome(out_dir: Path, trial: Trial, pool: Pool) -> Outcome:
    frame = pd.read_parquet(predictions_file(out_dir, trial))
    boxes = frame[list(COLUMNS)].to_numpy(float)
    image = frame["image"].astype(str).str.zfill(6).to_numpy()  # once numbers of rows
    predictions = [boxes[image == sample.name] for sample in pool.test]
    judged = evaluation.judge(pool.test, predictions)
    return Outcome(trial, judged, json.loads(_record(out_dir, trial).read_text(encoding="utf-8")))
