"""A websocket that closes when its session ends, whether or not anybody writes into it."""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

EVERY = 2.0  # s between two looks at a silent websocket
ENDED = 4401  # the code by which it is closed
GONE: Message = {"type": "websocket.disconnect", "code": ENDED, "reason": "signed out"}


class Watch:
    """Between the application and one websocket. stays: whether it may stay open. used: called for
    each message of the browser."""

    def __init__(
        self,
        send: Send,
        stays: Callable[[], bool],
        used: Callable[[], None],
        every: float = EVERY,
    ):
        self._send = send
        self._stays = stays
        self._used = used
        self._every = every
        self._ended = asyncio.Event()
        self._sending = asyncio.Lock()

    async def around(self, app: ASGIApp, scope: Scope, receive: Receive) -> None:
        """Run the application on it; to the application an ended session is a browser that left."""

        async def watched() -> Message:
            return await self._next(receive)

        look = asyncio.create_task(self._look())
        try:
            await app(scope, watched, self._pass_on)
        finally:
            look.cancel()

    async def _look(self) -> None:
        while not self._ended.is_set():
            await asyncio.sleep(self._every)
            if not self._stays():
                await self._end()

    async def _next(self, receive: Receive) -> Message:
        coming = asyncio.ensure_future(receive())
        ending = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({coming, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            if not coming.done():
                coming.cancel()
        if self._ended.is_set():
            return GONE
        message = coming.result()
        if message["type"] == "websocket.receive":
            if not self._stays():
                await self._end()
                return GONE
            self._used()
        return message

    async def _end(self) -> None:
        async with self._sending:
            if self._ended.is_set():
                return
            self._ended.set()
            await self._send({"type": "websocket.close", "code": ENDED, "reason": "signed out"})

    async def _pass_on(self, message: Message) -> None:
        async with self._sending:
            if not self._ended.is_set():
                await self._send(message)
