"""A client of a line's OPC UA server, made of asyncua alone."""

import asyncio
import json
import threading

import pytest

asyncua = pytest.importorskip("asyncua", reason="the extra asyncua is not installed")
Client, ua = asyncua.Client, asyncua.ua
SPACE = "urn:defect-distillery:line"
LOST = (OSError, asyncio.TimeoutError, ua.UaError)


class Listening:
    """Remembers the events that it hears."""

    def __init__(self):
        self.events = []

    def event_notification(self, event):
        self.events.append(event)


async def node(client, name):
    space = await client.get_namespace_index(SPACE)
    return client.get_node(ua.NodeId(name, space))


async def call(client, name, number):
    vision = await node(client, "VisionSystem")
    method = await node(client, f"VisionSystem.{name}")
    return await vision.call_method(method, ua.Variant(number, ua.VariantType.UInt64))


async def read_back(client, after):
    """What is behind a number and not confirmed."""
    return [json.loads(text) for text in await call(client, "GetResults", after) or []]


async def confirm(client, upto):
    await call(client, "ConfirmResults", upto)


async def watch(client, heard):
    """Subscribe to the events of parts."""
    vision = await node(client, "VisionSystem")
    space = await client.get_namespace_index(SPACE)
    kind = await client.nodes.base_event_type.get_child(f"{space}:ResultReadyEventType")
    subscription = await client.create_subscription(50, heard)
    await subscription.subscribe_events(vision, kind)


class Follower:
    """A plant's client: comes back whenever the server does, reads back what it missed, and
    confirms what it has. keys: of each part, as often as it came."""

    def __init__(self, url):
        self.url, self.keys, self.heard = url, [], Listening()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._follow()), daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join(20)

    async def _follow(self):
        while not self._stop.is_set():
            try:
                async with Client(self.url, timeout=4) as client:
                    await watch(client, self.heard)
                    await self._read(client)
            except LOST:
                await asyncio.sleep(0.2)

    async def _read(self, client):
        last = 0
        while not self._stop.is_set():
            found = await read_back(client, last)
            self.keys += [(one["epoch"], one["sequence"]) for one in found]
            if found:
                last = found[-1]["number"]
                await confirm(client, last)
            else:
                await asyncio.sleep(0.02)
