"""The parts of a recording judged again, with its own package and limits: the same to the bit?"""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from backend.deployment.package import contract
from backend.line import box_judge
from backend.line.judge import PackageJudge, Setting
from backend.line.part import Captured, Verdict
from backend.line.recorder import reading, recording
from backend.line.recorder.recorder import limits_file
from backend.line.recorder.recording import Judge, Recorded, Recording
from backend.line.variant import Variant
from backend.numeric import hardware
from backend.records import UserError


@dataclass(frozen=True)
class Again:
    """A part with its verdict and score then and now. comparable: it was judged then, and who did
    is known; same: to the bit."""

    part: Recorded
    verdict: str
    score: float | None
    comparable: bool
    same: bool


@dataclass(frozen=True)
class Outcome:
    """parts, of which so many can be compared and are the same to the bit. largest: difference of
    two scores. computer: whether it is the computer that recorded. told: each part."""

    line: str
    parts: int
    compared: int
    same: int
    largest: float
    same_computer: bool
    told: tuple[Again, ...]

    @property
    def accepted(self) -> bool:
        return self.same == self.compared

    @property
    def words(self) -> str:
        """What came out, for people, with a line for each part that differs."""
        where = "the computer that recorded" if self.same_computer else "another computer"
        lines = [
            f"{self.same} of {self.compared} parts of {self.line} score and are judged as then, to "
            f"the bit, on {where}; {self.parts - self.compared} were not judged then."
        ]
        if not self.accepted:
            lines.append(f"The largest difference of two scores is {self.largest:.3g}.")
        lines += [
            f"  {one.part.epoch}-{one.part.sequence} {one.part.feature} {one.part.serial}: then "
            f"{one.part.verdict} {one.part.score}, now {one.verdict} {one.score}"
            for one in self.told
            if one.comparable and not one.same
        ]
        return "\n".join(lines)


def rejudge(path: Path) -> Outcome:
    """Judge a recording's parts again. Raises UserError for a file that is none, or was changed."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "recording"
        reading.unpack(path, folder)
        head = folder / recording.HEAD
        if not head.is_file():
            raise UserError(f"{path.name} is no recording: it lacks {recording.HEAD}.")
        found = recording.parsed(head.read_bytes(), path.name)
        judges = {one.config: _judge(one, folder) for one in found.judges}
        told = tuple(_again(part, judges.get(part.judge), folder) for part in found.parts)
    return _outcome(found, told)


def _judge(one: Judge, folder: Path) -> PackageJudge:
    """Raises UserError where its package is missing or changed."""
    package = folder / "package" / one.package
    if not (package / contract.HEAD).is_file():
        raise UserError(
            "The recording lacks a package that judged. Download it from the page Recordings: what "
            "lies in the line's folder is without."
        )
    more = Setting(_variant(one, package), bits=one.bits, box=one.box, box_review=one.box_review)
    is_detector = contract.read(package).kind == contract.DETECTOR
    limits = None if is_detector else limits_file(one, folder / f"{one.config}.json")
    made = box_judge.made(package, one.feature, one.threads, limits, "", more)
    if str(made.package.head["files"][contract.MODEL]) != one.package:
        raise UserError(f"A package of the recording is not the one it names. {reading.CURE}")
    return made


def _variant(one: Judge, package: Path) -> Variant:
    """Raises UserError where its file is missing, changed or reaches outside of itself."""
    if not one.variant_file:
        return Variant()
    file = recording.variant_path(package, one.variant_file)
    if not file.is_file() or contract.sha256(file) != one.variant_file:
        raise UserError(f"A model of the recording is not the one it names. {reading.CURE}")
    contract.check_model(file, [row["name"] for row in contract.read(package).head["inputs"]])
    return Variant(one.variant, file, one.variant_file)


def _again(part: Recorded, judge: PackageJudge | None, folder: Path) -> Again:
    picture = b""
    if part.frame:
        if not reading.NAMES.fullmatch(part.frame) or not (folder / part.frame).is_file():
            raise UserError(f"The recording lacks the picture '{part.frame}'. {reading.CURE}")
        picture = (folder / part.frame).read_bytes()
        if hashlib.sha256(picture).hexdigest() != part.sha256:
            raise UserError(f"The picture '{part.frame}' was changed. {reading.CURE}")
    if judge is None:
        return Again(part, "", None, comparable=False, same=False)
    one = Captured(picture, part.feature, part.captured, part.serial, fault=part.fault)
    said = judge.look(one).said
    judged = part.score is not None
    late = part.verdict == Verdict.UNINSPECTED.value  # by the clock, which stands still here
    same = said.score == part.score and (late or said.verdict.value == part.verdict)
    return Again(part, said.verdict.value, said.score, comparable=judged, same=judged and same)


def _outcome(found: Recording, told: tuple[Again, ...]) -> Outcome:
    compared = [one for one in told if one.comparable]
    gaps = [
        abs(one.score - one.part.score)
        for one in compared
        if one.score is not None and one.part.score is not None
    ]
    here = hardware.fingerprint().id
    return Outcome(
        *(found.line, len(told), len(compared), sum(one.same for one in compared)),
        *(max(gaps, default=0.0), all(one.computer == here for one in found.judges), told),
    )
