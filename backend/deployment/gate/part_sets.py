"""The parts of an anomaly model in sets that share no group: to calibrate, to choose, to judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.core import facts, runs
from backend.deployment.gate.subject import LEAST_CALIBRATION, evenly
from backend.deployment.package import contract
from backend.deployment.package.contract import Judged, Package
from backend.inspection.model import folds
from backend.inspection.parts.crops import read_parts
from backend.records import Label, UserError
from backend.wording import counted

PIECES = 4  # of what the model never saw: one to calibrate on, one to choose on, two to judge on


@dataclass(frozen=True)
class PartSets:
    """limit: GOOD parts that the model never saw and that are not judged, to set limits on."""

    calibrate: tuple[Judged, ...]
    choose: tuple[Judged, ...]
    judge: tuple[Judged, ...]
    limit: tuple[Judged, ...]


def divided(parts: Sequence[Judged], most: int, seed: int) -> PartSets:
    """The sets of a model's own parts; at most `most` of them calibrate.

    Nobody is judged on what the model was fitted on. What it was fitted on calibrates, unless it
    shares a group with a part that is judged or chosen on.
    """
    unseen = [part for part in parts if not part.seen]
    groups = np.array([part.group for part in unseen])
    strata = np.array([f"{part.label} {part.feature_type}" for part in unseen])
    piece = folds.dealt(PIECES, strata, groups, seed) if unseen else np.zeros(0, int)
    away = set(groups[piece > 0].tolist())
    seen = [part for part in parts if part.seen and part.group not in away]
    calibrate = [part for part, k in zip(unseen, piece, strict=True) if k == 0] + seen
    calibrate.sort(key=lambda part: (part.feature_type, part.label, part.name))
    spare = [part for part, k in zip(unseen, piece, strict=True) if k < 2]
    return PartSets(
        tuple(calibrate[place] for place in evenly(len(calibrate), most)),
        tuple(part for part, k in zip(unseen, piece, strict=True) if k == 1),
        tuple(part for part, k in zip(unseen, piece, strict=True) if k > 1),
        tuple(part for part in spare if part.label is Label.GOOD),
    )


def given(run_folder: Path, package: Package, others: PartSets, most: int) -> tuple[Judged, ...]:
    """Parts of another run to calibrate on. Raises UserError where it holds none of the model's
    feature types, others too, or parts that are chosen or judged on."""
    if runs.read(run_folder).kind != "parts":
        raise UserError("An anomaly model calibrates on parts. Choose a run of parts.")
    frame = read_parts(run_folder)
    contract.type_index(list(frame["feature"]), package.names)
    found = [
        Judged(
            row["part"], run_folder / row["path"], Label(row["label"]), row["group"], row["feature"]
        )
        for row in facts.records(frame)
    ]
    taken = {part.hash for part in (*others.choose, *others.judge)}
    shared = sum(part.hash in taken for part in found)
    if shared:
        raise UserError(
            f"{counted(shared, 'part')} to calibrate on would be judged on too. Choose a run with "
            "other parts to calibrate on."
        )
    return tuple(found[place] for place in evenly(len(found), most))


def refuse_few(count: int, asked: int) -> None:
    """Raises UserError where too few pictures would tell the ranges for INT8."""
    least = min(LEAST_CALIBRATION, asked)
    if count < least:
        raise UserError(
            f"Only {counted(count, 'picture')} to calibrate INT8 on, {least} are needed. Add some, "
            "or name a run with more under 'Calibration run'."
        )
