"""Parts that other programs hand in over HTTP, see `line.service`; each waits for its verdict."""

import asyncio
import queue
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from backend.line.part import Captured, Judgement, Part

HELD = 256  # parts that wait to be taken in, at most


@dataclass(frozen=True)
class Answer:
    """A part that was judged."""

    part: Part
    said: Judgement


class Http:
    """A source between the service's event loop and the line's threads."""

    trouble = ""

    def __init__(self) -> None:
        self._queue: queue.Queue[Captured] = queue.Queue(HELD)
        self._waiting: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Future[Answer]]] = {}
        self._over: list[str] = []
        self._lock = threading.Lock()
        self._closed = False

    def hand_in(
        self, picture: bytes, feature: str, serial: str, at: float
    ) -> tuple[str, "asyncio.Future[Answer]"]:
        """Called in the event loop: a part's ticket and what will be its answer.

        Raises queue.Full where too many wait already.
        """
        ticket, loop = secrets.token_hex(8), asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        with self._lock:
            self._waiting[ticket] = (loop, future)
        try:
            if self._closed:
                raise queue.Full
            self._queue.put_nowait(Captured(picture, feature, at, serial, ticket))
        except queue.Full:
            self.forget(ticket)
            raise
        return ticket, future

    def forget(self, ticket: str) -> None:
        """Nobody waits for that part's answer any more."""
        with self._lock:
            self._waiting.pop(ticket, None)

    def read(self, most: int, patience: float) -> list[Captured] | None:
        try:
            found = [self._queue.get(timeout=patience)]
        except queue.Empty:
            return []
        while len(found) < most and not self._queue.empty():
            found.append(self._queue.get_nowait())
        return found

    def done(self, part: Part, said: Judgement) -> None:
        with self._lock:
            waiting = self._waiting.pop(part.captured.mark, None)
            self._over.append(part.captured.mark)
        if waiting:
            loop, future = waiting
            loop.call_soon_threadsafe(_resolve, future, Answer(part, said))

    def gone(self) -> Sequence[str]:
        with self._lock:
            told, self._over = self._over, []
        return told

    def close(self) -> None:
        self._closed = True


def _resolve(future: "asyncio.Future[Answer]", answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)
