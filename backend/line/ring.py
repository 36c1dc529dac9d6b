"""The bounded buffer between the source and the judge. What it cannot hold is handed back."""

import threading
from collections import deque

from backend.line.part import Part

WAIT, DROP_OLDEST, DROP_NEWEST = "wait", "drop oldest", "drop newest"
POLICIES = (WAIT, DROP_OLDEST, DROP_NEWEST)


class Ring:
    """A first-in, first-out buffer of `capacity` parts, for one writer and one reader."""

    def __init__(self, capacity: int, policy: str) -> None:
        self.capacity, self.policy = capacity, policy
        self._parts: deque[Part] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._parts)

    @property
    def closed(self) -> bool:
        """Does no part come in any more?"""
        return self._closed

    def put(self, part: Part) -> Part | None:
        """Take a part in; the one that had to make way, or None.

        Waits for room where the policy is to wait; then, closed, the part itself comes back.
        """
        with self._changed:
            while self.policy == WAIT and len(self._parts) >= self.capacity and not self._closed:
                self._changed.wait(1.0)
            if self._closed or (len(self._parts) >= self.capacity and self.policy == DROP_NEWEST):
                return part
            dropped = self._parts.popleft() if len(self._parts) >= self.capacity else None
            self._parts.append(part)
            self._changed.notify_all()
            return dropped

    def take(self, most: int, patience: float) -> list[Part]:
        """Up to `most` parts, oldest first; none after `patience` seconds without any."""
        with self._changed:
            if not self._parts and not self._closed:
                self._changed.wait(patience)
            found = [self._parts.popleft() for _ in range(min(most, len(self._parts)))]
            self._changed.notify_all()
            return found

    def close(self) -> None:
        """No part comes in any more; those inside can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
