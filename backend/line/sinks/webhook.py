"""Verdicts as JSON to an address of the plant's own, up to a hundred in one request."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from backend.line.outbox import Row
from backend.line.sinks.sink import message
from backend.records import UserError

PATIENCE = 5.0  # seconds


class Webhook:
    """address: http://… or https://…. It is called as it stands: no redirect is followed."""

    def __init__(self, address: str, line: str, uninspected: str) -> None:
        import requests

        url = urlsplit(address)
        if not url.hostname:
            raise UserError(f"Sink: '{address}' names no host.")
        self._address, self._line, self._uninspected = address, line, uninspected
        self.name = f"{url.scheme}://{url.hostname}{f':{url.port}' if url.port else ''}{url.path}"
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy that somebody set for the browser

    def send(self, rows: Sequence[Row]) -> int:
        told = [message(self._line, row, self._uninspected) for row in rows[:100]]
        answer = self._session.post(
            self._address, json={"parts": told}, timeout=PATIENCE, allow_redirects=False
        )
        if not 200 <= answer.status_code < 300:
            raise ConnectionError(f"{self.name} answered {answer.status_code}")
        return len(told)

    def beat(self, state: dict[str, Any]) -> None:
        """Only parts are told."""

    def close(self) -> None:
        self._session.close()
