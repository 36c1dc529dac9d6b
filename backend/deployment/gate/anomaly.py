"""An anomaly model before the gate: scores of parts, and the verdicts that limits make of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend.core.runs import Run
from backend.deployment.gate import checks, golden, part_sets
from backend.deployment.gate.checks import Check
from backend.deployment.gate.spec import Spec
from backend.deployment.gate.subject import CALIBRATE, CHOOSE, JUDGE, Feed, Rows, within
from backend.deployment.package import contract, limits
from backend.deployment.package.contract import Judged, Package
from backend.inspection.parts.crops import read_crop
from backend.inspection.threshold.limits import Promise, find_limits, least_groups, verdicts
from backend.numeric import statistics
from backend.records import Label, UserError
from backend.wording import counted

if TYPE_CHECKING:
    import onnxruntime

WHAT = "Separation of GOOD and BAD (AUROC)"
MOST_DAMAGE = 0.1  # to choose by: the few parts to choose on hardly tell a loss of worth
LIMITS_CARRIED = "Verdicts are by the limits that the package carries, of every variant."
LIMITS_SET = (
    "The package carries no limits. Verdicts are by one limit for all types, which is set for each "
    "variant on GOOD parts that the model never saw and that are not judged."
)
FOREIGN = 0.5  # share of the GOOD parts to calibrate on that may be called BAD
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Scores of the parts of a set [N], and of the parts to set a limit on [M]."""

    scores: Scores
    spare: Scores


class AnomalySubject:
    """See `Subject`. What it makes of a set are its scores."""

    def __init__(self, package: Package, run: Run, spec: Spec) -> None:
        """Raises UserError where there are too few parts to calibrate on, or they do not fit."""
        self.package, self.spec, self.notes = package, spec, list[str]()
        self._root = run.folder.parent
        sets = part_sets.divided(contract.test_images(run), spec.calibration, spec.seed)
        self._sets = {CALIBRATE: sets.calibrate, CHOOSE: sets.choose, JUDGE: sets.judge}
        self._spare = sets.limit
        if spec.calibration_run:
            folder = self._root / spec.calibration_run
            self._sets[CALIBRATE] = part_sets.given(folder, package, sets, spec.calibration)
        part_sets.refuse_few(self.count(CALIBRATE), spec.calibration)
        self._limits = limits.by_type(package.head["threshold"])
        self._crops: dict[str, Feed] = {}
        self.notes.append(LIMITS_CARRIED if self._limits else LIMITS_SET)

    def count(self, which: str) -> int:
        return len(self._sets[which])

    def feeds(self, which: str) -> Iterator[Feed]:
        return (self._feed([part]) for part in self._sets[which])

    def _feed(self, parts: Sequence[Judged]) -> Feed:
        crops = np.stack([read_crop(part.path, self.package.size) for part in parts])
        return self.package.feed(crops, [part.feature_type for part in parts])

    def outputs(self, session: "onnxruntime.InferenceSession", which: str) -> Found:
        """Pictures are read once: every attempt asks for them again."""
        scores = self._scores(session, which, self._sets[which])
        if which != JUDGE:
            return Found(scores, np.zeros(0))
        return Found(scores, self._scores(session, "spare", self._spare))

    def _scores(
        self, session: "onnxruntime.InferenceSession", name: str, parts: Sequence[Judged]
    ) -> Scores:
        if not parts:
            return np.zeros(0)
        if name not in self._crops:
            self._crops[name] = self._feed(parts)
        return self.package.answers(session, self._crops[name])[0].astype(np.float64)

    def refuse_foreign(self, session: "onnxruntime.InferenceSession") -> None:
        """Raises UserError where GOOD parts to calibrate on look like no GOOD parts it knows."""
        good = [part for part in self._sets[CALIBRATE] if part.label is Label.GOOD]
        known = self._scores(session, "spare", self._spare)
        if not self.spec.calibration_run or not good or not len(known):
            return
        strange = self._scores(session, "given", good) > np.quantile(known, 0.95)
        if strange.mean() > FOREIGN:
            raise UserError(
                f"{strange.sum()} of {len(good)} GOOD parts to calibrate on look BAD to the model: "
                "they are not of the parts it knows. Choose parts of the same line."
            )

    def damage(self, exact: Found, made: Found) -> float:
        """Root mean square of how far scores moved, in standard deviations of the scores."""
        moved = float(np.sqrt(np.mean((made.scores - exact.scores) ** 2)))
        return moved / max(float(exact.scores.std()), 1e-9)

    def acceptable(self, exact: Found, made: Found) -> bool:
        parts = self._sets[CHOOSE]
        good = np.array([part.label is Label.GOOD for part in parts])
        limit = float(np.quantile(exact.scores[good], 0.95)) if good.any() else np.inf
        first, second = (self._called(parts, one.scores, limit) for one in (exact, made))
        turned = float((first != second).mean()) if parts else 1.0
        lost = -self._gain(parts, exact, made, draws=2)[0]
        few = turned <= self.spec.turned_allowed / 2 and self.damage(exact, made) <= MOST_DAMAGE
        return bool(few and not lost > self.spec.loss_allowed / 2)

    def _called(
        self, parts: Sequence[Judged], scores: Scores, limit: float | None
    ) -> NDArray[np.str_]:
        """The verdicts: by the limits of the package, or by the one given where it holds none."""
        pairs = [self._limits.get(part.feature_type, (None, None)) for part in parts]
        if not self._limits:
            pairs = [(limit, limit)] * len(parts)
        rows = zip(scores, pairs, strict=True)
        return np.array([verdicts([score], *pair)[0] for score, pair in rows], dtype=str)

    def _gain(
        self, parts: Sequence[Judged], exact: Found, made: Found, draws: int = 2000
    ) -> tuple[float, float, float]:
        return statistics.mean_auroc_difference(
            [part.label is Label.BAD for part in parts],
            [part.feature_type for part in parts],
            exact.scores,
            made.scores,
            [part.group for part in parts],
            self.spec.seed,
            draws,
        )

    def checks(self, exact: Found, made: Found) -> list[Check]:
        parts = self._sets[JUDGE]
        count = counted(len(parts), "part that", "parts that") + " it never saw"
        found = self._gain(parts, exact, made)
        worth = checks.no_worse("AUROC", WHAT, found, self.spec.loss_allowed, count, len(parts))
        return [worth, *self._by_limits(exact, made), self._drift(exact, made)]

    def limit_of(self, found: Found) -> float | None:
        """The limit that the parts kept apart give, for all types together; None: too few."""
        promise = Promise(self.spec.alarm_rate, self.spec.alarm_rate)
        groups = [part.group for part in self._spare]
        return find_limits(found.spare, groups, promise).alarm if groups else None

    def _by_limits(self, exact: Found, made: Found) -> list[Check]:
        """Verdicts that turn, and false alarms above a limit of the variant's own."""
        parts, own = self._sets[JUDGE], self.limit_of(made)
        if own is None and not self._limits:
            return [self._no_limit(passed=False)]
        turned = self.verdicts(exact) != self.verdicts(made)
        share = statistics.grouped_share(turned, [part.group for part in parts])
        flips = checks.few_flips(int(turned.sum()), share, self.spec.turned_allowed, len(parts))
        if own is None:
            return [flips, self._no_limit(passed=None)]
        return [flips, self._false_alarms(made, own, self.limit_of(exact))]

    def _no_limit(self, passed: bool | None) -> Check:
        """A limit of a variant's own cannot be set; it is needed where the package carries none."""
        groups, least = len({p.group for p in self._spare}), least_groups(self.spec.alarm_rate)
        words = (
            f"No limit can be set: {counted(groups, 'group')} of GOOD parts that the model never "
            f"saw, {least} are needed. Add GOOD parts, or allow more false alarms."
        )
        return Check("limit", passed, words, n=groups, limit=least)

    def verdicts(self, found: Found) -> NDArray[np.str_]:
        """Of the parts judged: by the package's limits, or by one that is set for the variant."""
        return self._called(self._sets[JUDGE], found.scores, self.limit_of(found))

    def _false_alarms(self, made: Found, own: float, before: float | None) -> Check:
        parts, rate = self._sets[JUDGE], self.spec.alarm_rate
        good = np.array([part.label is Label.GOOD for part in parts])
        groups = np.array([part.group for part in parts])
        value, low, high = statistics.grouped_share(made.scores[good] > own, groups[good])
        moved = f", moved by {own - before:+.3f}" if before is not None else ""
        words = (
            f"With its limit set anew ({own:.2f}{moved}) {value:.1%} [{low:.1%}, {high:.1%}] of "
            f"{counted(int(good.sum()), 'GOOD part')} give a false alarm; {rate:.0%} were aimed at."
        )
        return Check("false alarms", low <= rate, words, value, low, high, rate, int(good.sum()))

    def _drift(self, exact: Found, made: Found) -> Check:
        moved = made.scores - exact.scores
        value = self.damage(exact, made)
        words = (
            f"Scores move by {moved.mean():+.3f} on average and {np.abs(moved).max():.3f} at most: "
            f"{value:.1%} of their standard deviation."
        )
        return Check("drift", None, words, value, n=len(moved))

    def golden(self, session: "onnxruntime.InferenceSession") -> Check:
        """Scores of the golden pictures against those promised."""
        gaps = []
        for pixels, line in golden.pictures(self.package):
            fed = self.package.feed(pixels[None], [line["feature_type"]])
            score = float(self.package.answers(session, fed)[0][0])
            gaps.append(golden.gap(line["expected"]["score"], score))
        return golden.check(gaps, "the score", self.spec.parity)

    def items(self, exact: Found, made: Found) -> Rows:
        called = zip(self.verdicts(exact), self.verdicts(made), strict=True)
        return [
            {
                **{"item": part.name, "path": within(self._root, part.path)},
                **{"feature": part.feature_type, "label": part.label.name, "group": part.group},
                **{"reference": float(before), "value": float(after)},
                **{"reference_verdict": str(first), "verdict": str(second)},
                "flipped": bool(first != second),
            }
            for part, before, after, (first, second) in zip(
                self._sets[JUDGE], exact.scores, made.scores, called, strict=True
            )
        ]
