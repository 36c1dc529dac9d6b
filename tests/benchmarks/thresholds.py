"""Do the thresholds keep their promise? Simulated plants with a known share of false alarms."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from backend.inspection.threshold import limits as method
from backend.inspection.threshold.limits import Promise

PLANTS = 10_000
ALIKE = 0.5  # share of a score's variance that the crops of a component have in common


def plants(
    count: int,
    promise: Promise,
    components: int,
    crops: int,
    seed: int = 0,
    ignore_groups: bool = False,
) -> NDArray[np.float64]:
    """Each plant's true share of GOOD parts above the limit that it has set, [count].

    A plant calibrates on `crops` parts of each of its components. Scores are normal, so the share
    is known exactly. ignore_groups: the mistake, each crop taken for a component of its own.
    """
    rng = np.random.default_rng(seed)
    names = np.arange(components * crops) // (1 if ignore_groups else crops)
    shares = np.empty(count)
    for k in range(count):
        shared = rng.normal(size=(components, 1)) * math.sqrt(ALIKE)
        own = rng.normal(size=(components, crops)) * math.sqrt(1 - ALIKE)
        found = method.find_limits((shared + own).ravel(), names, promise)
        assert found.alarm is not None
        shares[k] = stats.norm.sf(found.alarm)
    return shares


def thresholds(folder: Path) -> None:
    """False alarms that thresholds promise, over 10,000 simulated plants (promised: 5 %)."""
    for words, crops, components in (("single crops", 1, 80), ("4 crops a component", 4, 80)):
        average = plants(PLANTS, Promise(0.05, 0.05), components, crops)
        print(f"  {words + ', on average':<44}{average.mean():9.2%} of GOOD parts (≤ 5 %)")
        certain = plants(PLANTS, Promise(0.05, 0.05, 0.95), components, crops, seed=1)
        kept = (certain <= 0.05).mean()
        print(f"  {words + ', certified':<44}{kept:9.2%} of plants keep it (≥ 95 %)")
    wrong = plants(PLANTS, Promise(0.05, 0.05, 0.95), 40, 8, seed=2, ignore_groups=True)
    kept = (wrong <= 0.05).mean()
    print(f"  {'8 crops a component, groups ignored':<44}{kept:9.2%} of plants keep it (control)")
