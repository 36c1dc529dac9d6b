"""The line's own HTTP service: hand a part in and get its verdict, health, metrics.

It runs in a thread of the line's process. Whoever hands parts in must show the line's key.
"""

import asyncio
import hmac
import queue
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backend.line import secret
from backend.line.keeper import Keeper
from backend.line.metrics import Metrics
from backend.line.part import Verdict, action
from backend.line.sources.http import Http
from backend.records import UserError

KEY = "api-key"  # in the line's folder
MOST_BYTES = 32 * 2**20
PATIENCE = 10.0  # seconds to wait for a verdict


def key_of(home: Path) -> str:
    """The line's key, made at its first start; only the owner of the folder can read it."""
    return secret.of(home / KEY)


class Rate:
    """Lets `a_second` requests through on average, and as many at once."""

    def __init__(self, a_second: float) -> None:
        self._a_second, self._left, self._then = a_second, a_second, time.monotonic()

    def allows(self) -> bool:
        now = time.monotonic()
        self._left = min(self._a_second, self._left + (now - self._then) * self._a_second)
        self._then = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(frozen=True)
class Terms:
    """uninspected: what the plant does with a part that nobody saw. rate: requests a second."""

    uninspected: str
    rate: float


class Service:
    """The service of a line that runs. source: None where parts come from elsewhere."""

    def __init__(
        self, home: Path, keeper: Keeper, metrics: Metrics, source: Http | None, terms: Terms
    ) -> None:
        self._home, self._keeper, self._metrics = home, keeper, metrics
        self._source, self._terms = source, terms
        self._key, self._rate = key_of(home), Rate(terms.rate)
        self._server: uvicorn.Server | None = None
        self.app = Starlette(
            routes=[
                Route("/inspect", self._guarded(self._inspect), methods=["POST"]),
                Route("/metrics", self._guarded(self._told_metrics)),
                Route("/health", self._health),
                Route("/openapi.json", self._openapi),
            ]
        )

    def start(self, host: str, port: int) -> None:
        """Serve in a thread. Raises UserError where the port is taken."""
        config = uvicorn.Config(self.app, host, port, log_level="warning", access_log=False)
        try:
            listening = config.bind_socket()
            listening.listen()  # who asks before the thread answers waits, and is not refused
        except (OSError, SystemExit) as error:
            raise UserError(f"Port: {port} on {host} cannot be used. Choose another.") from error
        self._server = uvicorn.Server(config)
        threading.Thread(
            target=self._server.run, args=([listening],), name="service", daemon=True
        ).start()

    def stop(self) -> None:
        if self._server:
            self._server.should_exit = True

    def _guarded(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Only with the line's key, as a bearer token or in X-API-Key."""

        async def checked(request: Request) -> Response:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            given = given or request.headers.get("x-api-key", "")
            if not hmac.compare_digest(given.encode(), self._key.encode()):
                return _refused(401, "Send the line's key: Authorization: Bearer KEY.")
            return await answer(request)

        return checked

    async def _inspect(self, request: Request) -> Response:
        if self._source is None:
            return _refused(409, "This line takes its parts from elsewhere.")
        if not self._rate.allows():
            return self._unseen(429, f"More than {self._terms.rate:g} parts a second.")
        picture = bytearray()
        async for piece in request.stream():
            picture += piece
            if len(picture) > MOST_BYTES:
                return self._unseen(413, f"A picture has at most {MOST_BYTES >> 20} MB.")
        asked = request.query_params
        try:
            ticket, future = self._source.hand_in(
                bytes(picture), asked.get("feature", ""), asked.get("serial", ""), time.time()
            )
        except queue.Full:
            return self._unseen(503, "The line takes no more parts in just now.")
        try:
            found = await asyncio.wait_for(future, PATIENCE)
        except TimeoutError:
            self._source.forget(ticket)
            return self._unseen(504, f"No verdict within {PATIENCE:g} seconds.")
        part, said = found.part, found.said
        return JSONResponse(
            {
                "line": self._home.name,
                "epoch": part.epoch,
                "sequence": part.sequence,
                "verdict": said.verdict.value,
                "action": action(said.verdict, self._terms.uninspected),
                "score": said.score,
                "reason": said.reason,
                "ms": round(said.ms, 2),
                "package": said.package,
                "thresholds": said.thresholds,
                "suspended": said.suspended,
            }
        )

    def _unseen(self, code: int, reason: str) -> Response:
        """A refusal in the form of a verdict: who reads no codes must not take it for good."""
        told = {"verdict": Verdict.UNINSPECTED.value, "action": self._terms.uninspected}
        return JSONResponse({**told, "reason": reason}, code)

    async def _told_metrics(self, request: Request) -> Response:
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4")

    async def _health(self, request: Request) -> Response:
        """200 while parts are judged and stored; 503 with the troubles else."""
        serious = {
            name: words
            for name, words in self._keeper.engine.troubles.items()
            if name in ("source", "disk", "outbox")
        }
        state = {"state": "troubled" if serious else "running", "troubles": serious}
        return JSONResponse(state, 503 if serious else 200)

    async def _openapi(self, request: Request) -> Response:
        return JSONResponse(description(self._home.name))


def _refused(code: int, words: str) -> Response:
    return JSONResponse({"reason": words}, code)


def description(line: str) -> dict[str, Any]:
    """The service in OpenAPI's words."""
    text = {"schema": {"type": "string"}}
    verdict = {
        "type": "object",
        "required": ["verdict", "action"],
        "properties": {
            **{name: {"type": "string"} for name in ("line", "action", "reason", "package")},
            **{name: {"type": "integer"} for name in ("epoch", "sequence", "thresholds")},
            "verdict": {"type": "string", "enum": [verdict.value for verdict in Verdict]},
            "score": {"type": ["number", "null"]},
            "ms": {"type": "number"},
            "suspended": {"type": "boolean"},
        },
    }
    answer = {"content": {"application/json": {"schema": verdict}}}
    codes = {
        "200": "The part's verdict.",
        "401": "The line's key is missing.",
        "413": "The picture is too large; the part is UNINSPECTED.",
        "429": "Too many parts a second; the part is UNINSPECTED.",
        "503": "The line takes no parts in; the part is UNINSPECTED.",
        "504": "No verdict in time; the part is UNINSPECTED.",
    }
    inspect = {
        "summary": "Hand a part in and get its verdict.",
        "parameters": [
            {"name": "feature", "in": "query", "description": "Its type.", **text},
            {"name": "serial", "in": "query", "description": "Its number.", **text},
        ],
        "requestBody": {
            "required": True,
            "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
        },
        "responses": {
            code: {"description": words} | ({} if code == "401" else answer)
            for code, words in codes.items()
        },
        "security": [{"key": []}],
    }
    plain = {"responses": {"200": {"description": "As it is now."}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Line {line}", "version": "1"},
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            "/inspect": {"post": inspect},
            "/metrics": {"get": plain | {"security": [{"key": []}]}},
            "/health": {"get": plain},
        },
    }
