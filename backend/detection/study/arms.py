"""The arms of a study, and the trials they make."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

ARMS = (
    "real",
    "real+intact",
    "synthetic",
    "real+intact+synthetic",
    "real+intact+copy-paste",
    "real+synthetic",
)
MIXINGS = ("each", "mixed", "both")
MIX = "mix"


@dataclass(frozen=True)
class Arm:
    """What a detector is trained on. parts: of real, intact, synthetic, copy-paste.

    sources: the synthetic images' names, several where they are mixed. baseline: name of the arm
    that lacks what this one adds; of synthetic images alone, the first of those arms; "" for none.
    """

    name: str
    parts: tuple[str, ...]
    sources: tuple[str, ...] = ()
    baseline: str = ""


@dataclass(frozen=True)
class Trial:
    """One training: an arm with so many real images. seed: 0, 1, …, shared by all arms."""

    arm: Arm
    amount: int
    seed: int

    @property
    def key(self) -> str:
        """The trial as a folder name."""
        return f"{slug(self.arm.name)}-{self.amount}-s{self.seed}"


def slug(name: str) -> str:
    """A name as part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def expanded(names: Sequence[str], sources: Sequence[str], mixing: str) -> tuple[Arm, ...]:
    """The arms asked for; those with synthetic images once for each source, or all mixed."""
    found: list[Arm] = []
    for name in dict.fromkeys(names):
        parts = tuple(name.split("+"))
        if "synthetic" not in parts:
            found.append(Arm(name, parts, (), _baseline(parts)))
            continue
        rest = parts[:-1]
        sets: dict[str, tuple[str, ...]]
        sets = {} if mixing == "mixed" and len(sources) > 1 else {s: (s,) for s in sources}
        if mixing != "each" and len(sources) > 1:
            sets[MIX] = tuple(sources)
        first = next(iter(sets), "")
        for label, mixed in sets.items():
            other = first if label != first else ""  # alone, each is held against the first
            baseline = "+".join(rest) if rest else other
            found.append(Arm("+".join((*rest, label)), parts, mixed, baseline))
    return tuple(found)


def _baseline(parts: tuple[str, ...]) -> str:
    return "+".join(parts[:-1])


def planned(arms: Sequence[Arm], amounts: Sequence[int], seeds: int) -> list[Trial]:
    """Every trial, seed by seed, so that a study cut short still has all arms.

    Synthetic images alone are trained on once a seed, as amount 0. With 0 real images an arm is
    left out unless it is trained on intact photographs and synthetic images then.
    """
    return [
        Trial(arm, amount, seed)
        for seed in range(seeds)
        for arm in arms
        for amount in _amounts(arm, amounts)
    ]


def _amounts(arm: Arm, amounts: Sequence[int]) -> list[int]:
    if "real" not in arm.parts:
        return [0]
    without_real = {"intact", "synthetic"} <= set(arm.parts)
    return [n for n in sorted(set(amounts)) if n > 0 or without_real]
