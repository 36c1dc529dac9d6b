"""How much browsers may hand in at once: it stands in the server's memory until it is kept."""

from collections import Counter
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from backend.core.uploads import MOST_FILES

PLACE = "/_stcore/upload_file/"
FRAMING = 2**20  # bytes around what a form sends
TOGETHER = 5  # times as much as one browser, all browsers together
TOO_MUCH = "Refused: this page holds too much already. Put a large set into a folder of the server."
BUSY = "Refused: others are handing in much just now. Try again in a few minutes."


def held() -> dict[str, list[int]]:
    """Browser's session → bytes of each file that the server holds for it."""
    kept = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    if not isinstance(kept, MemoryUploadedFileManager):
        return {}
    files = list(kept.file_storage.items())
    return {session: [len(one.data) for one in list(mine.values())] for session, mine in files}


class Inflow:
    """Before Streamlit's route for uploads. most: bytes of one browser."""

    def __init__(
        self,
        app: ASGIApp,
        most: int,
        held: Callable[[], Mapping[str, list[int]]] = held,
    ):
        self.app = app
        self._most = most
        self._held = held
        self._coming: Counter[str] = Counter()  # bytes on their way, by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] != "PUT" or not path.startswith(PLACE):
            await self.app(scope, receive, send)
            return
        session = path.removeprefix(PLACE).split("/")[0]
        said = Headers(scope=scope).get("content-length", "")
        if not said.isdecimal():
            await PlainTextResponse("Refused: say how long it is.", 411)(scope, receive, send)
            return
        size = int(said)
        if refusal := self._refusal(session, size):
            await refusal(scope, receive, send)
            return
        self._coming[session] += size
        try:
            await self.app(scope, receive, send)
        finally:
            self._coming[session] -= size
            self._coming += Counter()  # forgets those of whom nothing comes

    def _refusal(self, session: str, size: int) -> PlainTextResponse | None:
        """None where there is room for so many bytes more."""
        there = self._held()
        mine = there.get(session, [])
        if len(mine) >= MOST_FILES or sum(mine) + self._coming[session] + size > self._most:
            return PlainTextResponse(TOO_MUCH, 413)
        every = sum(map(sum, there.values())) + sum(self._coming.values())
        return PlainTextResponse(BUSY, 503) if every + size > TOGETHER * self._most else None
