"""Judge a package on this computer: full precision first, then each variant beside it.

Verdict and reasons are rows of `gate_checks`, each judged picture one of `gate_items`, each timed
call one of `latencies`.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from backend.core import facts, runs, specs
from backend.deployment.gate import judging, subjects, timing, verdict
from backend.deployment.gate.checks import Check
from backend.deployment.gate.spec import FP32, Figure, Result, Spec
from backend.deployment.gate.subject import CHOOSE, JUDGE, Rows, Subject
from backend.deployment.gate.timing import Times
from backend.deployment.gate.variants import Maker, Variant
from backend.deployment.gate.verdict import Verdict
from backend.deployment.latency import load
from backend.deployment.package import contract
from backend.deployment.package.contract import Package
from backend.numeric import hardware
from backend.numeric.hardware import Fingerprint
from backend.records import Progress, UserError

if TYPE_CHECKING:
    import onnxruntime

TIMED, JUDGED = 0.65, 0.85  # of the job's progress


def check_inputs(spec: Spec, runs_folder: Path) -> None:
    """Raises UserError where the package is damaged, or its pictures are gone or too few."""
    _opened(spec, runs_folder)


def _opened(spec: Spec, runs_folder: Path) -> tuple[Package, Subject]:
    run = runs.read(runs_folder / spec.package_run)
    package = contract.read(contract.folder_of(run.folder))
    subject = subjects.of(package, run, spec)
    if not subject.count(CHOOSE) or not subject.count(JUDGE):
        raise UserError(
            "Too few pictures that the model never saw are left to choose and to judge on. Add "
            "some, and train the model again."
        )
    return package, subject


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Make the variants and judge all of them; writes gate.json and the tables named above."""
    progress(0.02, "reading the package and its pictures")
    package, subject = _opened(spec, out_dir.parent)
    machine = hardware.fingerprint()
    folder = out_dir / "artifacts" / "variants"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work, exact = Path(name), contract.session(package)
        subject.refuse_foreign(exact)
        maker = Maker(package, subject, spec, exact, machine, work, folder, progress)
        bench = _Bench(spec, package, subject, [Variant(FP32, package.model, ()), *maker.all()])
        watch = load.Watch(out_dir)
        times = bench.times(progress)
        busy = load.words(watch.load())
        judged = verdict.in_order(list(bench.verdicts(times, work, progress)))
    facts.write(out_dir, "latencies", timing.table(times))
    rows = [check.row(one.variant) for one in judged for check in one.checks]
    facts.write(out_dir, "gate_checks", rows)
    facts.write(out_dir, "gate_items", bench.items)
    result = _result(bench, judged, machine, busy)
    runs.write_json(out_dir / "artifacts" / "gate.json", specs.to_json(result))
    progress(1.0, result.verdict)
    return result


@dataclass
class _Bench:
    """Full precision and its variants, each with a session on one thread."""

    spec: Spec
    package: Package
    subject: Subject
    variants: list[Variant]

    def __post_init__(self) -> None:
        self.items: Rows = []
        self.sessions: dict[str, onnxruntime.InferenceSession] = {
            one.name: contract.session(self.package, one.file) for one in self.variants if one.file
        }

    def times(self, progress: Progress) -> dict[str, Times]:
        feeds = list(islice(self.subject.feeds(JUDGE), timing.TIMED))
        total = self.spec.calls + timing.WARM_UP

        def seen(number: int) -> None:
            if number % 10 == 0:
                fraction = TIMED + (JUDGED - TIMED) * number / total
                progress(fraction, f"timing, call {number} of {total}")

        return timing.in_turn(self.sessions, feeds, self.spec.calls, seen)

    def verdicts(
        self, times: dict[str, Times], work: Path, progress: Progress
    ) -> Iterator[Verdict]:
        """Of full precision first; fills `items`."""
        feed = next(self.subject.feeds(JUDGE))
        exact = self.subject.outputs(self.sessions[FP32], JUDGE)
        for place, one in enumerate(self.variants):
            progress(JUDGED + 0.1 * place / len(self.variants), f"judging {one.name}")
            found = list(one.made)
            if one.name == FP32:
                golden = self.subject.golden(self.sessions[FP32])
                found += [golden, judging.parity(self.package, self.spec)]
            elif one.file:
                made = self.subject.outputs(self.sessions[one.name], JUDGE)
                found += self.subject.checks(exact, made)
                found.append(judging.speed(times[FP32], times[one.name], self.spec))
                rows = self.subject.items(exact, made)
                self.items += [{"variant": one.name, **row} for row in rows]
            if one.file:
                found.append(judging.budget(times[one.name], self.spec))
                found.append(judging.size(one.file))
                found.append(judging.memory(timing.peak_megabytes(one.file, feed, work)))
            yield Verdict(one.name, tuple(found))


def _result(bench: _Bench, judged: list[Verdict], machine: Fingerprint, busy: str) -> Result:
    passed = [one for one in judged if one.passed]
    ms = {one.variant: next(c.value for c in one.checks if c.name == "budget") for one in passed}
    return Result(
        verdict=verdict.summed(judged),
        reasons=tuple(words for one in judged for words in one.reasons),
        passed=tuple(one.variant for one in passed),
        refused=tuple(one.variant for one in judged if not one.passed),
        fastest=min(ms, key=lambda name: ms[name], default=""),
        kind=bench.package.kind,
        judged=bench.subject.count(JUDGE),
        machine=machine.id,
        described=machine,
        figures={one.variant: {c.name: _figure(c) for c in one.checks} for one in judged},
        files={one.name: contract.sha256(one.file) for one in bench.variants if one.file},
        busy=busy,
        notes=tuple(bench.subject.notes),
    )


def _figure(check: Check) -> Figure:
    value, low, high, limit = (
        None if one != one else one for one in (check.value, check.low, check.high, check.limit)
    )
    return Figure(value, low, high, limit, check.n, check.passed)
