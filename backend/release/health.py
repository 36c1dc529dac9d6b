"""Is a release well on this storage folder? Asked of the release itself, by its own verbs."""

import json
import os
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from backend.records import UserError

PATIENCE = 180.0  # s until a server answers; importing everything from a cold disk takes long


def python_of(release: Path) -> Path:
    return release / ".venv" / "bin" / "python"


def call(release: Path, storage: Path, *verb: str) -> "subprocess.CompletedProcess[str]":
    """A verb of a release, as the account that the storage folder belongs to."""
    command = [str(python_of(release)), "-m", "backend", *verb]
    return subprocess.run(
        command, cwd=release, capture_output=True, text=True, check=False, **_as_owner(storage)
    )


def must(release: Path, storage: Path, *verb: str) -> str:
    """What the verb says. Raises UserError with its last line where it ends with an error."""
    done = call(release, storage, *verb)
    if done.returncode != 0:
        lines = (done.stderr + done.stdout).strip().splitlines()
        raise UserError(f"`{verb[0]}` of {release.name} failed: {lines[-1] if lines else ''}")
    return done.stdout


def _as_owner(storage: Path) -> dict[str, Any]:
    """How to start a process of the storage folder's owner, which starts no job and sends no
    notice by itself: whatever it does may be undone."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "VIRTUAL"))}
    environment |= {"DISTILLERY_STORAGE": str(storage), "DISTILLERY_MAX_JOBS": "0"}
    owner = storage.stat()
    if os.getuid() != 0 or owner.st_uid == 0:
        return {"env": environment}
    return {
        "env": environment | {"HOME": str(storage)},
        "user": owner.st_uid,
        "group": owner.st_gid,
        "extra_groups": [],
    }


def runs_known(release: Path, storage: Path) -> dict[str, str]:
    """Run id → how it stands, as a release reads it."""
    rows = json.loads(must(release, storage, "runs", "--json", "--limit", "1000000"))
    return {row["id"]: row["state"] for row in rows}


def differing(release: Path, storage: Path, names: Iterable[str]) -> set[str]:
    """Which of these runs the release finds other in its database than on disk. Raises UserError
    where it cannot open the database."""
    done = call(release, storage, "check")
    if done.returncode not in (0, 1):
        must(release, storage, "check")
    return {name for name in names if name in done.stderr} if done.returncode else set()


def try_out(release: Path, storage: Path, before: dict[str, str], known: set[str]) -> None:
    """Raises UserError unless the release serves, has every run as before, and its database is
    whole. before: run id → state. known: runs that differed before, which is no fault of this one.
    """
    if differing(release, storage, before) - known:
        call(release, storage, "reindex")
        if found := differing(release, storage, before) - known:
            raise UserError(f"{release.name} cannot read what {len(found)} runs hold: {min(found)}")
    after = runs_known(release, storage)
    lost = [name for name in before if name not in after]
    changed = [
        name for name in before if name not in lost and _went_back(before[name], after[name])
    ]
    if lost or changed:
        raise UserError(f"{release.name} has {len(lost + changed)} runs not as they were.")
    _serve(release, storage)


def _went_back(before: str, after: str) -> bool:
    """What was completed stays so; what was under way may have ended meanwhile."""
    return before == "completed" and after != before


def _serve(release: Path, storage: Path) -> None:
    """Raises UserError unless the release's server, on a free port, says that it is well."""
    port = _free_port()
    command = [str(python_of(release)), "-m", "backend", "serve"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=release, **silent, **_as_owner(storage)) as server:
        try:
            wait_for(port, lambda: server.poll() is None)
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, is_alive: Callable[[], bool] = lambda: True) -> None:
    """Raises UserError where no dashboard on this port says in time that it is well."""
    until, answer = time.monotonic() + PATIENCE, "its server ended"
    address = f"http://127.0.0.1:{port}/_stcore/health"
    while time.monotonic() < until and is_alive():
        try:
            with urllib.request.urlopen(address, timeout=5):  # nosec B310
                return
        except OSError as error:
            answer = str(error)
        time.sleep(0.2)
    raise UserError(f"the dashboard does not say that it is well: {answer}")


def is_running(service: str) -> bool:
    """Whether systemd runs it now."""
    return re.fullmatch(r"active\s*", _systemctl("is-active", service).stdout) is not None


def command_service(word: str, service: str) -> None:
    """Start or stop it. Raises UserError where systemd refuses."""
    done = _systemctl(word, service)
    if done.returncode != 0:
        raise UserError(f"systemctl {word} {service}: {done.stderr.strip()}")


def _systemctl(word: str, service: str) -> "subprocess.CompletedProcess[str]":
    try:
        command = ["systemctl", word, service]
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return subprocess.CompletedProcess(word, 1, "", "there is no systemd here")
