"""A websocket closes when its session ends, whether it is silent or speaks."""

import asyncio

from backend.access.socket_watch import ENDED, Watch


class Browser:
    """Speaks when told to, and keeps what it hears."""

    def __init__(self):
        self.queue: asyncio.Queue[dict] = asyncio.Queue()
        self.heard = []

    async def receive(self):
        return await self.queue.get()

    async def send(self, message):
        self.heard.append(message)


async def echoing(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "bytes": message["bytes"]})
    await send({"type": "websocket.send", "bytes": b"too late"})
    scope["left"] = message


def conversation(every, until_told):
    """What a browser hears whose session ends after its first message; `until_told` goes on."""

    async def run():
        browser, session, used = Browser(), {"there": True}, []
        watch = Watch(browser.send, lambda: session["there"], lambda: used.append(1), every)
        scope: dict = {}
        await browser.queue.put({"type": "websocket.connect"})
        await browser.queue.put({"type": "websocket.receive", "bytes": b"a"})
        task = asyncio.create_task(watch.around(echoing, scope, browser.receive))
        while len(browser.heard) < 2:
            await asyncio.sleep(0)
        session["there"] = False
        await until_told(browser)
        await asyncio.wait_for(task, 10)
        return browser.heard, scope["left"], used

    return asyncio.run(run())


def test_a_message_after_the_end_is_not_passed_on():
    async def speak(browser):
        await browser.queue.put({"type": "websocket.receive", "bytes": b"b"})

    heard, left, used = conversation(1000, speak)
    assert [m["type"] for m in heard] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert heard[-1]["code"] == left["code"] == ENDED
    assert len(used) == 1


def test_a_silent_websocket_closes_too():
    async def be_silent(browser):
        pass

    heard, left, _ = conversation(0.01, be_silent)
    assert heard[-1] == {"type": "websocket.close", "code": ENDED, "reason": "signed out"}
    assert left["type"] == "websocket.disconnect"
