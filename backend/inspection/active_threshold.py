"""Which version of the thresholds is in force, since when, who chose it and why.

A journal in the storage folder, one JSON line a choice, only ever appended to: its last line is
in force, and going back is one more line. A line cut short by a crash is passed over.
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from backend import runs
from backend.records import RunState, UserError

JOURNAL = "active_thresholds.jsonl"
FILE = "artifacts/thresholds.json"  # of a threshold run: what the line's program reads


@dataclass(frozen=True)
class Activation:
    """time: UTC, ISO 8601. who, why: as the person entered them."""

    run_id: str
    inspect_run: str
    version: int
    who: str
    why: str
    time: str


def activate(storage: Path, run_folder: Path, who: str, why: str) -> Activation:
    """Put a finished threshold run in force. Raises UserError for one that gives no limit."""
    run = runs.read(run_folder)
    if run.kind != "threshold" or run.state is not RunState.COMPLETED or run.result is None:
        raise UserError(f"{run.id} is no finished threshold. Choose another version.")
    if not run.result["ready"]:
        raise UserError("No feature type of this version has a limit. Add GOOD parts first.")
    if not who.strip():
        raise UserError("Who is missing: enter your name, so that others know whom to ask.")
    if not (run_folder / FILE).is_file():
        raise UserError(f"{run_folder / FILE} is missing. Make this version again.")
    chosen = Activation(
        run.id,
        str(run.spec["inspect_run"]),
        int(run.result["version"]),
        who.strip(),
        why.strip(),
        runs.now().isoformat(timespec="seconds"),
    )
    _append(storage / JOURNAL, chosen)
    return chosen


def _append(path: Path, chosen: Activation) -> None:
    """One whole line, on the disk; a line before it that was cut short is closed first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        torn = b"" if file.read(1) in (b"", b"\n") else b"\n"
        file.write(torn + json.dumps(asdict(chosen)).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def history(storage: Path) -> list[Activation]:
    """Every choice so far, oldest first."""
    path = storage / JOURNAL
    if not path.exists():
        return []
    found = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(Activation(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found


def current(storage: Path) -> Activation | None:
    """The choice in force, None before the first."""
    found = history(storage)
    return found[-1] if found else None
