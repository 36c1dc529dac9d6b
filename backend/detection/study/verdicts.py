"""What a study found: helps, harms, or cannot be told. Without evidence there is no finding.

A verdict needs three seeds, six test specimens with a defect (of fewer, even a difference that is
the same on each is no rarer than 2 · 0.5⁵ = 0.06), a detector on one side at least that learned
something, and a difference beyond chance after Holm's correction.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from backend.detection import standing
from backend.detection.study.spec import Result
from backend.glossary import DETECTION_SCORE
from backend.wording import chance, counted, known, signed, with_interval

AP50, ALARMS, GAIN = "AP50", "intact images with an alarm", standing.GAIN
HELPS, HARMS, BOTH, UNCLEAR = "helps", "harms", "helps and harms", "cannot be told"
WORDS = (HELPS, HARMS, BOTH, UNCLEAR)
SCORE = DETECTION_SCORE.words
LEAST_SEEDS, LEAST_SPECIMENS = 3, 6
LONGER = "Train for more steps, from pretrained weights or on more images, and run it again."
Row = Mapping[str, Any]
Rows = Sequence[Row]
Cell = tuple[str, int]  # arm, amount of real images


@dataclass(frozen=True)
class Verdict:
    """Of an arm against the one that lacks what it adds. word: of `WORDS`.

    sentence: begins with the word.
    """

    arm: str
    baseline: str
    real: int
    word: str
    sentence: str


@dataclass(frozen=True)
class Findings:
    """headline: the whole study in a sentence or two. conclusive: whether it may conclude at all.

    beside: how far arms without a real image get. learned: the cells that learned something.
    """

    headline: str
    conclusive: bool
    verdicts: tuple[Verdict, ...]
    beside: tuple[str, ...]
    learned: frozenset[Cell]

    def sentences(self) -> tuple[str, ...]:
        return (*(verdict.sentence for verdict in self.verdicts), *self.beside)

    def clear(self, row: Row) -> bool:
        """May this row of `contrasts` be shown as beyond chance?

        False alarms and recall are no measure of a detector that learned nothing.
        """
        told = {(row["arm"], row["real"]), (row["baseline"], row["real"])} & self.learned
        enough = len(told) >= (1 if row["metric"] == AP50 else 2)
        return self.conclusive and enough and shown(row)


@dataclass(frozen=True)
class Evidence:
    """Rows of a study's tables `trials`, `learning` and `contrasts`, and what they rest on.

    control: AP50 of the constant box. specimens: those of the test set that have a defect.
    """

    trials: Sequence[Row]
    learning: Sequence[Row]
    contrasts: Sequence[Row]
    control: float
    seeds: int
    specimens: int

    def learned(self) -> frozenset[Cell]:
        """Arms and amounts whose detectors are beyond the constant box."""
        gains = {(r["arm"], r["real"]): r for r in self.learning if r["metric"] == GAIN}
        return frozenset(
            (r["arm"], r["real"])
            for r in self.learning
            if r["metric"] == AP50 and self._has_learned(r, gains.get((r["arm"], r["real"])))
        )

    def _has_learned(self, row: Row, gain: Row | None) -> bool:
        """gain: None in a study of an earlier version, which has no paired gain."""
        low = gain["low"] if gain else row["low"]
        if known(low) and gain is None:
            low -= self.control
        value = gain["value"] if gain else row["value"] - self.control
        return standing.learned(row["value"], value, low if known(low) else None)

    def missing(self) -> str:
        """Why nothing can be concluded whatever the differences are; "" where something can."""
        if not self.learned():
            best = max((r for r in self.learning if r["metric"] == AP50), key=lambda r: r["value"])
            reached = with_interval(best["value"], best["low"], best["high"])
            return (
                f"These detectors learned nothing. No conclusion. Their highest {SCORE}, "
                f"{reached}, "
                f"is under {standing.HARDLY} or not beyond that of {standing.CONTROL}, "
                f"{self.control:.2f}. {LONGER}"
            )
        if self.seeds < LEAST_SEEDS:
            many = "One seed cannot" if self.seeds == 1 else f"{self.seeds} seeds cannot"
            return (
                f"{many} tell. No conclusion. How much two trainings of the same variant differ is "
                f"not known yet: run {LEAST_SEEDS} seeds or more."
            )
        if self.specimens < LEAST_SPECIMENS:
            return (
                f"{self.specimens} test specimens with a defect cannot tell. No conclusion. Test "
                f"on {LEAST_SPECIMENS} or more."
            )
        return "" if self.contrasts else "No two variants differ in one thing. No conclusion."


def findings(evidence: Evidence) -> Findings:
    """What the study may say, a verdict for each arm against its baseline."""
    learned, missing = evidence.learned(), evidence.missing()
    alarms = {(r["arm"], r["real"]): r for r in evidence.contrasts if r["metric"] == ALARMS}
    counts = {(r["arm"], r["real"]): r for r in evidence.trials}
    found = tuple(
        _verdict(row, alarms.get((row["arm"], row["real"])), counts, learned, not missing)
        for row in evidence.contrasts
        if row["metric"] == AP50
    )
    beside = () if missing else tuple(_without_real(evidence, counts, learned))
    return Findings(missing or _headline(found), not missing, found, beside, learned)


def of_study(result: Result, trials: Rows, learning: Rows, contrasts: Rows) -> Findings:
    """From a study's result and tables, so that one of an earlier version claims no more than
    these."""
    specimens = result.test_defect_groups
    if specimens is None:  # an earlier version's
        specimens = result.test_groups
    control = result.constant_box_ap50
    evidence = Evidence(trials, learning, contrasts, control, result.seeds, specimens)
    return findings(evidence)


def _headline(found: Sequence[Verdict]) -> str:
    """What helps and what harms, and of how many comparisons nothing can be told."""
    n = counted(len(found), "comparison")
    told = [_named(word, found) for word in WORDS if word != UNCLEAR]
    unclear = sum(verdict.word == UNCLEAR for verdict in found)
    if unclear == len(found):
        return f"Cannot be told: no difference is beyond chance in {n}."
    return " ".join(filter(None, [*told, f"Cannot be told in {unclear} of {n}." * bool(unclear)]))


def _named(word: str, found: Sequence[Verdict]) -> str:
    """`Helps: copy-paste added to real+intact (10, 20 real images).`; "" where nothing does."""
    amounts: dict[str, list[str]] = {}
    for verdict in (v for v in found if v.word == word):
        words = f"{verdict.arm} in place of {verdict.baseline}"
        if verdict.baseline.startswith("real"):
            words = f"{verdict.arm.rpartition('+')[2]} added to {verdict.baseline}"
        amounts.setdefault(words, []).append(str(verdict.real))
    parts = [f"{words} ({', '.join(real)} real images)" for words, real in amounts.items()]
    return f"{word.capitalize()}: {'; '.join(parts)}." if parts else ""


def shown(row: Row) -> bool:
    """Is the difference beyond chance, after Holm's correction for the others?"""
    apart = known(row["low"]) and bool(row["low"] > 0 or row["high"] < 0)
    return apart and bool(row["p_holm"] < 0.05)


def _verdict(
    row: Row, alarms: Row | None, counts: Mapping[Cell, Row], learned: frozenset[Cell], may: bool
) -> Verdict:
    """may: whether the study may conclude anything."""
    without, added = (row["baseline"], row["real"]), (row["arm"], row["real"])
    told = {without, added} & learned
    effects = []
    if may and told and shown(row):
        effects.append(HELPS if row["difference"] > 0 else HARMS)
    if may and len(told) == 2 and alarms is not None and shown(alarms):
        effects.append(HELPS if alarms["difference"] < 0 else HARMS)
    word = BOTH if len(set(effects)) == 2 else next(iter(effects), UNCLEAR)
    words = f"{word.capitalize()}: {_start(row, counts)} {_change(row, may and bool(told))}"
    if alarms is not None:
        words += f"; good parts with a false alarm: {_alarms(alarms)}"
    sentence = f"{words}.{_who_learned(row, told)}"
    return Verdict(row["arm"], row["baseline"], row["real"], word, sentence)


def _change(row: Row, may: bool) -> str:
    """What happens to AP50, with interval and chance."""
    value, low, high = row["difference"], row["low"], row["high"]
    if not may or not shown(row):
        n = f"n = {row['n_images']}"
        return f"gives no difference in the {SCORE} that can be shown ({_difference(row)}, {n})"
    if value > 0:
        return f"raises the {SCORE} by {_difference(row)}"
    size = with_interval(-value, -high, -low)
    return f"lowers the {SCORE} by {size}, {chance(row['p_holm'])} after Holm"


def _difference(row: Row) -> str:
    size = with_interval(row["difference"], row["low"], row["high"])
    return f"{size}, {chance(row['p_holm'])} after Holm"


def _alarms(row: Row) -> str:
    before, after = signed(row["baseline_value"]), signed(row["value"])
    return f"{before} → {after} ({_difference(row)})"


def _who_learned(row: Row, told: Set[Cell]) -> str:
    """A remark where a side learned nothing."""
    idle = [arm for arm in (row["baseline"], row["arm"]) if (arm, row["real"]) not in told]
    if len(idle) == 2:
        return " Neither detector learned anything."
    return f" The detector of {idle[0]} learned nothing." if idle else ""


def _start(row: Row, counts: Mapping[Cell, Row]) -> str:
    if not row["baseline"].startswith("real"):
        return f"without any real image, {row['arm']} in place of {row['baseline']}"
    added = _added(row, counts[row["arm"], row["real"]])
    return f"with {_have(row, counts[row['baseline'], row['real']])}, adding {added}"


def _have(row: Row, count: Row) -> str:
    words = f"{count['real_images']:.0f} real"
    if "intact" in row["baseline"].split("+"):
        words += f" and {count['intact_images']:.0f} good"
    return words + " images"


def _added(row: Row, count: Row) -> str:
    name = row["arm"].rpartition("+")[2]
    if name == "intact":
        return f"{count['intact_images']:.0f} photographs of good parts"
    if name == "copy-paste":
        return f"{count['synthetic_images']:.0f} of copy and paste"
    return f"{count['synthetic_images']:.0f} synthetic ones ({name})"


def _without_real(
    evidence: Evidence, counts: Mapping[Cell, Row], learned: frozenset[Cell]
) -> Iterator[str]:
    """How far an arm without real images gets, beside the most real images there are."""
    rows = [r for r in evidence.learning if r["metric"] == AP50]
    labelled = [
        r
        for r in rows
        if r["arm"] in ("real", "real+intact") and r["real"] and (r["arm"], r["real"]) in learned
    ]
    best = max(labelled, key=lambda r: (r["real"], r["arm"]), default=None)
    for row in (r for r in rows if not r["real"]):
        words = f"Without any real image, {row['arm'].removeprefix('real+')} "
        if (row["arm"], row["real"]) not in learned:
            yield words + "learned nothing."
            continue
        words += f"reaches a {SCORE} of {with_interval(row['value'], row['low'], row['high'])}"
        if best:
            most = counts[best["arm"], best["real"]]["real_images"]
            words += f"; {best['arm']} with {most:.0f} real images "
            words += with_interval(best["value"], best["low"], best["high"])
        yield words + "."
