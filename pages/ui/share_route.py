"""The address of a shared report: `/share/<token>`, read-only, without a session or a cookie."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend.actions import sharing
from backend.core import runs
from backend.core.audit import Actor, Way
from backend.plots import html_page
from backend.records import UserError
from backend.settings import settings
from backend.sharing import links

READER = Actor("whoever has the link", Way.PAGE, None)
POLICY = f"{html_page.policy(scripted=False)}; frame-ancestors 'none'; base-uri 'none'"
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; form-action 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
ENDED = (
    "This link has ended, was taken back, or was never given. Ask whoever sent it for a new one."
)


def routes() -> list[Route]:
    """What the server adds to Streamlit's own routes."""
    return [Route("/share/{token}", _page, methods=["GET"])]


async def _page(request: Request) -> Response:
    return await run_in_threadpool(answer, request.path_params["token"])


def answer(token: str) -> Response:
    """The report, or a sentence why there is none."""
    share = links.find(settings().storage, token)
    if share is None or not share.open_at(runs.now()):
        return _told(ENDED)
    try:
        content = sharing.opened(READER, settings(), share)
    except UserError:
        return _told("What this link showed was deleted. Ask whoever sent it.")
    return Response(content, 200, HEADERS, "text/html")


def _told(words: str) -> Response:
    page = html_page.page("Shared report", f"<p>{words}</p>", scripted=False)
    return Response(page, 410, HEADERS, "text/html")
