"""A detector on the line: a box that is sure enough makes a part BAD. Needs onnxruntime."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backend.deployment.package import contract, detector
from backend.deployment.package.limits import Limits
from backend.inspection.inspect_part import verdict
from backend.line.judge import CALLED, Looked, PackageJudge, Setting, opened
from backend.line.part import Captured
from backend.records import Box, UserError

DRAWN = 50  # boxes that are kept of a part, at most
LEAST_DRAWN = 0.05  # how sure one must be to be kept


class BoxJudge(PackageJudge):
    """A package of a detector. Its score of a part is how sure it is of the surest box, 0 without
    any; feature types are only told."""

    KIND = contract.DETECTOR

    def _known(self, feature: str) -> str:
        return feature

    def _limits_from(self, file: Path | None) -> tuple[Mapping[str, Limits], int]:
        if file:
            raise UserError("Limits of an anomaly model are none of a detector: leave them out.")
        return {}, 0

    def limits(self, feature: str) -> Limits:
        """See `PackageJudge.limits`: the next number below how sure a box must be."""
        alarm = self._setting.box or float(self.package.head["confidence"])
        review = min(self._setting.box_review or alarm, alarm)
        return float(np.nextafter(alarm, 0)), float(np.nextafter(review, 0))

    def _looked(self, one: Captured) -> Looked:
        if one.fault:
            raise UserError(one.fault)
        found = self._found(one.picture)
        score = float(found.confidence.max(initial=0))
        if not np.isfinite(score):
            raise UserError(f"The model gave no number ({score}).")
        said = self._said(CALLED[verdict(score, self.limits(""))], score)
        return Looked(said, boxes=_boxes(found.least(LEAST_DRAWN), self.package.names))

    def _found(self, picture: bytes) -> detector.Boxes:
        pixels = np.asarray(opened(picture, self._setting.bits))
        return detector.found_on(self.package, self._session, pixels)

    def _promised(self, row: Mapping[str, Any]) -> float:
        sure = [float(one) for one in row["expected"]["confidences"]]
        return max(sure, default=0.0)

    def _golden(self, row: Mapping[str, Any], picture: bytes) -> float:
        sure = self._found(picture).least(detector.COMPARED).confidence
        return float(sure.max(initial=0))


def _boxes(found: detector.Boxes, names: tuple[str, ...]) -> tuple[Box, ...]:
    """The surest boxes, with their classes named."""
    rows = zip(found.kind, found.corners.tolist(), found.confidence.tolist(), strict=True)
    return tuple(
        Box(names[kind], tuple(corners), sure, source="detector")
        for kind, corners, sure in list(rows)[:DRAWN]
    )


def made(
    folder: Path, feature: str, threads: int, limits_file: Path | None, config: str, more: Setting
) -> PackageJudge:
    """The judge for a package of either kind; see `PackageJudge`."""
    kind = contract.read(folder).kind
    judge = BoxJudge if kind == contract.DETECTOR else PackageJudge
    return judge(folder, feature, threads, limits_file, config, more)
