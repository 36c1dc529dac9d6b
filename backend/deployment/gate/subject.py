"""What the gate must know of a kind of model: its pictures, what its outputs mean, and checks."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backend.deployment.gate.checks import Check

if TYPE_CHECKING:
    import onnxruntime

CALIBRATE, CHOOSE, JUDGE = "calibrate", "choose", "judge"
LEAST_CALIBRATION = 16  # pictures, where not fewer were asked for

Feed = Mapping[str, NDArray[Any]]
Rows = list[dict[str, Any]]


class Subject(Protocol):
    """A packaged model with three sets of pictures that share no group: to calibrate INT8 on, to
    choose its nodes on, and to judge on."""

    notes: list[str]

    def count(self, which: str) -> int:
        """How many pictures a set holds."""
        ...

    def feeds(self, which: str) -> Iterator[Feed]:
        """What the model takes for each picture of a set, one at a time."""
        ...

    def refuse_foreign(self, session: "onnxruntime.InferenceSession") -> None:
        """Raises UserError where a set to calibrate on that was named is not of the model's data.

        session: full precision.
        """
        ...

    def outputs(self, session: "onnxruntime.InferenceSession", which: str) -> Any:
        """What a model makes of a set; means something to the other methods alone."""
        ...

    def damage(self, exact: Any, made: Any) -> float:
        """How far outputs moved from those of full precision, on any set."""
        ...

    def acceptable(self, exact: Any, made: Any) -> bool:
        """Do worth and verdicts stay within half of the limits, on the set to choose on?"""
        ...

    def golden(self, session: "onnxruntime.InferenceSession") -> Check:
        """Do the package's golden pictures give what package.json promises?"""
        ...

    def checks(self, exact: Any, made: Any) -> list[Check]:
        """What a variant is worth beside full precision, on the set to judge on."""
        ...

    def items(self, exact: Any, made: Any) -> Rows:
        """Rows of the table `gate_items`, without the variant: each judged picture."""
        ...


def within(root: Path, file: Path) -> str:
    """A picture's place in the folder of runs; its whole path where it lies elsewhere."""
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)


def evenly(count: int, most: int) -> NDArray[np.intp]:
    """At most `most` places of 0 … count - 1, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.intp))
