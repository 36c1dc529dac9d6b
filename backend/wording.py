"""Figures as they stand in sentences: rounded or counted, with interval or chance."""

import math
from decimal import ROUND_CEILING, Decimal


def known(value: float | None) -> bool:
    """Is there a figure? A stored row has NaN, or None, where there is none."""
    return value is not None and value == value


def signed(value: float) -> str:
    """`0.08`, `−0.03`; never `−0.00`."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def tiny(value: float) -> str:
    """A tiny difference of at least 0 as "at most" wants it: rounded up to two figures that count,
    written out: `0.000057`."""
    if not math.isfinite(value):
        return "no number" if math.isnan(value) else "any number"
    exact = Decimal(repr(float(value)))
    step = Decimal(1).scaleb(exact.adjusted() - 1)
    rounded = exact.quantize(step, ROUND_CEILING) if exact else exact
    whole, _, rest = format(rounded, "f").partition(".")
    return f"{whole}.{rest}".rstrip("0").rstrip(".") if rest else whole


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
