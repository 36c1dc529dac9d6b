"""How much browsers may hand in: bounded for each, for all together, and by count."""

import asyncio

import pytest

from backend.core.uploads import MOST_FILES
from pages.ui.inflow import PLACE, TOGETHER, Inflow

MOST = 1000


@pytest.fixture
def put():
    """`put(held, size, session)`: the status of an upload while the server holds that much."""

    def asked(held, size, session="me", inside=None, method="PUT", path=PLACE):
        said = []

        async def app(scope, receive, send):
            if inside:
                inside(inflow)
            await send({"type": "http.response.start", "status": 204, "headers": []})

        async def send(message):
            said.append(message)

        inflow = Inflow(app, MOST, lambda: held)
        length = [] if size is None else [(b"content-length", str(size).encode())]
        scope = {"type": "http", "method": method, "headers": length}
        scope["path"] = f"{path}{session}/a-file"
        asyncio.run(inflow(scope, None, send))
        assert not inflow._coming, "what came is no longer on its way"
        return said[0]["status"]

    return asked


def test_one_browser_hands_in_so_much_and_no_more(put):
    assert put({}, MOST) == 204
    assert put({}, MOST + 1) == 413
    assert put({"me": [400, 400]}, 200) == 204
    assert put({"me": [400, 400]}, 201) == 413
    assert put({"other": [MOST]}, MOST) == 204
    assert put({}, None) == 411


def test_all_together_hand_in_so_much_and_no_more(put):
    held = {str(k): [MOST] for k in range(TOGETHER)}
    assert put(held, 1) == 503
    assert put(dict(list(held.items())[1:]), MOST) == 204


def test_so_many_files_and_no_more(put):
    assert put({"me": [0] * (MOST_FILES - 1)}, 1) == 204
    assert put({"me": [0] * MOST_FILES}, 1) == 413


def test_what_is_on_its_way_counts(put):
    seen = []
    assert put({}, 600, inside=lambda inflow: seen.append(inflow._refusal("me", 401))) == 204
    assert seen[0].status_code == 413
    assert put({}, 600, inside=lambda inflow: seen.append(inflow._refusal("me", 400))) == 204
    assert seen[1] is None


def test_other_requests_pass(put):
    assert put({"me": [MOST]}, None, method="DELETE") == 204
    assert put({"me": [MOST]}, None, path="/media/") == 204
