"""Which units stay in INT8: what is slower in it, and what hurts, is found by measurement.

Stretches of the graph, halved again and again, are turned to INT8 alone. A stretch stays as a whole
where that saves more time than its halves do: the ways to INT8 and back at its ends cost time too.
What single units did to the outputs ranks those that stay. The most damaging ones are taken back to
float, the fewest that make what is left acceptable, found by bisection over the ranking.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.numeric.onnx_units import Unit

LEAST_SAVED = 0.01  # of the time: less is chance


@dataclass(frozen=True)
class Tried:
    """What units in INT8 did on the parts to choose on.

    damage: how far outputs moved, in a measure of the kind of model. acceptable: did verdicts and
    worth stay well within the limits? speed: times as fast as float.
    """

    damage: float
    acceptable: bool
    speed: float

    @property
    def saved(self) -> float:
        """Share of the time; below 0 where it takes longer."""
        return 1 - 1 / self.speed


@dataclass(frozen=True)
class Choice:
    """int8: units in INT8, none where nothing was acceptable. hurt: units taken back, the most
    damaging first. slow: units left in float since INT8 is no faster there."""

    int8: tuple[Unit, ...]
    hurt: tuple[Unit, ...] = ()
    slow: tuple[Unit, ...] = ()


Units = tuple[Unit, ...]
Attempt = Callable[[Sequence[Unit]], Tried]


def most_attempts(count: int) -> int:
    """How many attempts a choice among so many units takes at most."""
    return 2 * count - 1 + count.bit_length() if count else 0


def choose(units: Sequence[Unit], attempt: Attempt, enough: float) -> Choice:
    """The units that are faster in INT8, less the fewest that have to be taken back.

    attempt: turns these units to INT8 and looks. enough: times as fast as float; where all units
    together are, no stretch is looked at alone.
    """
    if not units:
        return Choice(())
    known: dict[Units, Tried] = {}

    def look(chosen: Units) -> Tried:
        if chosen not in known:
            known[chosen] = attempt(chosen)
        return known[chosen]

    whole = look(tuple(units))
    if whole.acceptable and whole.speed >= enough:
        return Choice(tuple(units))
    fast, _ = _fastest(tuple(units), look)
    ranked = tuple(sorted(fast, key=lambda unit: -look((unit,)).damage))
    back = _fewest_taken_back(ranked, look) if ranked else 0
    kept = set(ranked[back:])
    slow = tuple(unit for unit in units if unit not in fast)
    return Choice(tuple(unit for unit in units if unit in kept), ranked[:back], slow)


def _fastest(stretch: Units, look: Callable[[Units], Tried]) -> tuple[Units, float]:
    """The units of a stretch by which INT8 saves most time, and the share of the time saved."""
    saved = look(stretch).saved
    best: tuple[Units, float] = (stretch, saved) if saved > LEAST_SAVED else ((), 0.0)
    if len(stretch) > 1:
        middle = len(stretch) // 2
        (left, first), (right, second) = (
            _fastest(half, look) for half in (stretch[:middle], stretch[middle:])
        )
        if first + second > best[1]:
            best = left + right, first + second
    return best


def _fewest_taken_back(ranked: Units, look: Callable[[Units], Tried]) -> int:
    """How many of the first must go so that the rest is acceptable; all of them if need be."""
    low, high = 0, len(ranked)
    while low < high:
        middle = (low + high) // 2
        if look(ranked[middle:]).acceptable:
            high = middle
        else:
            low = middle + 1
    return high
