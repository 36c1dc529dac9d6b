"""All that is wrong with a set of labels, told at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from backend.records import UserError

MOST_TOLD = 20


class Faulty(UserError):
    """Several things that are wrong. told: each in words."""

    def __init__(self, told: list[str]) -> None:
        more = len(told) - MOST_TOLD
        rest = [f"… and {more} more."] if more > 0 else []
        lines = [f"{len(told)} things are wrong:", *told[:MOST_TOLD], *rest]
        super().__init__("\n- ".join(lines))
        self.told = told


class Faults:
    """Collects the `UserError`s of many small readings, and raises them as one."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @contextmanager
    def collected(self) -> Iterator[None]:
        """What is wrong within is kept, and the work goes on behind it."""
        try:
            yield
        except Faulty as error:
            self.told += error.told
        except UserError as error:
            self.told.append(str(error))

    def refuse(self) -> None:
        """Raises UserError with all that was collected, up to twenty in full, if there is any."""
        if len(self.told) == 1:
            raise UserError(self.told[0])
        if self.told:
            raise Faulty(self.told)
