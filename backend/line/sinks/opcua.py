"""Verdicts over OPC UA: a server with one event a part, and the line's state, recipe and heartbeat.

Names follow OPC 40100-1 (Machine Vision); the types are the line's own, so this is no claim that it
conforms. An event may be lost with its connection, so a client reads back what it missed
(`GetResults`) and confirms what it has (`ConfirmResults`): only then is a verdict taken. Needs the
package asyncua.
"""

import hmac
import ipaddress
import os
import threading
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from backend.line.outbox import Row
from backend.line.sinks.sink import message
from backend.records import UserError

if TYPE_CHECKING:
    from backend.line.sinks.opcua_server import Running

PATIENCE = 5.0  # seconds for a client to confirm
CLOSE_SECONDS = 3.0  # for a start that is under way
PASSWORD = "DISTILLERY_OPCUA_PASSWORD"


class OpcUa:
    """address: opc.tcp://[USER[:PASSWORD]@]HOST[:PORT]. With a user, clients sign in with it, and
    every message is signed and encrypted; without one the host must be this computer's own.

    The password may come from the environment instead, DISTILLERY_OPCUA_PASSWORD.
    """

    def __init__(self, address: str, line: str, uninspected: str) -> None:
        url = urlsplit(address)
        if find_spec("asyncua") is None:
            raise UserError(
                "Sink: OPC UA needs the package asyncua. Install it: .venv/bin/pip install "
                "asyncua==2.1.0"
            )
        if not url.hostname:
            raise UserError(f"Sink: '{address}' needs a host: opc.tcp://HOST:PORT.")
        self._line, self._uninspected = line, uninspected
        self._host, self._port = url.hostname, url.port or 4840
        self.user = unquote(url.username or "")
        self._password = unquote(url.password or os.environ.get(PASSWORD, ""))
        if self.user and not self._password:
            raise UserError(f"Sink: the user '{self.user}' needs a password: set {PASSWORD}.")
        if not self.user and not _is_own(self._host):
            raise UserError(
                f"Sink: on {self._host} others could read along. Name a user "
                "(opc.tcp://USER@HOST:PORT), or take 127.0.0.1."
            )
        self.name = f"opc.tcp://{self._host}:{self._port}"
        self._server: Running | None = None
        self._told = 0
        self._begun = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"opc.tcp://{self._host}:{self._port}/{self._line}"

    def allows(self, user: str | None, password: str | None) -> bool:
        """Is this the user of the address, or is nobody asked?"""
        if not self.user:
            return True
        same = hmac.compare_digest((user or "").encode(), self.user.encode())
        return same & hmac.compare_digest((password or "").encode(), self._password.encode())

    def _running(self) -> "Running":
        """The server, started at the first need. Raises OSError where it cannot listen."""
        from backend.line.sinks.opcua_server import Running

        with self._begun:
            if self._server is None:
                self._server = Running(self.endpoint, self._line, bool(self.user), self.allows)
            return self._server

    def send(self, rows: Sequence[Row]) -> int:
        """Raises ConnectionError where no client confirms; what is told stays to be read."""
        server = self._running()
        told = {row.id: message(self._line, row, self._uninspected) for row in rows}
        server.offer(told, [number for number in told if number > self._told])
        self._told = max(self._told, rows[-1].id)
        deadline = time.monotonic() + PATIENCE
        while server.confirmed < rows[0].id and time.monotonic() < deadline:
            server.changed.wait(0.1)
            server.changed.clear()
        taken = sum(row.id <= server.confirmed for row in rows)
        if not taken:
            raise ConnectionError("no OPC UA client has confirmed a result")
        return taken

    def beat(self, state: dict[str, Any]) -> None:
        self._running().beat(state)

    def close(self) -> None:
        """A server that hangs at its start is left to itself: it ends with the line's process."""
        if not self._begun.acquire(timeout=CLOSE_SECONDS):
            return
        try:
            if self._server:
                self._server.stop()
                self._server = None
        finally:
            self._begun.release()


def _is_own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
