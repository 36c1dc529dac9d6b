"""How many good parts may raise a false alarm: the share that a detector's confidence keeps to."""

import math
from dataclasses import dataclass
from typing import Any

from backend.core.specs import param
from backend.numeric.shares import bounds
from backend.wording import counted, with_interval

RATE = 0.1
FLATTERED = (
    "These images also chose its best epoch, and it among several trainings where there were any, "
    "so figures on them flatter it."
)
OTHERS = (
    "There the confidence is the best F1 whatever the alarms: train for more steps, or on more "
    "good parts."
)


@dataclass(frozen=True)
class Held:
    """What a detector does on the images that chose its confidence. rate: asked for. intact: parts
    with images without a defect, alarmed: of them with a box. defects: how many there are, recall:
    of them, and free: at the best F1. real: only real images chose it, though there are others."""

    rate: float
    intact: int | None
    alarmed: int | None
    recall: float | None = None
    recall_free: float | None = None
    defects: int | None = None
    real: bool = False


def rate_param(when: tuple[str, tuple[Any, ...]] | None = None) -> Any:
    """The field of a spec that asks for the share. when: as of `param`."""
    return param(
        RATE,
        "share of good parts that may raise a false alarm, on average: the confidence is the best "
        "F1 of those that keep to it on intact images held back; 1: the best F1 whatever they do",
        lo=0.001,
        hi=1,
        before=1.0,
        when=when,
    )


def may_alarm(intact: int, rate: float) -> int:
    """How many of so many intact parts may have a box, so that of new ones at most that share
    has one on average; 0 where they are fewer than `needed`.

    A new part is as likely as any of them to have the surest box, the second surest, and so on
    (split conformal prediction, Vovk et al. 2005): (k + 1) / (intact + 1) must not exceed the rate.
    """
    return intact if rate >= 1 else max(0, math.floor(rate * (intact + 1) + 1e-9) - 1)


def needed(rate: float) -> int:
    """Intact parts from which on a rate can be kept on average."""
    return math.ceil(1 / rate - 1e-9) - 1


def keeps(intact: int, alarmed: int, rate: float) -> bool:
    """Does a confidence at which so many intact parts have a box keep to the rate?"""
    return alarmed <= may_alarm(intact, rate)


def said(held: Held) -> str:
    """Which confidence was chosen, and what that says of false alarms; "" where no rate was asked
    or, in results of earlier versions, nothing is known."""
    if held.rate >= 1 or held.intact is None or held.alarmed is None:
        return ""
    share = f"{100 * held.rate:.3g} %"
    if held.recall_free == 0:
        return (
            "No box on the images held back is right at any confidence, so none can be set for "
            f"at most {share} of good parts with a false alarm. Train it for longer, or on more "
            "images."
        )
    if not held.intact:
        return _without_good(held.real, share)
    value = with_interval(held.alarmed / held.intact, *bounds(held.alarmed, held.intact))
    parts = counted(held.intact, "good part")
    seen = f"{held.alarmed} of {parts} held back with a false alarm, {value}"
    if not keeps(held.intact, held.alarmed, held.rate):
        return (
            f"At no confidence does it find a defect and keep false alarms to {share}, so it works "
            f"at its best F1: {seen}. Train it for longer, or on more good parts."
        )
    least = needed(held.rate)
    kept = "on average over parts like those held back"
    if held.intact < least:
        kept = f"which takes {least} good parts held back to promise"
    return (
        f"Set for at most {share} of good parts with a false alarm, {kept}: {seen}.{_price(held)}"
    )


def _without_good(real: bool, share: str) -> str:
    kind, wanted = ("real ", "photographs of good parts") if real else ("", "good parts")
    return (
        f"No {kind}image held back shows a good part, so nothing keeps false alarms to {share}: it "
        f"works at its best F1. Add {wanted} to its data set, best among the sets kept for "
        "validation whole (validation runs)."
    )


def _price(held: Held) -> str:
    """What the rate costs in recall, on images that are no evidence."""
    if held.recall is None or held.recall_free is None:
        return ""
    of = "the defects" if held.defects is None else counted(held.defects, "defect")
    return (
        f" Of {of} held back it finds {held.recall:.2f} there, and {held.recall_free:.2f} at its "
        f"best F1, whatever the alarms. {FLATTERED}"
    )


def said_of_trainings(
    rate: float, intact: int | None, failed: int | None = None, trainings: int = 0
) -> str:
    """What the confidences of a study's trainings keep to; "" where no rate was asked.

    intact: the fewest good parts that any of them holds back. failed: how many of the trainings
    found no confidence that keeps to it, None where that is not known.
    """
    if rate >= 1 or intact is None:
        return ""
    share = f"at most {100 * rate:.3g} % of good parts with a false alarm"
    if failed and failed == trainings:
        return f"None of these trainings finds a confidence that keeps to {share}. {OTHERS}"
    kept = ", on average over parts like those held back."
    if intact < needed(rate):
        kept = (
            f"; that takes {needed(rate)} good parts held back to promise, and one of these "
            f"trainings has {intact}."
        )
    words = f"Confidences are set for {share}{kept}"
    if failed:
        words += f" But {failed} of {trainings} trainings find none that keeps to it. {OTHERS}"
    return words
