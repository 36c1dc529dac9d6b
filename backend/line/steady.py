"""A clock that nobody sets and that all processes of this computer share until it is started anew.

Whatever is due, late or silent goes by it. The time of day is only told: it may jump.
"""

import time
from functools import cache
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def now() -> float:
    """Seconds since some moment of this start of the computer."""
    return time.monotonic()


@cache
def boot() -> str:
    """By which this start of the computer is known; "" where it does not tell."""
    return _BOOT.read_text().strip() if _BOOT.exists() else ""
