"""Many people at once: thirty browsers' websockets at the real server, a training beside it."""

import asyncio
import itertools
import os
import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

import numpy as np
import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from backend.core import jobs
from backend.core.runs import Run
from backend.settings import PROJECT, Settings
from tests.benchmarks.pages import gather

SESSIONS = 30
PACES = {"reading": (5.0, 10.0), "impatient": (0.5, 2.5)}  # s from a page's end to the next
PATIENCE = 120.0  # s
WHOLE = ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY  # not where it began anew
SECONDS = float(os.environ.get("DISTILLERY_BENCH_SECONDS", "600"))


@dataclass
class Seen:
    """What the visitors waited for (page, s) and what went wrong; memory of the server, bytes."""

    waits: list[tuple[str, float]] = field(default_factory=list)
    received: int = 0
    errors: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)


def crowd(folder: Path) -> None:
    """Thirty open browsers (aims: p95 0.5 s, worst 2 s while they read; p95 3 s in a hurry)."""
    settings = Settings(storage=folder / "crowd")
    gather(settings.storage)
    with serving(settings) as server:
        for name, pace in PACES.items():
            with training(settings) as beside:
                seen = asyncio.run(visits(server, pace, SECONDS if name == "reading" else 60.0))
                assert beside.poll() is None, "the training ended before the visitors left"
            told(name, seen)


def told(name: str, seen: Seen) -> None:
    waits = np.array([seconds for _, seconds in seen.waits])
    p50, p95 = np.percentile(waits, (50, 95))
    print(f"  {name}: {len(waits)} pages, {seen.received / len(waits) / 1024:.0f} kB each")
    print(f"    {'p50, p95, worst':<42}{p50:9.2f} s, {p95:.2f} s, {waits.max():.2f} s")
    print(f"    {'errors':<42}{len(seen.errors):9d}   {'; '.join(sorted(set(seen.errors)))[:300]}")
    first, last = seen.memory[0] / 2**20, seen.memory[-1] / 2**20
    print(f"    {'memory after a minute, at the end':<42}{first:9.0f} MB, {last:.0f} MB")
    by_page: dict[str, list[float]] = {}
    for page, seconds in seen.waits:
        by_page.setdefault(page, []).append(seconds)
    slowest = sorted(by_page, key=lambda page: -float(np.median(by_page[page])))[:5]
    print("    slowest: " + ", ".join(f"{p} {np.median(by_page[p]):.2f} s" for p in slowest))


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[str, psutil.Process]]:
    """The dashboard in a process of its own: where its websocket is, and its process."""
    command = [sys.executable, "-m", "backend", "serve", "--port", "0"]
    chosen = {"DISTILLERY_STORAGE": str(settings.storage), "STREAMLIT_SERVER_HEADLESS": "true"}
    log = settings.storage / "server.log"
    with log.open("wb") as output:
        process = Popen(command, cwd=PROJECT, env=os.environ | chosen, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (port := re.search(r"URL: http://[^:]+:(\d+)", log.read_text())):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield f"ws://localhost:{port[1]}/_stcore/stream", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextmanager
def training(settings: Settings) -> Iterator[Popen[bytes]]:
    """A student in training, for as long as one looks."""
    teacher = next(iter(sorted((settings.storage / "runs").glob("*-generate-*"))))
    values = {"teacher_run": teacher.name, "epochs": 5000, "minutes": 60.0, "seed": next(SEEDS)}
    run: Run = jobs.submit(settings, "distill", values, queued=False)
    process = jobs.start(settings, run.folder)
    try:
        yield process
    finally:
        jobs.request_cancel(run.folder)
        process.wait(PATIENCE)


SEEDS = itertools.count(1)


async def visits(server: tuple[str, psutil.Process], pace: tuple[float, float], seconds: float):
    """What SESSIONS visitors saw, who came over ten seconds and stayed for `seconds`."""
    address, process = server
    seen = Seen()
    end = time.monotonic() + seconds
    await asyncio.gather(
        *(visitor(address, pace, end, number, seen) for number in range(SESSIONS)),
        remembered(process, end, seen),
    )
    return seen


async def remembered(process: psutil.Process, end: float, seen: Seen) -> None:
    await asyncio.sleep(min(60.0, (end - time.monotonic()) / 2))
    while time.monotonic() < end:
        seen.memory.append(process.memory_info().rss)
        await asyncio.sleep(5)


async def visitor(
    address: str, pace: tuple[float, float], end: float, number: int, seen: Seen
) -> None:
    """One browser: it arrives, and opens a page at random again and again."""
    chance = random.Random(number)
    await asyncio.sleep(number * 10 / SESSIONS)
    try:
        async with connect(
            address,
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            open_timeout=PATIENCE,
            proxy=None,
        ) as opened:
            pages = await asyncio.wait_for(opened_page(opened, "", seen), PATIENCE)
            while time.monotonic() < end:
                await asyncio.sleep(chance.uniform(*pace))
                name = chance.choice(sorted(pages))
                began = time.monotonic()
                await asyncio.wait_for(opened_page(opened, pages[name], seen), PATIENCE)
                seen.waits.append((name or "overview", time.monotonic() - began))
    except (TimeoutError, OSError, ConnectionError) as error:
        seen.errors.append(type(error).__name__)


async def opened_page(opened: ClientConnection, page: str, seen: Seen) -> dict[str, str]:
    """Ask for a page and wait until it is whole; addresses of all pages → their hash."""
    message = BackMsg()
    message.rerun_script.page_script_hash = page
    await opened.send(message.SerializeToString())
    pages: dict[str, str] = {}
    while True:
        data = await opened.recv(decode=False)
        assert isinstance(data, bytes)
        seen.received += len(data)
        said = ForwardMsg()
        said.ParseFromString(data)
        kind = said.WhichOneof("type")
        if kind == "navigation":
            pages |= {p.url_pathname: p.page_script_hash for p in said.navigation.app_pages}
        elif kind == "delta" and said.delta.new_element.WhichOneof("type") == "exception":
            seen.errors.append(said.delta.new_element.exception.message)
        elif kind == "script_finished" and said.script_finished == WHOLE:
            return pages
