"""A student before the gate: what it paints for the same latents, in full precision and not."""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend.core.runs import Run
from backend.deployment.gate import golden
from backend.deployment.gate.checks import Check
from backend.deployment.gate.spec import Spec
from backend.deployment.gate.subject import CALIBRATE, CHOOSE, JUDGE, Feed, Rows
from backend.deployment.package import contract
from backend.deployment.package.contract import Package
from backend.images import measures
from backend.numeric import statistics
from backend.records import UserError
from backend.students import drawing
from backend.students.sampler import Sampler

if TYPE_CHECKING:
    import onnxruntime

CHOSEN_ON, JUDGED = 16, 64  # latents, each of a seed of its own
MOST_PSNR = 100.0
ONE_GREY_LEVEL = 1 / 255 + 1e-6
Painted = NDArray[np.float32]  # [N, channels, S, S] in 0 … 1: red, green, blue, defect


class StudentSubject:
    """See `Subject`. What it makes of a set of latents are the pictures painted."""

    def __init__(self, package: Package, run: Run, spec: Spec) -> None:
        """Raises UserError where the student is gone."""
        self.package, self.spec, self.notes = package, spec, list[str]()
        if spec.calibration_run:
            raise UserError(
                "A student calibrates on latents of its own. Leave 'Calibration run' empty."
            )
        self._sampler = Sampler(contract.model_of(run).folder)
        self._counts = {CALIBRATE: spec.calibration, CHOOSE: CHOSEN_ON, JUDGE: JUDGED}

    def refuse_foreign(self, session: "onnxruntime.InferenceSession") -> None:
        """Its latents are its own."""

    @cached_property
    def _latents(self) -> dict[str, NDArray[np.float32]]:
        """Set → latents [N, D], no seed twice."""
        total = sum(self._counts.values())
        drawn = np.stack(
            [self._sampler.draw(np.random.default_rng((self.spec.seed, k))) for k in range(total)]
        ).astype(np.float32)
        ends = np.cumsum(list(self._counts.values()))[:-1]
        return dict(zip(self._counts, np.split(drawn, ends), strict=True))

    def count(self, which: str) -> int:
        return self._counts[which]

    def feeds(self, which: str) -> Iterator[Feed]:
        return ({"z": one[None]} for one in self._latents[which])

    def outputs(self, session: "onnxruntime.InferenceSession", which: str) -> Painted:
        return np.concatenate([session.run(None, feed)[0] for feed in self.feeds(which)])

    def damage(self, exact: Painted, made: Painted) -> float:
        """Root mean square of the difference, in shares of the whole scale."""
        return float(np.sqrt(np.mean((exact.astype(np.float64) - made) ** 2)))

    def acceptable(self, exact: Painted, made: Painted) -> bool:
        overlap = _overlap(exact, made)
        alike = not len(overlap) or overlap.mean() >= self.spec.least_iou
        return bool(_psnr(exact, made).mean() >= self.spec.least_psnr and alike)

    def checks(self, exact: Painted, made: Painted) -> list[Check]:
        psnr, overlap = _psnr(exact, made), _overlap(exact, made)
        found = [self._mean("PSNR", "Likeness (PSNR, dB)", psnr, self.spec.least_psnr)]
        if len(overlap):
            limit = self.spec.least_iou
            found.append(self._mean("mask overlap", "Overlap of the masks", overlap, limit))
        return found

    def _mean(self, name: str, what: str, values: NDArray[np.float64], limit: float) -> Check:
        """Is the mean surely as high as the limit?"""
        n, seed = len(values), self.spec.seed
        value, low, high = statistics.group_bootstrap(
            lambda chosen: float(values[chosen].mean()), np.arange(n), seed=seed
        )
        words = (
            f"{what}: {value:.3g} [{low:.3g}, {high:.3g}] on {n} pictures, at least {limit:g} is "
            "asked for, 95 % sure."
        )
        return Check(name, low >= limit, words, value, low, high, limit, n)

    def golden(self, session: "onnxruntime.InferenceSession") -> Check:
        """Pictures painted from the golden codes against those promised, in shares of the scale."""
        gaps = []
        for pixels, line in golden.pictures(self.package):
            made = session.run(None, {"z": np.array(line["z"], np.float32)[None]})[0]
            painted, _ = drawing.finished(made, 0, None)
            gaps.append(float(np.abs(painted[0].astype(int) - pixels).max()) / 255)
        return golden.check(gaps, "a pixel", max(self.spec.parity, ONE_GREY_LEVEL))

    def items(self, exact: Painted, made: Painted) -> Rows:
        rows = zip(_psnr(exact, made), range(len(exact)), strict=True)
        return [
            {
                **{"item": f"sample {k}", "path": "", "feature": "", "label": "", "group": str(k)},
                **{"reference": MOST_PSNR, "value": float(psnr)},
                **{"reference_verdict": "", "verdict": "", "flipped": False},
            }
            for psnr, k in rows
        ]


def _psnr(exact: Painted, made: Painted) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each picture's colours [N], dB, at most 100."""
    errors = ((exact[:, :3].astype(np.float64) - made[:, :3]) ** 2).mean((1, 2, 3))
    return np.minimum(MOST_PSNR, -10 * np.log10(np.maximum(errors, 1e-10)))


def _overlap(exact: Painted, made: Painted) -> NDArray[np.float64]:
    """Intersection over union of the masks, where full precision paints one."""
    if exact.shape[1] < 4:
        return np.zeros(0)
    return measures.overlap(exact[:, 3] > 0.5, made[:, 3] > 0.5)
