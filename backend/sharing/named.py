"""What people keep under a name, in a journal: the last line of a name counts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.core import journal, runs
from backend.records import UserError

LONGEST = 60  # letters of a name


def every(path: Path) -> dict[str, dict[str, Any]]:
    """Name → what was kept under it last, without those taken away; the name is in it too."""
    found: dict[str, dict[str, Any]] = {}
    for line in runs.json_lines(path):
        name = line.get("name")
        if not isinstance(name, str):
            continue
        if line.get("gone"):
            found.pop(name, None)
        else:
            found[name] = line
    return found


def save(path: Path, name: str, values: Mapping[str, Any]) -> None:
    """Keep something under a name, in place of another. Raises UserError for no proper name."""
    if not name.strip() or len(name) > LONGEST:
        raise UserError(f"A name of 1 to {LONGEST} letters is needed to keep it.")
    _append(path, {**values, "name": name})


def remove(path: Path, name: str) -> None:
    """Take a name away. Raises UserError where there is none."""
    if name not in every(path):
        raise UserError(f"Nothing is kept under the name '{name}'.")
    _append(path, {"name": name, "gone": True})


def _append(path: Path, line: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    journal.add(path, line)
