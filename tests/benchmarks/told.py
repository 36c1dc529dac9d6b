"""Every part told to an OPC UA client and an MQTT subscriber though the line is killed twice."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from backend.core import jobs
from backend.line import report
from backend.settings import Settings
from tests.unit.line import brokers
from tests.unit.line.packages import packed

PARTS = 10_000
NAME = "press-3"


def told(folder: Path) -> None:
    """10,000 parts to an OPC UA client and an MQTT subscriber, the line killed twice."""
    if not brokers.MOSQUITTO:
        print("  left out: mosquitto is not installed")
        return
    storage = Settings(storage=folder / "told", threads=1)
    storage.runs.mkdir(parents=True)
    parts, package = packed(storage.runs)
    address = f"opc.tcp://127.0.0.1:{brokers.free_port()}"
    with brokers.running(folder) as broker, brokers.listening(broker.port) as heard:
        _told(storage, {"parts_run": parts.id, "package_run": package.id}, address, broker, heard)


def _told(
    storage: Settings,
    made_from: dict[str, str],
    address: str,
    broker: brokers.Broker,
    heard: brokers.Heard,
) -> None:
    from tests.unit.line.opcua_client import Follower

    values = made_from | {"pace": 0.0, "count": PARTS, "sink": [address, broker.address]}
    client, began = Follower(f"{address}/{NAME}"), time.perf_counter()
    home = report.home(storage.storage, NAME)
    for share in (1 / 3, 2 / 3, None):
        run = jobs.submit(storage, "line", values, name=NAME, queued=False)
        process = jobs.start(storage, run.folder)
        while share and process.poll() is None and len(set(client.keys)) < share * PARTS:
            time.sleep(0.02)
        if share:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(600)
    while report.of(home).accepted > len(set(client.keys)):
        # what a line had not told when it ended is told at its next start
        run = jobs.submit(storage, "line", values | {"count": 1}, name=NAME, queued=False)
        jobs.start(storage, run.folder).wait(600)
    _wait(lambda: len(set(brokers.keys(heard))) >= len(set(client.keys)))
    client.stop()
    keys = brokers.keys(heard)
    taken, found = time.perf_counter() - began, report.of(home)
    print(f"  {'parts accepted, doubled, uninspected':<44}", end="")
    print(f"{found.accepted:9d}, {found.duplicates}, {found.uninspected}")
    for who, seen in (("an OPC UA client", client.keys), ("an MQTT subscriber", keys)):
        print(f"  {who + ' saw, and doubles of these':<44}{len(set(seen)):9d}, ", end="")
        print(len(seen) - len(set(seen)))
    print(f"  {'events heard as they came':<44}{len(client.heard.events):9d}")
    print(f"  {'seconds, two starts after a kill in it':<44}{taken:9.1f} s")


def _wait(done: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.1)
