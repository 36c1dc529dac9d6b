"""Timing of calls: on the wall and of the processor, variants in turn."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

Call = Callable[[int], object]  # takes the number of the call
BLOCK = 10  # counted calls of a variant before the next has its turn


@dataclass(frozen=True)
class Variant:
    """What is called, how often, and how many parts a call takes."""

    call: Call
    count: int
    parts: int = 1


@dataclass(frozen=True)
class Sample:
    """One call. ms: on the wall. cpu_ms: of all threads of this process; NaN where not known."""

    variant: str
    number: int
    ms: float
    cpu_ms: float = math.nan
    parts: int = 1


def timed(name: str, number: int, variant: Variant) -> Sample:
    cpu, wall = time.process_time(), time.perf_counter()
    variant.call(number)
    ended, spent = time.perf_counter(), time.process_time()
    return Sample(name, number, 1000 * (ended - wall), 1000 * (spent - cpu), variant.parts)


def in_turn(variants: Mapping[str, Variant]) -> Iterator[Sample]:
    """Every counted call: a block of one variant after a block of the other, so that what else the
    computer does meets all alike. Before each block stands a call that does not count."""
    done = dict.fromkeys(variants, 0)
    while left := [name for name, one in variants.items() if done[name] < one.count]:
        for name in left:
            one, first = variants[name], done[name]
            one.call(first)
            done[name] = min(one.count, first + BLOCK)
            for number in range(first, done[name]):
                yield timed(name, number, one)
