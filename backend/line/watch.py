"""A line as the pages see it, from its files alone: they never talk to its process."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from backend.core import results, runs
from backend.deployment.package import contract, limits
from backend.images import imagefiles
from backend.images.pictures import Mark, annotated
from backend.inspection import inspect_part
from backend.line import control, outbox, pictures, segments, steady
from backend.line.keeper import STATUS
from backend.line.part import Verdict
from backend.line.spec import Spec
from backend.records import Box, UserError

SILENT = 10.0  # seconds without a sign of life after which a line counts as gone


@dataclass(frozen=True)
class Status:
    """What a line last said of itself. troubles: of what → in words. suspended: feature types whose
    limits promise nothing for their scores drifted → since when. Times of parts in ms, from the
    source to the verdict, None before the first; `time` and `began`: UTC, seconds. steady, boot:
    the moment as `steady` tells it."""

    name: str
    run: str
    epoch: int
    time: float
    began: float
    package: str
    thresholds: int
    capacity: int
    buffer: int
    a_minute: float
    totals: dict[str, int] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    suspended: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ended: bool = False
    golden: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    variant: str = ""
    steady: float = 0.0
    boot: str = ""

    @property
    def alive(self) -> bool:
        """Has it given a sign of life just now?"""
        here = self.boot == steady.boot()
        return not self.ended and here and steady.now() - self.steady < SILENT

    def count(self, verdict: Verdict) -> int:
        return self.totals.get(verdict.value, 0)


def names(storage: Path) -> list[str]:
    """Every line that was ever started, the one that gave the newest sign of life first."""
    homes = sorted((storage / segments.LINES).glob("*/"))
    return [home.name for home in sorted(homes, key=_last_sign, reverse=True)]


def _last_sign(home: Path) -> float:
    return (home / STATUS).stat().st_mtime if (home / STATUS).exists() else 0.0


def status(home: Path) -> Status | None:
    """The newest status, None before the first. Raises UserError where it is damaged."""
    if not (home / STATUS).exists():
        return None
    try:
        return results.from_json(Status, runs.read_json(home / STATUS))
    except ValueError as error:
        raise UserError(
            f"{home / STATUS} is damaged ({error}). The line writes it anew."
        ) from error


def newest(home: Path, count: int) -> pd.DataFrame:
    """The newest judged parts, oldest first, with the columns of the outbox."""
    cut_rows = [segments.read(path) for path in segments.files(home)[-1:]]
    found = [rows for rows in cut_rows if rows is not None]
    cut = segments.cut_upto(home)
    live = outbox.read(home, "verdict IS NOT NULL AND id > ?", [cut])
    found += [pd.DataFrame(live[-count:], columns=list(outbox.COLUMNS))] if live else []
    rows = pd.concat(found) if found else pd.DataFrame(columns=list(outbox.COLUMNS))
    return rows.tail(count).reset_index(drop=True)


def limits_of(home: Path, status: Status, feature: str) -> dict[str, float | None]:
    """The limits by which a line judges a feature type: BAD above, and GOOD up to. None: none."""
    asked = control.wish(home)
    if asked is None or asked.run != status.run:
        return {}
    head = runs.read_json(
        contract.folder_of(control.runs_of(home) / asked.package_run) / contract.HEAD
    )
    if head["kind"] == contract.DETECTOR:
        return _box_limits(home, status.run, float(head["confidence"]))
    told: dict[str, Any] | None
    if asked.threshold_run:
        told = {"limits": runs.read_json(control.limits_file(home, asked))["features"]}
    else:
        told = head.get("threshold")
    alarm, review = limits.by_type(told).get(feature, (None, None))
    return {"BAD above": alarm, "review above": review}


def picture(home: Path, path: str, with_map: bool = True) -> Image.Image | None:
    """A kept crop, with its map over it in orange, or its boxes, where it has some; None where it
    is gone."""
    file = home / path
    try:
        crop = imagefiles.read_rgb(file)
        boxes = file.with_suffix(pictures.BOXES)
        if with_map and boxes.is_file():
            return Image.fromarray(annotated(crop, [_mark(one) for one in _told(boxes)]))
        beside = file.with_suffix(pictures.MAP)
        if not with_map or not beside.is_file():
            return Image.fromarray(crop)
        with Image.open(beside) as grey:
            scores = np.asarray(grey, np.float32) / 255 * pictures.MOST_Z
        return inspect_part.overlay(crop, scores)
    except (OSError, UserError):
        return None


def _box_limits(home: Path, run: str, confidence: float) -> dict[str, float | None]:
    """Of a line with a detector: how sure a box makes a part BAD, or REVIEW."""
    spec = runs.spec(runs.read(runs.named(control.runs_of(home), run)), Spec)
    alarm = spec.box or confidence
    review = min(spec.box_review or alarm, alarm)
    return {"BAD above": alarm, "review above": review if review < alarm else None}


def _told(file: Path) -> list[Box]:
    """The boxes beside a kept crop."""
    return [results.from_json(Box, one) for one in runs.read_json(file)["boxes"]]


def _mark(box: Box) -> Mark:
    """A detector's box as it is drawn."""
    return Mark(box.xyxy, text=f"{box.class_name} {box.confidence:.2f}", dashed=True)
