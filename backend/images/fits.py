"""What a set of images holds, counted, and whether that is what a setting wants of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.core import aside, facts, runs, specs
from backend.core.specs import Param
from backend.images import curation, imageset
from backend.images.aside import left_out
from backend.images.vocabulary import (
    ANY_IMAGE,
    BOXES,
    DRAWN,
    GOOD,
    IMPORTED,
    LABELLED,
    PHOTOGRAPHS,
)
from backend.records import UserError
from backend.wording import counted


@dataclass(frozen=True)
class Holding:
    """Numbers of images, as later jobs see the set. good: labelled, without a box. defects: with a
    box; guessed: those of them with a box that a labeller guessed. away: put aside for tests.
    imported: is any from elsewhere? `good` to `guessed` do not count what is away."""

    images: int
    good: int
    defects: int
    unlabelled: int
    guessed: int
    away: int
    imported: bool

    def __str__(self) -> str:
        told = [counted(self.images, "image"), f"{self.good} good"]
        told += [f"{self.defects} with defects"]
        told += [f"{self.unlabelled} not labelled"] if self.unlabelled else []
        told += [f"{self.away} more put aside"] if self.away else []
        return ", ".join(told)


def holding(run_folder: Path) -> Holding | None:
    """What a finished set holds; None for a run that holds no images, as a student."""
    if not facts.path(run_folder, "images").exists():
        return None
    rows, boxes = curation.kept(run_folder)
    away = rows["image"].isin(_away(run_folder))
    rows = rows[~away]
    marked = rows["image"].isin(boxes["image"])
    labelled = rows["labelled"].astype(bool)
    guesses = boxes.loc[~boxes["source"].isin(DRAWN), "image"]
    return Holding(
        images=len(rows),
        good=int((labelled & ~marked).sum()),
        defects=int((labelled & marked).sum()),
        unlabelled=int((~labelled).sum()),
        guessed=int((labelled & rows["image"].isin(guesses)).sum()),
        away=int(away.sum()),
        imported=bool((rows["source"] == IMPORTED).any()),
    )


def _away(run_folder: Path) -> set[str]:
    """What later jobs leave out of a set; a data set or a test set is taken as it is."""
    if runs.asked_for(run_folder).kind not in imageset.KINDS.split("|"):
        return set()
    return left_out(run_folder, aside.finished(run_folder.parent))


def why_not(found: Holding, wants: str) -> str:
    """Why a set is of no use where this is wanted, in a few words; "" where it fits."""
    drawn = found.defects - found.guessed
    reasons = {
        ANY_IMAGE: () if found.images else ("no images left",),
        LABELLED: () if found.good + found.defects else ("nothing labelled",),
        GOOD: () if found.good else ("no good parts",),
        BOXES: () if found.defects else ("no boxes",),
        PHOTOGRAPHS: (
            *(() if found.imported else ("not imported",)),
            *(() if found.defects else ("no boxes",)),
            *(() if drawn else ("all boxes are guessed; correct them by hand",)),
        ),
    }
    return next(iter(reasons.get(wants, ())), "")


def check(spec: Any, runs_folder: Path) -> None:
    """Raises UserError naming the setting whose set of images is of no use to it."""
    for p in specs.params(type(spec)):
        value = getattr(spec, p.name)
        for run_id in value if p.many else (value,):
            if p.wants and run_id:
                _check_one(p, runs_folder / run_id)


def _check_one(p: Param, run_folder: Path) -> None:
    found = holding(run_folder)
    reason = why_not(found, p.wants) if found else ""
    if found and reason:
        run = runs.read(run_folder)
        raise UserError(
            f"{p.label}: '{run.name or run.id}' cannot be used here: {reason} ({found}). Choose "
            "another."
        )
