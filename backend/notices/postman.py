"""Looks for what is worth a notice, and sends what waits, in a thread of the dashboard's server.

What did not arrive is tried again after a minute, two, four and so on up to an hour, for about a
day; then it is given up, and that is told in the dashboard.
"""

import logging
import threading
import time
from pathlib import Path

from backend.notices import box, channels, config, events
from backend.notices.box import GIVEN_UP, SENT, WAITING, Delivery, Notice
from backend.notices.config import Config
from backend.notices.events import Reads
from backend.records import UserError

LOOK_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
MOST_TRIES = 29  # which take a day

log = logging.getLogger(__name__)


class Postman:
    """One a dashboard. store: where runs are looked up."""

    def __init__(self, storage: Path, store: Reads) -> None:
        self._storage, self._store = storage, store
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="postman", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread once what it is sending has been sent; what waits is sent later."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(channels.PATIENCE)

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                self.round(time.time())
            except Exception:
                log.exception("postman")
            self._stop.wait(LOOK_SECONDS)

    def round(self, now: float) -> None:
        """Tell what is new, and send what is due."""
        try:
            chosen = config.read(self._storage)
        except UserError as error:
            log.warning("%s", error)  # its page says so too; told once it is put right
            return
        events.look(self._storage, self._store, chosen, now)
        for one in box.due(self._storage, now):
            if not self._stop.is_set():
                _try(self._storage, chosen, one, now)
        box.sweep(self._storage, now)


def _try(storage: Path, chosen: Config, one: Delivery, now: float) -> None:
    if one.channel not in chosen.channels:
        box.settle(storage, one, GIVEN_UP, now, "it is no longer set up")
        return
    try:
        channels.send(chosen, one.channel, one.notice)
    except channels.NotSent as error:
        _not_sent(storage, one, str(error), now)
    else:
        box.settle(storage, one, SENT, now)


def _not_sent(storage: Path, one: Delivery, why: str, now: float) -> None:
    """Try again later, or give it up and tell so, once a day for each channel."""
    if one.tries + 1 < MOST_TRIES:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**one.tries)
        box.settle(storage, one, WAITING, now + pause, why)
        return
    box.settle(storage, one, GIVEN_UP, now, why)
    words = f"A day of tries to send notices by {one.channel} failed: {why}. They stand here alone."
    told = Notice(f"delivery {one.channel} {now // box.DAY:.0f}", now, "delivery", words)
    box.add(storage, told)
