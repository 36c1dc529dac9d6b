"""Figures as they stand in sentences: rounded or counted, with interval or chance."""

import math
from decimal import ROUND_CEILING, Decimal

FINEST = 9  # places behind the point of a tiny difference


def known(value: float | None) -> bool:
    """Is there a figure? A stored row has NaN, or None, where there is none."""
    return value is not None and value == value


def signed(value: float) -> str:
    """`0.08`, `−0.03`; never `−0.00`."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def tiny(value: float) -> str:
    """A difference, written out and rounded up to two figures that count: `0.000056`."""
    if not math.isfinite(value):
        return "an unknown amount"
    exact = Decimal(str(float(value)))
    if exact.adjusted() > 0:  # from 10 on
        return f"{exact.to_integral_value(ROUND_CEILING):f}"
    place = Decimal(1).scaleb(max(-FINEST, exact.adjusted() - 1))
    return f"{exact.quantize(place, ROUND_CEILING).normalize():f}"


def with_interval(value: float, low: float | None, high: float | None) -> str:
    """`0.08 [0.02, 0.13]`, or the value alone where there is no interval."""
    if low is None or high is None or not (known(low) and known(high)):
        return signed(value)
    return f"{signed(value)} [{signed(low)}, {signed(high)}]"


def chance(p: float) -> str:
    """`p = 0.02`, `p < 0.01`."""
    return "p < 0.01" if p < 0.01 else f"p = {p:.2f}"


def counted(n: int, one: str, more: str = "") -> str:
    """`1 image`, `12 images`; `more` where the plural is not just an s: `1 image has`."""
    return f"{n:,} {one if n == 1 else more or one + 's'}"
