"""All that is looked at of one variant: worth, verdicts, speed, size and memory."""

from pathlib import Path
from typing import Any

from backend.deployment.gate.checks import Check
from backend.deployment.gate.spec import Spec
from backend.deployment.gate.timing import Times
from backend.deployment.package.contract import STUDENT, Package
from backend.numeric import statistics
from backend.wording import counted, tiny

GREY_LEVEL = 1.0  # a student's pixels are compared as whole numbers


def parity(package: Package, spec: Spec) -> Check:
    """Was the packed model found to be the trained one, when it was packed?"""
    told: dict[str, Any] = package.head["parity"]
    worst, n = float(told["score"]), int(told["n"])
    limit = GREY_LEVEL if package.kind == STUDENT else spec.parity
    words = (
        f"Packed and trained model differ by at most {tiny(worst)} on {counted(n, 'picture')}, "
        f"{tiny(limit)} is allowed."
    )
    return Check("parity", worst <= limit, words, worst, limit=limit, n=n)


def budget(times: Times, spec: Spec) -> Check:
    """Do 95 of 100 pictures keep the line's time?"""
    p50, p95, p99 = times.percentiles
    passed = p95 <= spec.budget_ms
    words = (
        f"95 of 100 pictures take at most {p95:.1f} ms, half of them {p50:.1f} ms, 99 of 100 "
        f"{p99:.1f} ms; {spec.budget_ms:g} ms are allowed."
    )
    return Check("budget", passed, words, p95, limit=spec.budget_ms, n=len(times.wall))


def speed(before: Times, after: Times, spec: Spec) -> Check:
    """Is a variant surely fast enough beside full precision, here?"""
    value, low, high = statistics.times_as_fast(before.work, after.work, seed=spec.seed)
    passed = low >= spec.speed if spec.speed > 1 else low > 1
    told = f"{value:.2f} [{low:.2f}, {high:.2f}] times as fast as full precision"
    if passed:
        words = f"{told}; at least {spec.speed:g} times is asked for."
    elif low <= 1:
        words = f"Not faster on this computer: {told}."
    else:
        words = f"Too little is gained: {told}, at least {spec.speed:g} times is asked for."
    return Check("speed", passed, words, value, low, high, spec.speed, len(before.work))


def size(file: Path) -> Check:
    """How much room the file takes."""
    megabytes = file.stat().st_size / 1e6
    return Check("size", None, f"The file has {megabytes:.1f} MB.", megabytes)


def memory(megabytes: float) -> Check:
    """How much memory a process needs that looks at one picture at a time."""
    words = f"A process that looks through it needs up to {megabytes:.0f} MB of memory."
    return Check("memory", None, words, megabytes)
