"""Somebody at the real server, without a browser: pages asked for, and a websocket spoken to."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from backend.settings import PROJECT, Settings

PATIENCE = 60  # s
ELSEWHERE = "127.0.0.2"  # this computer, yet not by a name that is this computer's alone
ROUTES = """
import json, sys
from pages.ui import server
from starlette.routing import Mount
app = server.app._build_starlette_app()
print(json.dumps([
    [r.path, sorted(getattr(r, "methods", None) or []), type(r).__name__] for r in app.routes
]))
"""


def routes():
    """Path, methods and type of every route of the real application."""
    done = subprocess.run(
        [sys.executable, "-c", ROUTES], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def serving(folder):
    """The real server on an address that is not localhost, before anybody has an account: its
    address, its settings and the path of the printed link."""
    storage, log = Settings(folder / "storage", threads=1), folder / "log.txt"
    chosen = {"DISTILLERY_STORAGE": str(storage.storage), "STREAMLIT_SERVER_HEADLESS": "true"}
    command = [sys.executable, "-m", "backend", "serve", "--host", ELSEWHERE, "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=os.environ | chosen, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 2 * PATIENCE
        while not (
            (port := re.search(r"URL: http://[^:]+:(\d+)", log.read_text()))
            and (link := re.search(r"/set-up/\S+", log.read_text()))
        ):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield f"http://{ELSEWHERE}:{port[1]}", storage, link[0]
    finally:
        process.terminate()
        process.wait()


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_):
        return None


class Visitor:
    """address: of the server, as http://host:port. cookie: whose session it is."""

    def __init__(self, address, cookie=""):
        self.address = address
        self.cookie = cookie

    def ask(self, path, method="GET", form=None, **sent):
        """Status, headers and text of the answer."""
        data = urllib.parse.urlencode(form).encode() if form else None
        headers = {"Cookie": self.cookie, "Accept": "text/html"} | sent
        url = self.address + urllib.parse.quote(path, safe="/?=&%")
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.build_opener(Stay).open(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode("utf-8", "replace")

    def post(self, path, **form):
        return self.ask(path, "POST", form, Origin=self.address)

    def keep_cookie(self, headers):
        self.cookie = headers["Set-Cookie"].split(";")[0]

    @contextmanager
    def websocket(self, **sent):
        url = self.address.replace("http", "ws") + "/_stcore/stream"
        headers = {"Cookie": self.cookie} | sent
        with connect(
            url,
            additional_headers=headers,
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            open_timeout=PATIENCE,
            proxy=None,
        ) as opened:
            yield opened


def rerun(opened, page="", pressed=""):
    """Ask for a page, with a button pressed by its id; what the server says until it has ended.

    Gives the addresses of pages → their hash, and labels of buttons → their id.
    """
    message = BackMsg()
    message.rerun_script.page_script_hash = page
    if pressed:
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = pressed, True
    opened.send(message.SerializeToString())
    pages: dict[str, str] = {}
    buttons: dict[str, str] = {}
    while True:
        said = ForwardMsg()
        said.ParseFromString(opened.recv(timeout=PATIENCE))
        kind = said.WhichOneof("type")
        if kind == "navigation":
            pages |= {p.url_pathname: p.page_script_hash for p in said.navigation.app_pages}
        elif kind == "delta" and said.delta.new_element.WhichOneof("type") == "button":
            button = said.delta.new_element.button
            buttons[button.label] = button.id
        elif kind == "script_finished":
            return pages, buttons
