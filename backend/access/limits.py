"""How often somebody may try to sign in: waits that grow and end, never a lock.

Failures count for a name at one address, for a browser that its owner signed in with before, and
for an address whatever the name. Nothing counts for a name alone: a stranger who guesses makes
nobody else wait.

Kept in memory: a restart of the server forgets them, which costs the one who guesses more.
"""

import time
from collections.abc import Callable
from threading import Lock

from backend.records import UserError

FREE = {
    "name": 5,
    "device": 5,
    "address": 20,
    "log-out": 20,
}  # without a wait; many people share an address
LONGEST = 60.0  # s
REMEMBERED = 15 * 60.0  # s after which failures are forgotten
MOST = 10_000  # keys that are remembered at once


class Waits(UserError):
    """Too many failures. seconds: until it may be tried again."""

    def __init__(self, seconds: float):
        super().__init__(f"Too many failures. Try again in {seconds:.0f} s.")
        self.seconds = seconds


class Limits:
    """Failures by "name … at …", "device …", "address …" and "log-out …". clock: s."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._failed: dict[str, tuple[int, float]] = {}  # count, and when the last was
        self._lock = Lock()

    def wait(self, *keys: str) -> float:
        """Seconds until any of these may try again, 0 for at once."""
        with self._lock:
            return max((self._wait(key) for key in keys), default=0.0)

    def failed(self, *keys: str) -> None:
        with self._lock:
            now = self._clock()
            for key in keys:
                count, last = self._failed.pop(key, (0, now))
                fresh = now - last > REMEMBERED
                self._failed[key] = (1 if fresh else count + 1, now)
            while len(self._failed) > MOST:
                del self._failed[next(iter(self._failed))]

    def succeeded(self, key: str) -> None:
        with self._lock:
            self._failed.pop(key, None)

    def _wait(self, key: str) -> float:
        count, last = self._failed.get(key, (0, 0.0))
        over = count - FREE[key.split(" ")[0]]
        if over <= 0:
            return 0.0
        pause = min(2.0**over, LONGEST)
        return max(0.0, last + pause - self._clock())
