"""One thing that the gate looks at: the value found, its limit, and what that means in words."""

from dataclasses import dataclass
from typing import Any

NAN = float("nan")


@dataclass(frozen=True)
class Check:
    """passed: None for a figure without a limit. value, low, high: found, with its 95 % interval;
    limit: what it must keep; n: how many parts, images or calls; all NaN or 0 where there is none.
    """

    name: str
    passed: bool | None
    words: str
    value: float = NAN
    low: float = NAN
    high: float = NAN
    limit: float = NAN
    n: int = 0

    def row(self, variant: str) -> dict[str, Any]:
        """A row of the table `gate_checks`."""
        return {
            **{"variant": variant, "name": self.name, "passed": self.passed, "words": self.words},
            **{"value": self.value, "low": self.low, "high": self.high},
            **{"limit_value": self.limit, "n": self.n},
        }


def no_worse(
    name: str,
    what: str,
    found: tuple[float, float, float],
    margin: float,
    count: str,
    n: int,
) -> Check:
    """Is a loss above the margin ruled out? found: variant less full precision, with its interval.

    what: is judged, in words. count: on how many, in words.
    """
    value, low, high = found
    passed = low >= -margin  # NaN does not pass
    told = f"{value:+.3f} [{low:+.3f}, {high:+.3f}] on {count}"
    if passed:
        lost = max(0.0, -low)
        words = f"{what}: at most {lost:.3f} lower, 95 % sure; {margin:g} is allowed ({told})."
    elif value != value:
        words = f"{what} cannot be judged: there is no GOOD or no BAD part among {count}. Add some."
    elif high < -margin:
        words = f"{what} is lower by more than the {margin:g} that is allowed ({told})."
    else:
        words = (
            f"{what}: a loss of more than the {margin:g} that is allowed cannot be ruled out "
            f"({told}). More parts would tell."
        )
    return Check(name, passed, words, value, low, high, -margin, n)


def few_flips(turned: int, found: tuple[float, float, float], limit: float, n: int) -> Check:
    """Do few enough verdicts turn? found: their share with its exact interval."""
    value, low, high = found
    passed = high <= limit
    told = f"{turned} of {n} verdicts turn, {value:.1%} [{low:.1%}, {high:.1%}]"
    if passed:
        words = f"{told}; up to {limit:.0%} are allowed."
    elif low > limit:
        words = f"{told}: more than the {limit:.0%} that are allowed."
    else:
        words = (
            f"{told}: more than the {limit:.0%} that are allowed cannot be ruled out. More parts "
            "would tell."
        )
    return Check("flips", passed, words, value, low, high, limit, n)
