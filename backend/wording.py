"""Figures as they stand in sentences: rounded or counted, with interval or chance."""

from decimal import Decimal


def known(value: float | None) -> bool:
    """Is there a figure? A stored row has NaN, or None, where there is none."""
    return value is not None and value == value


def signed(value: float) -> str:
    """`0.08`, `−0.03`; never `−0.00`."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def tiny(value: float) -> str:
    """A tiny difference in one figure that counts, written out: `0.00006`."""
    return format(Decimal(f"{value:.0e}"), "f")


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
