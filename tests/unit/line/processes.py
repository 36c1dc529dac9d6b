"""Lines as real processes."""

import sqlite3
import subprocess
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from backend.core import jobs
from backend.core.runs import Run
from backend.line import outbox, report, watch
from backend.line.watch import Status
from backend.settings import Settings

NAME = "press-3"


def home(settings: Settings, name: str = NAME) -> Path:
    return report.home(settings.storage, name)


def started(
    settings: Settings, values: dict[str, Any], name: str = NAME
) -> tuple[Run, subprocess.Popen[bytes]]:
    """The run of a line and its process."""
    run = jobs.submit(settings, "line", values, name=name, queued=False)
    return run, jobs.start(settings, run.folder)


def accepted(settings: Settings, name: str = NAME) -> int:
    """How many parts a line has taken in since its first start, 0 before that."""
    file = home(settings, name) / outbox.FILE
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database,
    ):
        found = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'parts'").fetchone()
        return int(found[0]) if found else 0
    return 0


def status(settings: Settings, run: Run) -> Status | None:
    """What a run of the line last said of itself, None before it has."""
    said = watch.status(home(settings, run.name))
    return said if said and said.run == run.id else None


def troubles(settings: Settings, run: Run) -> str:
    """What troubles it now, in one text."""
    said = status(settings, run)
    return " ".join(said.troubles.values()) if said else ""
