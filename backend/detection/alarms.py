"""How many good parts may raise a false alarm: the share that a detector's confidence keeps to."""

import math
from dataclasses import dataclass
from typing import Any

from backend.core.specs import param
from backend.numeric.shares import bounds
from backend.wording import counted, with_interval

RATE = 0.1


@dataclass(frozen=True)
class Held:
    """What a detector does on the images that chose its confidence. rate: asked for. intact: images
    without a defect, alarmed: of them with a box. recall: there, and free: at the best F1."""

    rate: float
    intact: int | None
    alarmed: int | None
    recall: float | None = None
    recall_free: float | None = None


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
    """How many of so many intact images may have a box, so that of new ones at most that share
    has one on average; 0 where they are fewer than `needed`.

    A new image is as likely as any of them to have the surest box, the second surest, and so on
    (split conformal prediction, Vovk et al. 2005): (k + 1) / (intact + 1) must not exceed the rate.
    """
    return intact if rate >= 1 else max(0, math.floor(rate * (intact + 1) + 1e-9) - 1)


def needed(rate: float) -> int:
    """Intact images from which on a rate can be kept on average."""
    return math.ceil(1 / rate - 1e-9) - 1


def said(held: Held) -> str:
    """Which confidence was chosen, and what that says of false alarms; "" where no rate was asked
    or, in results of earlier versions, nothing is known."""
    if held.rate >= 1 or held.intact is None or held.alarmed is None:
        return ""
    share = f"{100 * held.rate:.3g} %"
    if not held.intact:
        return (
            f"No image held back shows a good part, so nothing keeps false alarms to {share}: it "
            "works at its best F1. Add good parts to what it is trained on."
        )
    value = with_interval(held.alarmed / held.intact, *bounds(held.alarmed, held.intact))
    parts = counted(held.intact, "good part")
    seen = f"{held.alarmed} of {parts} held back with a false alarm, {value}"
    if held.alarmed > may_alarm(held.intact, held.rate):
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


def _price(held: Held) -> str:
    if held.recall is None or held.recall_free is None:
        return ""
    return (
        f" Of the defects held back it finds {held.recall:.2f} there, and {held.recall_free:.2f} "
        "at its best F1, whatever the alarms."
    )


def said_of_trainings(rate: float, intact: int | None) -> str:
    """What the confidences of a study's trainings keep to; "" where no rate was asked.

    intact: the fewest good parts that any of them holds back.
    """
    if rate >= 1 or intact is None:
        return ""
    words = f"Confidences are set for at most {100 * rate:.3g} % of good parts with a false alarm"
    if intact >= needed(rate):
        return f"{words}, on average over parts like those held back."
    return (
        f"{words}; that takes {needed(rate)} good parts held back to promise, and one of these "
        f"trainings has {intact}."
    )
