"""How often does the drift alarm err, and how soon does it come? Simulated streams."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.numeric.drift import ALARM, ALPHA, BETS, BLOCK, Reference, kept_back

PACE, HOURS, DAYS = 28, 8, 30  # parts a minute, hours a day, working days of six weeks
SIX_WEEKS = PACE * 60 * HOURS * DAYS
STREAMS, LATE = 1000, SIX_WEEKS // 2
PATIENCE = 20_000  # parts after which a drift counts as not found


@dataclass(frozen=True)
class Plant:
    """n: parts of the calibration. begin: parts before the scores rise by `shift` standard
    deviations. bad: share of BAD parts, whose scores lie far above all others."""

    n: int
    begin: int = SIX_WEEKS
    shift: float = 0.0
    bad: float = 0.0


def alarms(plant: Plant, streams: int, parts: int, seed: int = 0) -> NDArray[np.int64]:
    """The part at which each stream raises its alarm [streams], -1 where it does not.

    Each stream has a calibration of its own; the bets are laid as `drift.Wealth` lays them.
    """
    rng = np.random.default_rng(seed)
    references = np.sort(rng.standard_normal((streams, plant.n)), axis=1)
    log_bets = Reference(np.arange(plant.n)).log_bets.astype(np.float32)
    wealth, found = np.zeros((streams, BETS)), np.full(streams, -1)
    for block in range(parts // BLOCK):
        wealth += (kept_back(block) - kept_back(block + 1)) / BETS
        scores = rng.standard_normal((streams, BLOCK)) + plant.shift * (
            block * BLOCK >= plant.begin
        )
        scores[rng.random(scores.shape) < plant.bad] = math.inf
        rows = zip(references, scores, strict=True)
        gaps = np.array([np.searchsorted(one, new) for one, new in rows])
        wealth = np.minimum(1e300, wealth * np.exp(log_bets[gaps].sum(1)))
        rings = wealth.sum(1) + kept_back(block + 1) >= ALARM
        found[(found < 0) & rings] = (block + 1) * BLOCK
        if (found >= 0).all() or block * BLOCK > plant.begin + PATIENCE:
            break
    return found


def drift(folder: Path) -> None:
    """Drift alarms of 1,000 streams of six weeks; aim: without drift at most 1 in 100."""
    print(f"  {SIX_WEEKS:,} parts a stream; stated share of false alarms: {ALPHA:.0%}\n")
    print("| GOOD parts of the calibration | alarms without drift | … with 1 % BAD parts |", end="")
    print(" parts until the alarm, drift at once | … drift after three weeks |")
    print("|---:|---:|---:|---:|---:|")
    for n in (60, 100, 200, 400, 1000):
        none = _rate(Plant(n))
        some_bad = _rate(Plant(n, bad=0.01))
        at_once, late = (_delay(Plant(n, begin, 0.5)) for begin in (0, LATE))
        print(f"| {n} | {none} | {some_bad} | {at_once} | {late} |", flush=True)


def _rate(plant: Plant) -> str:
    found = alarms(plant, STREAMS, SIX_WEEKS)
    return f"{(found >= 0).sum()} of {STREAMS}"


def _delay(plant: Plant) -> str:
    """Half of the streams, and 95 % of them, raise their alarm within so many parts."""
    found = alarms(plant, STREAMS // 5, plant.begin + PATIENCE, seed=1)
    after = np.where(found < plant.begin, math.inf, found - plant.begin)
    half, most = (float(np.quantile(after, q, method="higher")) for q in (0.5, 0.95))
    return f"{_parts(half)}; 95 % within {_parts(most)}"


def _parts(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else f"over {PATIENCE:,}"
