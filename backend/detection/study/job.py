"""The study: does synthetic data help on real parts, how much, and at what false alarms?

The same detector is trained in several arms for the same number of steps and judged on the same
real photographs, which no arm has seen. "real+intact" is the control that every study must show:
what synthetic images on intact photographs add is often the intact photographs.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.core import facts
from backend.detection import alarms, evaluation
from backend.detection.start_weights import Start
from backend.detection.study import pool, verdicts
from backend.detection.study.pool import Pool
from backend.detection.study.spec import Result, Spec
from backend.images import fits
from backend.records import Progress

if TYPE_CHECKING:
    from backend.detection.study.trials import Outcome

check_inputs = fits.check
HELD = {"held_intact": "good parts held back", "held_alarmed": "of them with a false alarm"}


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Train and judge every arm; keeps each trial's raw boxes, and what they say, as facts."""
    from backend.detection.study import trials
    from backend.numeric import checkpoints

    start = spec.starts_from()
    if start.pretrained and start.file:
        checkpoints.check_detector(start.file)
    gathered = pool.gather(spec, out_dir, progress, 0.05)
    planned = spec.trials(list(pool.labels(spec, out_dir)))

    def told(fraction: float, message: str = "", **more: Any) -> None:
        progress(0.05 + 0.9 * fraction, message, **more)

    outcomes = trials.run_all(spec, planned, gathered, start.file, out_dir, told)
    return _concluded(spec, outcomes, gathered, start, out_dir, progress)


def _concluded(
    spec: Spec,
    outcomes: "Sequence[Outcome]",
    gathered: Pool,
    start: Start,
    out_dir: Path,
    progress: Progress,
) -> Result:
    """Bootstrap all figures, write the facts, and say what they mean."""
    from backend.detection.study import contrasts, training
    from backend.numeric.statistics import group_draws

    groups = outcomes[0].judged.groups
    draws = group_draws(groups, spec.seed, contrasts.RESAMPLES)
    measured = []
    for k, outcome in enumerate(outcomes):
        progress(0.95 + 0.05 * k / len(outcomes), f"intervals {k + 1} of {len(outcomes)}")
        measured.append(contrasts.measure(outcome, draws))
    by_seed = contrasts.seed_draws(spec.seeds, spec.seed)
    n_groups, specimens = len(set(groups)), len({s.group for s in gathered.test if s.boxes})
    box = evaluation.constant_box(gathered.test)
    control = box.ap50()
    learning = contrasts.learning(contrasts.beyond(measured, box, draws), by_seed)
    compared = contrasts.contrast(measured, by_seed, len(groups), n_groups)
    rows = _trial_rows(measured, outcomes)
    _write_facts(out_dir, rows, learning, compared, control, len(groups))
    found = verdicts.findings(
        verdicts.Evidence(rows, learning, compared, control, spec.seeds, specimens)
    )
    return Result(
        verdict=found.headline,
        verdicts=found.sentences(),
        trials=len(outcomes),
        seeds=spec.seeds,
        steps=math.prod(training.rounds(spec.steps)),
        test_images=len(groups),
        test_intact=sum(not s.boxes for s in gathered.test),
        test_groups=n_groups,
        test_defect_groups=specimens,
        test_boxes=sum(len(s.boxes) for s in gathered.test),
        real_training_images=len(gathered.training["real"]),
        intact_training_images=len(gathered.training["intact"]),
        constant_box_ap50=control,
        alarm_rate=spec.alarm_rate,
        held_intact=min((o.figures.get("held_intact", 0) for o in outcomes), default=0),
        held_failed=sum(_failed(o.figures, spec.alarm_rate) for o in outcomes),
        pretrained=start.pretrained,
        start=start.words,
        seconds_per_trial=sum(o.figures["seconds"] for o in outcomes) / len(outcomes),
        test_hash=gathered.test_hash,
        near_duplicates=gathered.alike,
        notes=gathered.notes,
    )


def _failed(figures: dict[str, Any], rate: float) -> bool:
    """Has a training found no confidence that keeps to the rate?"""
    intact, alarmed = (figures.get(name, 0) for name in HELD)
    return not (figures.get("held_right", True) and alarms.keeps(intact, alarmed, rate))


def _trial_rows(measured: Sequence[Any], outcomes: "Sequence[Outcome]") -> list[dict[str, Any]]:
    """Rows of the table `trials`."""
    rows = []
    for one, outcome in zip(measured, outcomes, strict=True):
        figures = outcome.figures
        own = {"confidence": figures["confidence"], "own AP50": figures["own_ap50"]}
        own["seconds"] = figures["seconds"]
        own |= {words: figures[name] for name, words in HELD.items() if name in figures}
        trial = {
            "arm": outcome.trial.arm.name,
            "real": outcome.trial.amount,
            "seed": outcome.trial.seed,
            "real_images": figures["real"],
            "intact_images": figures["intact"],
            "synthetic_images": figures["synthetic"] + figures["pasted"],
            "own_images": figures["own_images"],
        }
        rows += [trial | {"metric": m, "value": v} for m, v in (one.values | own).items()]
    return rows


def _write_facts(
    out_dir: Path,
    trials: list[dict[str, Any]],
    learning: list[dict[str, Any]],
    compared: list[dict[str, Any]],
    control: float,
    n_images: int,
) -> None:
    facts.write(out_dir, "trials", trials)
    facts.write(out_dir, "learning", learning)
    facts.write(out_dir, "contrasts", compared)
    figure = {"subject": "constant box", "metric": "AP50", "value": control}
    facts.write(out_dir, "figures", [figure | {"n": n_images}])
