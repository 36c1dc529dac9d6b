"""Make the variants of a package: INT8 with its nodes chosen by measurement, and FP16."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backend.deployment.gate import node_choice, timing
from backend.deployment.gate.checks import Check
from backend.deployment.gate.node_choice import Choice, Tried
from backend.deployment.gate.spec import FP16, INT8, Spec
from backend.deployment.gate.subject import CALIBRATE, CHOOSE, Subject
from backend.deployment.package import contract
from backend.deployment.package.contract import Package
from backend.numeric.hardware import Fingerprint
from backend.records import Progress, UserError

if TYPE_CHECKING:
    import onnx
    import onnxruntime

    from backend.numeric.onnx_units import Unit
    from backend.numeric.quantise import Quantiser

BEGIN, CALIBRATED, CHOSEN = 0.1, 0.25, 0.6  # of the job's progress
GLANCE = 12  # calls by which an attempt is timed


@dataclass(frozen=True)
class Variant:
    """file: None where none could be made. made: how it was made, as a check of its own."""

    name: str
    file: Path | None
    made: tuple[Check, ...]


@dataclass(frozen=True)
class Maker:
    """What is needed to make variants. exact: full precision on one thread. work: a folder for
    files in between; out: where variants are kept."""

    package: Package
    subject: Subject
    spec: Spec
    exact: "onnxruntime.InferenceSession"
    machine: Fingerprint
    work: Path
    out: Path
    progress: Progress

    def all(self) -> Iterator[Variant]:
        """The variants asked for."""
        if "int8" in self.spec.variants:
            yield self._int8()
        if "fp16" in self.spec.variants:
            yield self._fp16()

    def _fp16(self) -> Variant:
        from backend.numeric import quantise

        self.progress(CHOSEN, "writing half precision")
        return self._kept(FP16, quantise.fp16(self.package.model), ())

    def _kept(self, name: str, model: "onnx.ModelProto", made: tuple[Check, ...]) -> Variant:
        """The variant, without a file where ONNX Runtime cannot open it."""
        import onnx

        file = self.out / f"{name.lower()}.onnx"
        onnx.save(model, file)
        try:
            contract.session(self.package, file)
        except UserError:
            file.unlink()
            words = f"ONNX Runtime cannot open what {name} makes of this model. Use full precision."
            return Variant(name, None, (Check("file", False, words),))
        return Variant(name, file, made)

    def _int8(self) -> Variant:
        from backend.numeric.onnx_units import every_node, units
        from backend.numeric.quantise import Quantiser, needs_reduced

        self.progress(BEGIN, "preparing INT8")
        reduced = needs_reduced(self.machine.flags)
        quantiser = Quantiser(self.package.model, self.work, reduced)
        found = units(quantiser.model, self.spec.units)
        whole = self.spec.nodes == "all"
        nodes = every_node(quantiser.model) if whole else [name for unit in found for name in unit]
        self._calibrate(quantiser, nodes)
        if whole:
            words = f"All {len(nodes)} nodes are INT8, as asked."
            return self._kept(INT8, quantiser.int8(nodes), (_made(words),))
        choice = node_choice.choose(found, self._attempt(quantiser, len(found)), self.spec.speed)
        if not choice.int8:
            words = (
                f"None of its {len(found)} pieces can be INT8: {_left(choice)}. Use full precision."
            )
            return Variant(INT8, None, (Check("nodes", False, words, n=len(found)),))
        kept = [name for unit in choice.int8 for name in unit]
        words = f"{len(choice.int8)} of its {len(found)} pieces are INT8; {_left(choice)}."
        return self._kept(INT8, quantiser.int8(kept), (_made(words),))

    def _calibrate(self, quantiser: "Quantiser", nodes: Sequence[str]) -> None:
        total, span = self.subject.count(CALIBRATE), CALIBRATED - BEGIN

        def seen(count: int) -> None:
            self.progress(BEGIN + span * count / total, f"measuring ranges, {count} of {total}")

        if nodes:
            quantiser.calibrate(self.subject.feeds(CALIBRATE), nodes, seen)

    def _attempt(self, quantiser: "Quantiser", count: int) -> node_choice.Attempt:
        """Turns units to INT8, and looks at the parts to choose on and at the clock."""
        import onnx

        most, made_so_far = node_choice.most_attempts(count), itertools.count(1)
        wanted = self.subject.outputs(self.exact, CHOOSE)
        feeds = [feed for feed, _ in zip(self.subject.feeds(CHOOSE), range(GLANCE), strict=False)]

        def attempt(chosen: "Sequence[Unit]") -> Tried:
            file = self.work / "attempt.onnx"
            onnx.save(quantiser.int8([name for unit in chosen for name in unit]), file)
            session = contract.session(self.package, file)
            made = self.subject.outputs(session, CHOOSE)
            times = timing.in_turn({"before": self.exact, "after": session}, feeds, GLANCE)
            speed = float(np.median(times["before"].work / times["after"].work))
            fine = self.subject.acceptable(wanted, made)
            self._seen(next(made_so_far), most)
            return Tried(self.subject.damage(wanted, made), fine, speed)

        return attempt

    def _seen(self, count: int, most: int) -> None:
        share = min(1.0, count / most)
        fraction = CALIBRATED + (CHOSEN - CALIBRATED) * share
        self.progress(fraction, f"choosing what stays in float, attempt {count}")


def _made(words: str) -> Check:
    return Check("nodes", None, words)


def _left(choice: Choice) -> str:
    """What stays in float, and why."""
    hurt = f"{len(choice.hurt)} stay in float because they hurt"
    slow = f"{len(choice.slow)} because INT8 is no faster there"
    return f"{hurt}, {slow}"
