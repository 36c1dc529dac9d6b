"""Where parts come from. A source may be slow, wrong or gone; it never ends the line."""

from collections.abc import Sequence
from typing import Protocol

from backend.line.part import Captured, Judgement, Part


class Source(Protocol):
    """Gives parts to one thread of the line.

    trouble: what keeps it from giving any, in words; "" while all is well.
    """

    trouble: str

    def read(self, most: int, patience: float) -> list[Captured] | None:
        """Up to `most` parts, none after `patience` seconds without any, None at its end."""
        ...

    def done(self, part: Part, said: Judgement) -> None:
        """The verdict of a part is stored."""
        ...

    def gone(self) -> Sequence[str]:
        """Marks that it will not give again, each told once."""
        ...

    def close(self) -> None: ...
