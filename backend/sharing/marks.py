"""What people put on a run to find it again: a star, tags, a note.

`marks.jsonl` in the storage folder, only ever appended to: the last line of a run counts, so the
run itself stays as it was made.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from backend.core import journal, runs
from backend.records import UserError

JOURNAL = "marks.jsonl"
MOST_TAGS, LONGEST_TAG, LONGEST_NOTE = 12, 30, 2000


@dataclass(frozen=True)
class Mark:
    """tags: in lower case, each once. who, time: of the last change, UTC."""

    star: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""
    who: str = ""
    time: str = ""

    @property
    def words(self) -> str:
        """What stands before a run's name in a table, "" for nothing."""
        return " ".join([*(["★"] if self.star else []), *(f"#{tag}" for tag in self.tags)])


NONE = Mark()


def refuse_deletion(storage: Path, run_id: str) -> None:
    """A mark holds no run."""


def every(storage: Path) -> dict[str, Mark]:
    """Run id → its mark; damaged lines are passed over."""
    found: dict[str, Mark] = {}
    for line in runs.json_lines(storage / JOURNAL):
        with suppress(KeyError, TypeError):
            run_id = line.pop("run")
            found[run_id] = Mark(**line | {"tags": tuple(line["tags"])})
    return found


def put(storage: Path, run_id: str, mark: Mark, who: str) -> Mark:
    """Mark a run anew. Raises UserError for too many or too long tags, and too long a note."""
    tags = tuple(dict.fromkeys(tag.strip().lstrip("#").lower() for tag in mark.tags if tag.strip()))
    if len(tags) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in tags):
        raise UserError(f"At most {MOST_TAGS} tags, each of at most {LONGEST_TAG} letters.")
    if len(mark.note) > LONGEST_NOTE:
        raise UserError(
            f"A note has at most {LONGEST_NOTE:,} letters; this has {len(mark.note):,}."
        )
    now = runs.now().isoformat(timespec="seconds")
    kept = Mark(mark.star, tags, mark.note.strip(), who, now)
    storage.mkdir(parents=True, exist_ok=True)
    journal.add(storage / JOURNAL, {"run": run_id, **asdict(kept)})
    return kept


def tags(marked: dict[str, Mark]) -> list[str]:
    """Every tag in use."""
    return sorted({tag for mark in marked.values() for tag in mark.tags})
