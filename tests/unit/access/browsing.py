"""A browser at the plain pages behind the guard, which keeps its cookies."""

import asyncio

import httpx
from starlette.applications import Starlette

from backend.access.guard import Guard, Rules
from backend.access.sessions import Lifetime
from pages.ui import sign_in


def guarded(settings, **rules):
    """The pages of signing in behind the guard, as the server has them."""
    given = Rules(settings.storage, Lifetime(3600, 7200), local=True, **rules)
    return Guard(Starlette(routes=sign_in.routes()), given)


class Browser:
    """sent: headers of each request."""

    def __init__(self, app, **sent):
        self.app = app
        self.cookies = httpx.Cookies()
        self.sent = {"accept": "text/html"} | sent

    def ask(self, path, form=None, **sent):
        async def go():
            where = httpx.ASGITransport(self.app)
            given = {"transport": where, "base_url": "http://localhost:8501"}
            async with httpx.AsyncClient(cookies=self.cookies, **given) as client:
                method = "POST" if form else "GET"
                headers = self.sent | sent
                answer = await client.request(method, path, data=form, headers=headers)
                self.cookies = client.cookies
                return answer

        return asyncio.run(go())
