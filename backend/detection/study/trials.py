"""All trials of a study: side by side, those of an interrupted study taken as they are. Heavy."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.core import cluster, runs
from backend.core.units import Needs, Tick
from backend.detection import evaluation
from backend.detection.evaluation import Judged
from backend.detection.mixing import REAL
from backend.detection.study import copy_paste, draw, training
from backend.detection.study.arms import Trial
from backend.detection.study.draw import Drawn
from backend.detection.study.pool import Pool
from backend.detection.study.spec import Spec
from backend.images.labelled_image import LabelledImage

COLUMNS = ("x1", "y1", "x2", "y2", "confidence")
MEMORY = 1500 * 2**20  # bytes of a training at 160 px


@dataclass(frozen=True)
class Outcome:
    """What a trial gave. judged: its boxes on the test images.

    figures: confidence (best F1 on the real images held back, or on all held back where none is
    real or nothing is right on those, and on intact photographs it never saw, of the confidences
    that keep to the spec's alarm rate; 0.25 where nothing is right at all), held_intact: parts
    without a defect that chose it, held_alarmed: of them with a box (neither from earlier versions,
    nor where no image is held back), held_right: whether any box on them is right at any
    confidence, own_ap50 on all images held back (None without a box among
    them), own_images, seconds, steps, and how many images of each source it had: real, intact,
    synthetic, pasted.
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
    progress: Tick,
) -> list[Outcome]:
    """Every trial's outcome, in the order of `trials`. progress: of the trials alone, 0 to 1."""
    cluster.make_all(
        one,
        (spec, pool, weights, out_dir),
        {_record(out_dir, trial): trial for trial in trials},
        out_dir,
        progress,
        noun="trial",
        jobs=spec.jobs,
        needs=Needs(gpu=True, memory=MEMORY),
    )
    return [_outcome(out_dir, trial, pool) for trial in trials]


def one(
    shared: tuple[Spec, Pool, Path | None, Path], trial: Trial, record: Path, tick: Tick
) -> None:
    """Train and test one detector; its record is written last."""
    spec, pool, weights, out_dir = shared
    started = time.monotonic()
    folder = out_dir / "checkpoint" / "trials" / trial.key
    shutil.rmtree(folder, ignore_errors=True)
    drawn = draw.draw(pool.training, trial, spec.synthetic_count, spec.seed, pool.joined)
    images, pasted = list(drawn.training), 0
    seed = spec.seed + trial.seed
    if "copy-paste" in trial.arm.parts:
        donors = [s for s in drawn.training if s.source == "real"]
        goods = [s for s in drawn.training if s.source == "intact"]
        place = folder / "pasted"
        more = copy_paste.pasted(donors, goods, spec.synthetic_count, spec.size, place, seed)
        images, pasted = images + more, len(more)

    def on_step(step: int) -> None:
        tick(min(1.0, step / spec.steps), f"{trial.key}: step {step} of {spec.steps}")

    network = training.fit(spec, weights, images, folder / "data", seed, on_step, trial.arm.mixing)
    unseen = drawn.validation + drawn.intact
    own = own_figures(drawn, training.predict(network, unseen, spec), spec.alarm_rate)
    _keep_predictions(out_dir, trial, pool.test, training.predict(network, pool.test, spec))
    figures = own | {
        "real": drawn.count("real"),
        "intact": drawn.count("intact"),
        "synthetic": drawn.count(*trial.arm.sources),
        "pasted": pasted,
        "seconds": round(time.monotonic() - started, 1),
    }
    shutil.rmtree(folder, ignore_errors=True)
    runs.write_json(record, figures)


def own_figures(
    drawn: Drawn, predictions: list[np.ndarray], alarm_rate: float = 1.0
) -> dict[str, Any]:
    """What the images held back tell: source A's figure, and the confidence to work at.

    predictions: of `drawn.validation`, then of `drawn.intact`. alarm_rate: of the spec.
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
    confidence = chosen.best_f1(alarm_rate).confidence
    parts, alarmed = chosen.intact_alarmed(confidence)
    return {
        "confidence": confidence,
        "held_intact": parts,
        "held_alarmed": alarmed,
        "held_right": bool(chosen.correct.any()),
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
