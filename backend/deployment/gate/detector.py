"""A detector before the gate: boxes on its locked test images, against the true ones."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.core import facts, runs
from backend.core.runs import Run
from backend.deployment.gate import checks, golden, part_sets
from backend.deployment.gate.checks import Check
from backend.deployment.gate.spec import Spec
from backend.deployment.gate.subject import CALIBRATE, CHOOSE, JUDGE, Feed, Rows, evenly, within
from backend.deployment.package import contract
from backend.deployment.package import detector as packed
from backend.deployment.package.contract import Judged, Package
from backend.detection import evaluation
from backend.detection.detector.spec import Spec as DetectorSpec
from backend.images import imagefiles, imageset
from backend.images.labelled_image import LabelledImage
from backend.numeric import statistics
from backend.records import Box, UserError
from backend.wording import counted

if TYPE_CHECKING:
    import onnxruntime

WHAT = "Detection score (AP50)"
MOST_CHOSEN_ON = 64  # images; every attempt looks at all of them
MOST_DAMAGE = 0.05  # to choose by: the few images to choose on hardly tell a loss of worth
RESAMPLES = 500
DEFECT, NONE = "defect", "no defect"
Boxes = list[NDArray[np.float64]]  # an image each: [P, 6] of x1 y1 x2 y2 confidence class


class DetectorSubject:
    """See `Subject`. What it makes of a set are the boxes of each image."""

    def __init__(self, package: Package, run: Run, spec: Spec) -> None:
        """Raises UserError where its data set is gone, or too small to calibrate on."""
        self.package, self.spec, self.notes = package, spec, list[str]()
        self._root, model = run.folder.parent, contract.model_of(run)
        self._confidence = float(package.head["confidence"])
        folder = runs.sibling(model.folder, runs.spec(model, DetectorSpec).dataset_run)
        learned = _images(folder, "train")
        if spec.calibration_run:
            learned = self._given(self._root / spec.calibration_run)
        chosen_on = _images(folder, "val")
        self._sets = {
            CALIBRATE: [learned[place] for place in evenly(len(learned), spec.calibration)],
            CHOOSE: [chosen_on[place] for place in evenly(len(chosen_on), MOST_CHOSEN_ON)],
            JUDGE: [_labelled(one) for one in contract.test_images(run)],
        }
        part_sets.refuse_few(self.count(CALIBRATE), spec.calibration)

    def _given(self, folder: Path) -> list[LabelledImage]:
        """Images of another data set. Raises UserError where its classes are not the model's."""
        if runs.read(folder).kind != "dataset":
            raise UserError("A detector calibrates on images. Choose a data set.")
        found = _images(folder, "train")
        classes = {box.class_name for image in found for box in image.boxes}
        strange = sorted(classes - set(self.package.names))
        if strange and len(self.package.names) > 1:
            raise UserError(
                f"The data set to calibrate on has the class '{strange[0]}', which the detector "
                "does not know: it is of other data. Choose one of the detector's own."
            )
        return found

    def refuse_foreign(self, session: "onnxruntime.InferenceSession") -> None:
        """Classes tell: see `_given`."""

    def count(self, which: str) -> int:
        return len(self._sets[which])

    def feeds(self, which: str) -> Iterator[Feed]:
        return (
            self.package.feed(imagefiles.read_rgb(image.path)[None]) for image in self._sets[which]
        )

    def outputs(self, session: "onnxruntime.InferenceSession", which: str) -> Boxes:
        return [_boxes(session.run(None, feed)) for feed in self.feeds(which)]

    def _judge(self, which: str, found: Boxes) -> evaluation.Judged:
        return evaluation.judge(self._sets[which], found, names=self.package.names)

    def damage(self, exact: Boxes, made: Boxes) -> float:
        """1 less the AP50 of boxes against those that full precision draws at its confidence."""
        return (
            1
            - evaluation.judge(
                [self._as_truth(rows) for rows in exact], made, names=self.package.names
            ).ap50()
        )

    def _as_truth(self, rows: NDArray[np.float64]) -> LabelledImage:
        drawn = rows[rows[:, 4] >= self._confidence]
        boxes = tuple(
            Box(self.package.names[int(number)], (x1, y1, x2, y2))
            for x1, y1, x2, y2, _, number in drawn.tolist()
        )
        return LabelledImage(Path("full precision"), boxes=boxes)

    def acceptable(self, exact: Boxes, made: Boxes) -> bool:
        before, after = (self._judge(CHOOSE, one) for one in (exact, made))
        turned = before.alarmed(self._confidence) != after.alarmed(self._confidence)
        few = bool(len(turned)) and turned.mean() <= self.spec.turned_allowed / 2
        few = few and not self.damage(exact, made) > MOST_DAMAGE
        return bool(few and not before.ap50() - after.ap50() > self.spec.loss_allowed / 2)

    def checks(self, exact: Boxes, made: Boxes) -> list[Check]:
        before, after = (self._judge(JUDGE, one) for one in (exact, made))
        draws = statistics.bootstrap_weights(before.groups, self.spec.seed, RESAMPLES)
        gains = [after.ap50(draw) - before.ap50(draw) for draw in draws.astype(float)]
        n = len(before.truths)
        found = statistics.difference_interval(gains, len(np.unique(before.groups)))
        count = counted(n, "test image")
        worth = checks.no_worse("AP50", WHAT, found, self.spec.loss_allowed, count, n)
        turned = before.alarmed(self._confidence) != after.alarmed(self._confidence)
        share = statistics.grouped_share(turned, before.groups)
        flips = checks.few_flips(int(turned.sum()), share, self.spec.turned_allowed, n)
        return [worth, flips, self._false_alarms(before, after), self._drift(exact, made)]

    def _false_alarms(self, before: evaluation.Judged, after: evaluation.Judged) -> Check:
        """Intact images with an alarm, more of them than in full precision?"""
        intact = after.truths == 0
        n = int(intact.sum())
        if not n:
            words = "No test image is intact, so false alarms cannot be counted."
            return Check("false alarms", None, words)
        usual = float(before.alarmed(self._confidence)[intact].mean())
        alarmed, groups = after.alarmed(self._confidence)[intact], after.groups[intact]
        value, low, high = statistics.grouped_share(alarmed, groups)
        words = (
            f"{value:.1%} [{low:.1%}, {high:.1%}] of {counted(n, 'intact image')} raise a false "
            f"alarm, {usual:.1%} in full precision."
        )
        return Check("false alarms", low <= usual, words, value, low, high, usual, n)

    def _drift(self, exact: Boxes, made: Boxes) -> Check:
        value = self.damage(exact, made)
        words = (
            f"Of the boxes that full precision draws, it finds as many and as sure as to a score "
            f"of {1 - value:.3f} (1: the same boxes)."
        )
        return Check("drift", None, words, value, n=len(exact))

    def golden(self, session: "onnxruntime.InferenceSession") -> Check:
        """The boxes of the golden pictures against those promised: confidences, and none alone."""
        gaps = []
        for pixels, line in golden.pictures(self.package):
            wanted = _promised(line["expected"], self.package.names)
            found = packed.found_on(self.package, session, pixels)
            told = packed.compared([(wanted, found)], self._confidence)
            gaps.append(1.0 if told.further["alone"] else told.score)
        return golden.check(gaps, "a box's confidence", self.spec.parity)

    def items(self, exact: Boxes, made: Boxes) -> Rows:
        rows = []
        for image, *both in zip(self._sets[JUDGE], exact, made, strict=True):
            before, after = (float(rows[:, 4].max(initial=0)) for rows in both)
            first, second = (self._verdict(sure) for sure in (before, after))
            rows.append(
                {
                    **{"item": image.name, "path": within(self._root, image.path)},
                    **{"feature": "", "label": "BAD" if image.boxes else "GOOD"},
                    **{"group": image.group, "reference": before, "value": after},
                    **{"reference_verdict": first, "verdict": second, "flipped": first != second},
                }
            )
        return rows

    def _verdict(self, sureness: float) -> str:
        return DEFECT if sureness >= self._confidence else NONE


def _images(folder: Path, split: str) -> list[LabelledImage]:
    """The images of a data set that one split holds."""
    rows = facts.read(folder, "images"), facts.read(folder, "boxes")
    return [image for image in imageset.from_rows(folder, *rows) if image.split == split]


def _labelled(one: Judged) -> LabelledImage:
    return LabelledImage(one.path, boxes=one.boxes, name=one.name, group=one.group)


def _boxes(answers: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """[P, 6] of the packed model's answers for one image; what it is padded with is left out."""
    corners, sureness, classes = (np.asarray(part[0], np.float64) for part in answers)
    found = sureness > 0
    return np.column_stack([corners[found], sureness[found], classes[found]])


def _promised(expected: Mapping[str, Any], names: Sequence[str]) -> packed.Boxes:
    """The boxes that golden.json promises of one picture."""
    return packed.Boxes(
        np.reshape(expected["boxes"], (-1, 4)).astype(np.float32),
        np.array(expected["confidences"], np.float32),
        np.array([names.index(name) for name in expected["classes"]], np.int64),
    )
