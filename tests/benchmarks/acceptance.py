"""Do the intervals of an acceptance protocol hold as often as they say? Simulated studies."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from backend.numeric import agreement, detection_probability
from backend.numeric.detection_probability import HitMiss
from backend.records import UserError

STUDIES, CURVES = 10_000, 2_000
TRUE_A90 = 2.0


def acceptance(folder: Path) -> None:
    """Intervals of kappa over 10,000 studies, of a90 over 2,000; aim: 95 in 100."""
    print("| parts | right | BAD | kappa | Cohen's, two people | Fleiss', three people |")
    print("|---:|---:|---:|---:|---:|---:|")
    for n, right, bad in _studies():
        true = true_kappa(right, bad)
        two, three = (_covered(n, right, bad, people) for people in (2, 3))
        print(
            f"| {n} | {right:.0%} | {bad:.0%} | {true:.2f} | {two:.1%} | {three:.1%} |", flush=True
        )
    print("\n| defects | slope | no curve | a90/95 above the true a90 | interval of a90 |")
    print("|---:|---:|---:|---:|---:|")
    for n, slope in ((30, 3.0), (60, 1.5), (60, 3.0), (60, 6.0), (120, 3.0)):
        print(f"| {n} | {slope:g} | {_sizes(n, slope)} |", flush=True)


def _studies() -> Iterator[tuple[int, float, float]]:
    for n in (30, 50, 150):
        yield from ((n, right, bad) for right, bad in ((0.98, 0.5), (0.9, 0.3), (0.8, 0.3)))
    yield 150, 0.98, 0.05


def true_kappa(right: float, bad: float) -> float:
    """Of people who are each right so often, on parts of which so many are BAD."""
    says = bad * right + (1 - bad) * (1 - right)
    alike, chance = right**2 + (1 - right) ** 2, says**2 + (1 - says) ** 2
    return (alike - chance) / (1 - chance)


def _covered(n: int, right: float, bad: float, people: int) -> float:
    rng, true, held = np.random.default_rng(0), true_kappa(right, bad), []
    for _ in range(STUDIES):
        truth = rng.random(n) < bad
        said = truth ^ (rng.random((people, n)) > right)
        if people == 2:
            found = agreement.cohen(*said)
        else:
            called_bad = said.sum(0)
            found = agreement.fleiss(np.stack([called_bad, people - called_bad], axis=1))
        held.append(found.low <= true <= found.high)
    return float(np.mean(held))


def curve(rng: np.random.Generator, n: int, slope: float) -> HitMiss:
    """Of n defects, sizes a fifth to three times TRUE_A90. Raises UserError where there is none."""
    sizes = TRUE_A90 * np.exp(rng.uniform(math.log(0.2), math.log(3), n))
    eta = math.log(9) + slope * np.log(sizes / TRUE_A90)
    return detection_probability.fit(sizes, rng.random(n) < 1 / (1 + np.exp(-eta)), np.arange(n))


def _sizes(n: int, slope: float) -> str:
    rng, made, none = np.random.default_rng(0), [], 0
    for _ in range(CURVES):
        try:
            made.append(curve(rng, n, slope))
        except UserError:
            none += 1
    above = np.mean([one.upper() >= TRUE_A90 for one in made])
    return f"{none} of {CURVES} | {above:.1%} | {np.mean([_holds(one) for one in made]):.1%}"


def _holds(one: HitMiss) -> bool:
    low, high = one.interval()
    return low <= TRUE_A90 <= high
