"""`python -m backend doctor`: what this installation lacks, and what to do about it."""

import base64
import http.client
import importlib.metadata
import os
import re
import secrets
import shutil
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from backend.access import elsewhere, oidc
from backend.core import archive, cluster, maintenance, runs
from backend.numeric import hardware
from backend.records import RunState, UserError
from backend.release import place
from backend.settings import PROJECT, Settings

GIB = 2**30
LEAST_DISK, GOOD_DISK = 1 * GIB, 10 * GIB
GOOD_MEMORY = 4 * GIB
FUTURE = 300.0  # seconds by which a file may be newer than the clock, on a share say


class State(StrEnum):
    GOOD = "good"
    LOOK = "look"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """What was looked at, what is so, and what to do where it is not good ("" for nothing)."""

    name: str
    state: State
    words: str
    cure: str = ""


def examine(settings: Settings, port: int, url: str = "") -> list[Finding]:
    """Everything that is worth a look, in the order in which one would mend it.

    port: of the dashboard, TCP. url: by which browsers reach it through a proxy, "" for no look.
    """
    looks: list[Callable[[], Finding]] = [
        _packages,
        lambda: _release(PROJECT),
        lambda: _rights(settings),
        lambda: _disk(settings),
        _memory,
        lambda: _clock(settings),
        lambda: _database(settings),
        lambda: _port(port),
        lambda: _sign_in(settings),
        lambda: _jobs(settings),
        _gpu,
        lambda: _weights(settings),
        lambda: _cluster(settings),
        lambda: _archive(settings),
        *([lambda: _proxy(url)] if url else []),
    ]
    return [look() for look in looks]


def _packages() -> Finding:
    wanted = re.findall(
        r"^([\w.-]+)==([\w.]+)", (PROJECT / "requirements.txt").read_text(encoding="utf-8"), re.M
    )
    wrong = [words for name, version in wanted if (words := _differs(name, version))]
    if not wrong:
        return Finding("Packages", State.GOOD, f"all {len(wanted)} as this version needs them")
    shown = "; ".join(wrong[:3]) + (f"; and {len(wrong) - 3} more" if len(wrong) > 3 else "")
    return Finding("Packages", State.WRONG, shown, "Run `make install`.")


def _differs(name: str, version: str) -> str:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is missing"
    return "" if found.split("+")[0] == version else f"{name} is {found}, not {version}"


def _release(project: Path) -> Finding:
    """Of an installation from a bundle, whether a change of it came to its end."""
    try:
        here = place.of_program(project)
        current = here.current
    except UserError:
        return Finding("Release", State.GOOD, "a checkout, updated with git or by hand")
    if here.under_way.is_dir():
        words = "an update was cut short"
        return Finding("Release", State.WRONG, words, f"Run `{here.root}/install.sh rollback`.")
    before = here.named("previous")
    words = f"{current.name}; " + (f"{before.name} can be had back" if before else "the first")
    return Finding("Release", State.GOOD, words)


def _rights(settings: Settings) -> Finding:
    there = next(p for p in (settings.storage, *settings.storage.parents) if p.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        words = f"{there} cannot be written"
        cure = "Give the account that runs the dashboard the right to write there."
        return Finding("Storage", State.WRONG, words, cure)
    locked = [p.name for p in settings.storage.glob("*") if not os.access(p, os.W_OK)]
    if locked:
        words = f"in {settings.storage} belongs to somebody else: {', '.join(sorted(locked)[:5])}"
        return Finding("Storage", State.WRONG, words, "Give them back to the dashboard's account.")
    return Finding("Storage", State.GOOD, f"{settings.storage} can be written")


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.storage if settings.storage.exists() else PROJECT).free
    words = f"{free / GIB:.1f} GB are free for the storage folder"
    if free >= GOOD_DISK:
        return Finding("Disk", State.GOOD, words)
    cure = "Empty the trash and the exports on the page Storage, or move the folder to a larger "
    cure += "disk and name it in DISTILLERY_STORAGE."
    return Finding("Disk", State.LOOK if free >= LEAST_DISK else State.WRONG, words, cure)


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    words = f"{free / GIB:.1f} GB of memory are free"
    if free >= GOOD_MEMORY:
        return Finding("Memory", State.GOOD, words)
    return Finding("Memory", State.LOOK, words, "Close other programs before a long training.")


def _clock(settings: Settings) -> Finding:
    """A clock that went back puts new runs behind old ones."""
    folders = runs.folders(settings.runs)
    ahead = max((path.stat().st_mtime for path in folders), default=0.0) - time.time()
    if ahead > FUTURE:
        words = f"the newest run is {hardware.duration(ahead)} in the future"
        return Finding("Clock", State.WRONG, words, "Set the clock, by NTP where there is one.")
    return Finding("Clock", State.GOOD, f"{runs.now():%Y-%m-%d %H:%M} UTC")


def _database(settings: Settings) -> Finding:
    if not settings.database.exists():
        return Finding("Database", State.GOOD, "none yet; it is made at the first start")
    try:
        problems = maintenance.check(settings)
    except UserError as error:
        if "in use" in str(error):
            return Finding("Database", State.GOOD, "in use by the dashboard, which checks it")
        return Finding("Database", State.WRONG, str(error), "Run `python -m backend reindex`.")
    if problems:
        words = f"{len(problems)} runs differ from the database: {problems[0]}"
        return Finding("Database", State.WRONG, words, "Run `python -m backend reindex`.")
    return Finding("Database", State.GOOD, "agrees with the run folders")


def _port(port: int) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            words = f"{port} is taken: by the dashboard, where it runs"
            cure = "If it is another program, start the dashboard with `--port` and another number."
            return Finding("Port", State.LOOK, words, cure)
    return Finding("Port", State.GOOD, f"{port} is free")


def _sign_in(settings: Settings) -> Finding:
    """Who is asked elsewhere, and whether they answer."""
    if settings.sign_in is None:
        return Finding("Sign-in", State.GOOD, "by names and passwords of this dashboard alone")
    try:
        known = elsewhere.of(settings)
        oidc.check(known)
    except UserError as error:
        cure = f"Mend {settings.sign_in} (docs/network.md), then start the dashboard again."
        return Finding("Sign-in", State.WRONG, str(error).rstrip("."), cure)
    asked = known.provider.issuer if known and known.provider else "a proxy in front"
    if settings.sign_in.stat().st_mode & 0o077:
        words = f"others on this computer can read {settings.sign_in}, which holds a secret"
        return Finding("Sign-in", State.LOOK, words, f"Run `chmod 600 {settings.sign_in}`.")
    return Finding("Sign-in", State.GOOD, f"{asked}, and its roles are known")


def _jobs(settings: Settings) -> Finding:
    stopped = [
        run
        for run in runs.readable(runs.folders(settings.runs))
        if run.state is RunState.INTERRUPTED
    ]
    if stopped:
        words = f"{len(stopped)} were interrupted; the newest is {stopped[-1].name}"
        return Finding("Jobs", State.LOOK, words, "Resume or delete them on the page Runs.")
    return Finding("Jobs", State.GOOD, "none was interrupted")


def _gpu() -> Finding:
    found = hardware.find_gpu()
    if found is not None:
        return Finding("GPU", State.GOOD, f"{found.name}, {found.memory / GIB:.0f} GB")
    if Path("/dev/nvidia0").exists():
        words = "an NVIDIA card is there, but its driver does not answer"
        return Finding("GPU", State.LOOK, words, "Install the driver; `nvidia-smi` must show it.")
    return Finding("GPU", State.GOOD, "none; everything works on the processor, slower")


def _weights(settings: Settings) -> Finding:
    names = sorted(path.name for path in settings.weights.glob("*"))
    if names:
        return Finding("Weights", State.GOOD, f"in storage/weights: {', '.join(names[:6])}")
    words = "none in storage/weights; what ships with the program is used"
    return Finding("Weights", State.GOOD, words)


def _cluster(settings: Settings) -> Finding:
    if not settings.cluster:
        return Finding("Cluster", State.GOOD, "none; units of jobs run on this computer")
    problem = cluster.lacking(settings.cluster)
    if problem:
        first, _, cure = problem.partition(". ")
        return Finding("Cluster", State.WRONG, first.rstrip("."), cure)
    words = f"{settings.cluster} can be used; it lets nobody in without a token"
    return Finding("Cluster", State.GOOD, words)


def _archive(settings: Settings) -> Finding:
    if not settings.archive:
        return Finding("Archive", State.GOOD, "none named; every run's files are here")
    try:
        archive.reach(settings.archive)
    except UserError as error:
        first, _, cure = str(error).partition(". ")
        return Finding("Archive", State.WRONG, first.rstrip("."), cure or "Correct the address.")
    return Finding("Archive", State.GOOD, f"{settings.archive} can be reached")


def _proxy(url: str) -> Finding:
    """Whether browsers reach the dashboard by this address: plainly, and with a websocket."""
    try:
        status, said = _asked(url, "/_stcore/health", {})
        if status != 200:
            words = f"{url} answers {status}: {said or 'nothing more'}"
            cure = (
                "Do as it says, or name the address that browsers use, with https:// if it is so."
            )
            return Finding("Proxy", State.WRONG, words, cure)
        status, said = _asked(url, "/_stcore/stream", _upgrade(url))
    except (OSError, http.client.HTTPException, ValueError) as error:
        cure = "Start the proxy; let this computer know its name and trust its certificate."
        return Finding("Proxy", State.WRONG, f"{url} cannot be reached: {error}", cure)
    if status not in (101, 403):  # 403: the dashboard's own, to whom has not signed in
        words = f"{url} lets no websocket through: it answers {status}"
        cure = (
            "Let the proxy forward `Upgrade` and `Connection`; docs/network.md names what it needs."
        )
        return Finding("Proxy", State.WRONG, words, cure)
    return Finding("Proxy", State.GOOD, f"pages and websockets come through {url}")


def _upgrade(url: str) -> dict[str, str]:
    """What a browser asks with for a websocket."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Origin": url.rstrip("/")}
    return headers | {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}


def _asked(url: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and the beginning of what is said. Raises OSError, HTTPException or ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address begins with http:// or https:// and a name")
    asked: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        asked = http.client.HTTPSConnection(parts.netloc, timeout=5, context=context)
    else:
        asked = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        asked.request("GET", path, headers=headers)
        answer = asked.getresponse()
        text = "" if answer.status == 101 else answer.read(200).decode("utf-8", "replace")
        return answer.status, " ".join(text.split())
    finally:
        asked.close()
