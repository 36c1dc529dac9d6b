"""A line that is killed again and again: what is lost, doubled or left without a verdict."""

import shutil
import time
from pathlib import Path

from backend.settings import Settings
from tests.unit.line import brokers, kills
from tests.unit.line.packages import packed

KILLS = 50
COUNT, A_MINUTE = 4000, 3000.0


def line_kills(folder: Path) -> None:
    """The line, killed (SIGKILL) at 50 random moments of one replay of 4,000 parts."""
    if not brokers.MOSQUITTO:
        print("  left out: mosquitto is not installed")
        return
    settings = Settings(storage=folder / "killed", threads=1)
    parts, package = packed(settings.runs)
    values = {
        **{"parts_run": parts.id, "package_run": package.id},
        **{"pace": A_MINUTE, "count": COUNT},
    }
    began = time.monotonic()
    with brokers.running(settings.storage) as broker, brokers.listening(broker.port) as heard:
        found = kills.replayed(settings, values, KILLS, broker, heard, seed=1)
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(found.verdicts.items()))
    many = sum(n > 1 for n in found.stored.values())
    for name, words in {
        "parts accepted": f"{found.accepted:9d}",
        "verdicts in the store": f"{len(found.stored):9d} ({verdicts})",
        "without a verdict, with several": f"{found.accepted - len(found.stored):9d}, {many}",
        "gaps in the sequence numbers": f"{found.gaps:9d}",
        "subscriber lacks, was told twice": f"{found.unheard:9d}, {found.doubled}",
        "time": f"{time.monotonic() - began:9.0f} s",
    }.items():
        print(f"  {name:<44}{words}")
    shutil.rmtree(settings.storage)
