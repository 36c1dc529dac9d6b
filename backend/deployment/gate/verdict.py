"""What the checks of a variant come to, and the sentence that sums them up."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.deployment.gate.checks import Check
from backend.deployment.gate.spec import FP32

REFUSED_BY = {  # name of a check → why a variant is refused, in a few words
    "golden pictures": "its golden pictures come out differently",
    "parity": "it is not the trained model",
    "AUROC": "it may separate GOOD and BAD worse",
    "AP50": "it may find fewer defects",
    "PSNR": "it paints differently",
    "mask overlap": "its masks differ",
    "flips": "too many verdicts turn",
    "limit": "no limit can be set for it",
    "false alarms": "too many false alarms",
    "speed": "it gains too little speed here",
    "budget": "it is too slow for the line",
    "nodes": "no part of it gains by INT8 unharmed",
    "file": "it cannot be made",
    "full precision": "full precision is refused",
}


@dataclass(frozen=True)
class Verdict:
    """A variant and all that was looked at."""

    variant: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed is not False for check in self.checks)

    @property
    def words(self) -> str:
        """`INT8 is refused: it is not faster here, too many verdicts turn`."""
        if self.passed:
            return f"{self.variant} may go on the line"
        why = [REFUSED_BY[check.name] for check in self.checks if check.passed is False]
        return f"{self.variant} is refused: {', '.join(why)}"

    @property
    def reasons(self) -> list[str]:
        """A sentence a check, those that refuse first."""
        told = sorted(
            (check for check in self.checks if check.passed is not None),
            key=lambda check: bool(check.passed),
        )
        return [f"{self.variant}: {check.words}" for check in told]


def summed(verdicts: Sequence[Verdict]) -> str:
    """The verdict on a package with its variants, in a sentence."""
    return "; ".join(verdict.words for verdict in verdicts) + "."


def in_order(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """A variant of a package that is refused in full precision is refused too."""
    first, *others = verdicts
    if first.passed:
        return list(verdicts)
    words = f"The package is refused in full precision ({FP32}), so no variant of it can pass."
    why = Check("full precision", False, words)
    return [first, *(Verdict(one.variant, (why, *one.checks)) for one in others)]
