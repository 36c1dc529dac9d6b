"""What people said of parts of a line: a journal beside it, one JSON line a decision, only ever
appended to. Taking one back is one more line."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from backend.core import journal, runs
from backend.records import UserError

JOURNAL = "reviews.jsonl"  # in the line's folder
Place = tuple[int, int]  # epoch and sequence of a part


class Said(StrEnum):
    """What a person may say of a part."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Decision:
    """number: its place in the journal, from 1. time: UTC, seconds since 1970. took_back: the
    number of the decision that this one takes back, 0 for one about the part."""

    number: int
    epoch: int
    sequence: int
    decision: str
    who: str
    time: float
    took_back: int = 0

    @property
    def place(self) -> Place:
        return self.epoch, self.sequence


def record(home: Path, place: Place, said: str, who: str) -> Decision:
    """Note what a person said of a part. Raises UserError where nobody gave a name."""
    if said not in set(Said):
        raise UserError(f"'{said}' is no decision. Say {', '.join(Said)}.")
    return _append(home, place, said, who, 0)


def take_back(home: Path, who: str) -> Decision | None:
    """Take this person's newest decision back that stands; what it was, None without any."""
    mine = [one for one in standing(home) if one.who == who.strip()]
    if not mine:
        return None
    _append(home, mine[-1].place, mine[-1].decision, who, mine[-1].number)
    return mine[-1]


def _append(home: Path, place: Place, said: str, who: str, took_back: int) -> Decision:
    name = journal.signed(who)
    if not home.is_dir():
        raise UserError(f"There is no line '{home.name}'.")
    with journal.locked(home / JOURNAL) as file:
        number = 1 + max((one.number for one in history(home)), default=0)
        now = runs.now().timestamp()
        made = Decision(number, *place, said, name, now, took_back)
        journal.append(file, asdict(made))
    return made


def history(home: Path) -> list[Decision]:
    """Every line of the journal, oldest first."""
    found = []
    for line in runs.json_lines(home / JOURNAL):
        with suppress(TypeError):
            found.append(Decision(**line))
    return found


def standing(home: Path) -> list[Decision]:
    """The decisions that were not taken back, oldest first."""
    found = history(home)
    gone = {one.took_back for one in found}
    return [one for one in found if not one.took_back and one.number not in gone]


def votes(found: Iterable[Decision]) -> dict[Place, dict[str, str]]:
    """Part → person → what that person said of it last."""
    by_part: dict[Place, dict[str, str]] = {}
    for one in found:
        by_part.setdefault(one.place, {})[one.who] = one.decision
    return by_part


def truth(of_part: dict[str, str]) -> Said:
    """What most people say that a part is; UNSURE where as many say the one as the other."""
    counts = Counter(of_part.values())
    good, bad = counts[Said.GOOD], counts[Said.BAD]
    return Said.UNSURE if good == bad else Said.GOOD if good > bad else Said.BAD
