"""The arms of a study, and the trials they make."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backend.detection.mixing import AS_THEY_COME, FIRST, Mixing

HALF_REAL, TWO_STAGES = "half real", "synthetic first"
ARMS = (
    "real",
    "real+intact",
    "synthetic",
    "real+intact+synthetic",
    f"real+intact+synthetic, {HALF_REAL}",
    f"real+intact+synthetic, {TWO_STAGES}",
    "real+intact+copy-paste",
    "real+synthetic",
)
ARMS_HELP = (
    "what the detector is trained on; half real: at least half of each batch is real, though they "
    "are few; synthetic first: then real images alone, in the same number of steps in all"
)
HOW = {"": AS_THEY_COME, HALF_REAL: Mixing(share=0.5), TWO_STAGES: Mixing(FIRST)}
MIXINGS = ("each", "mixed", "both")
MIX = "mix"


@dataclass(frozen=True)
class Arm:
    """What a detector is trained on. parts: of real, intact, synthetic, copy-paste.

    sources: the synthetic images' names, several where they are mixed. baseline: name of the arm
    that lacks what this one adds; of synthetic images alone, the first of those arms; "" for none.
    mixing: how real and synthetic images take turns.
    """

    name: str
    parts: tuple[str, ...]
    sources: tuple[str, ...] = ()
    baseline: str = ""
    mixing: Mixing = AS_THEY_COME


@dataclass(frozen=True)
class Trial:
    """One training: an arm with so many real images. seed: 0, 1, …, shared by all arms."""

    arm: Arm
    amount: int
    seed: int

    @property
    def key(self) -> str:
        """The trial as a folder name."""
        name = "_".join(map(slug, self.arm.name.split(", ")))  # no source's name has a comma
        return f"{name}-{self.amount}-s{self.seed}"


def slug(name: str) -> str:
    """A name as part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def expanded(names: Sequence[str], sources: Sequence[str], mixing: str) -> tuple[Arm, ...]:
    """The arms asked for; those with synthetic images once for each source, or all mixed."""
    found: list[Arm] = []
    for name in dict.fromkeys(names):
        parts, how = parts_of(name)
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
            whole = ", ".join(filter(None, ("+".join((*rest, label)), how)))
            found.append(Arm(whole, parts, mixed, baseline, HOW[how]))
    return tuple(found)


def parts_of(name: str) -> tuple[tuple[str, ...], str]:
    """What an arm of ARMS is trained on, and in what way: a key of HOW."""
    parts, _, how = name.partition(", ")
    return tuple(parts.split("+")), how


def _baseline(parts: tuple[str, ...]) -> str:
    return "+".join(parts[:-1])


def planned(arms: Sequence[Arm], amounts: Sequence[int], seeds: int) -> list[Trial]:
    """Every trial, seed by seed, so that a study cut short still has all arms.

    Synthetic images alone are trained on once a seed, as amount 0. With 0 real images an arm is
    left out unless it is trained on intact photographs and synthetic images then, as they come.
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
    without_real = {"intact", "synthetic"} <= set(arm.parts) and arm.mixing == AS_THEY_COME
    return [n for n in sorted(set(amounts)) if n > 0 or without_real]
