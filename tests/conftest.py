"""What every test shares: a storage folder of its own, and no trace of the user's settings.

Tests run in random order (pytest-randomly; `--randomly-seed` repeats one), so none may leave
anything behind in the process: `no_trace` looks.
"""

import atexit
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend import settings as settings_module
from backend.core import jobs, registry, runs
from backend.core.runs import Run
from backend.core.store import Store
from backend.records import UserError
from backend.settings import Settings
from pages.ui import resources
from tests import outside, tiny

SCRATCH = Path(tempfile.mkdtemp(prefix="defect-distillery-tests-"))  # this process's alone
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
for _name in [name for name in os.environ if name.startswith("DISTILLERY_")]:
    del os.environ[_name]
os.environ.update(settings_module.quiet_environment(Settings(storage=SCRATCH, threads=1)))
PROBE = Path(__file__).parent / "jobs" / "probe"
outside.watch(SCRATCH / "sockets.txt")


def pytest_itemcollected(item: pytest.Item) -> None:
    """With `--dist loadgroup` one worker has all tests that share a costly fixture."""
    fixtures = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    if "tiny_settings" in fixtures:
        item.add_marker(pytest.mark.xdist_group("tiny"))
    elif any(found[-1].scope == "module" for found in fixtures.values()):
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(autouse=True)
def no_trace() -> Iterator[None]:
    """Fails a test that leaves the process other than it found it: the next would run in that."""
    before = _process_state()
    yield
    assert _process_state() == before


def _process_state() -> dict[str, Any]:
    """What tests and libraries change for the whole process, and seldom put back."""
    torch = sys.modules.get("torch")
    names = ("PATH", "PYTHONPATH", "HOME", "TZ", *(n for n in os.environ if "DISTILLERY" in n))
    return {
        "folder": Path.cwd(),
        "environment": {name: os.environ.get(name) for name in names},
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "logging": (logging.root.level, logging.root.manager.disable),
        "numpy's errors": np.geterr(),
        "torch's threads": torch.get_num_threads() if torch else 1,
        "torch's number type": str(torch.get_default_dtype()) if torch else "torch.float32",
    }


@pytest.fixture(autouse=True)
def nothing_outside() -> Iterator[None]:
    """Fails a test in which this process, or one that it started, connected to another computer
    or looked one up."""
    yield
    assert outside.asked() == []


@pytest.fixture(autouse=True)
def own_environment(
    no_trace: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """No test reads or writes the user's storage/."""
    monkeypatch.setenv("DISTILLERY_STORAGE", str(tmp_path / "storage"))
    settings_module.settings.cache_clear()
    yield
    settings_module.settings.cache_clear()


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Settings]:
    """Settings of an empty storage folder; jobs left in it are killed at the end."""
    settings = Settings(storage=tmp_path / "storage", threads=1)
    settings.runs.mkdir(parents=True)
    yield settings
    for path in settings.storage.glob("*/*/process.json"):
        with contextlib.suppress(UserError, KeyError):
            jobs.signal_group(runs.read_json(path), signal.SIGKILL)


@pytest.fixture
def bystander() -> Iterator[int]:
    """The pid of a living process that is no job and leads no group."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        yield child.pid
        child.kill()


@pytest.fixture
def store(storage: Settings) -> Iterator[Store]:
    """The real database file of `storage`."""
    database = Store(storage.database)
    yield database
    database.close()


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The kind of job `probe`, here and in child processes; see jobs/probe/probe_kind/."""
    kind = registry.Kind("probe", "teachers", "Probe", "For tests.", "probe_kind")
    monkeypatch.setattr(registry, "KINDS", (*registry.KINDS, kind))
    monkeypatch.setitem(registry._BY_NAME, "probe", kind)
    monkeypatch.syspath_prepend(str(PROBE))
    places = [str(PROBE), str(PROBE.parents[2]), os.environ["PYTHONPATH"]]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(places))
    yield "probe"
    for name in [name for name in sys.modules if name.startswith("probe_kind")]:
        del sys.modules[name]


@pytest.fixture
def until() -> Callable[..., Any]:
    """`until(condition, seconds)`: the first true value of `condition()`; fails at the deadline."""

    def wait(condition: Callable[[], Any], seconds: float = 300.0) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < deadline, f"not within {seconds} s"
            time.sleep(0.05)

    return wait


@pytest.fixture
def shared_data() -> Path:
    """Real images beside the project; they are not part of it, so their tests may skip."""
    folder = settings_module.PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real images: {folder} is missing")
    return folder


@pytest.fixture(scope="session")
def tiny_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A storage folder for both flows at their smallest; see tests/tiny.py."""
    return Settings(storage=tmp_path_factory.mktemp("tiny") / "storage", threads=1)


@pytest.fixture(scope="session")
def tiny_runs(tiny_settings: Settings) -> dict[str, Run]:
    """Kind of job → its finished run in `tiny_settings`."""
    return tiny.make(tiny_settings)


@pytest.fixture
def empty_dashboard(storage: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The dashboard's process over an empty storage."""
    yield from _owning(storage, monkeypatch)


@pytest.fixture
def dashboard(
    tiny_settings: Settings, tiny_runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Run]]:
    """The dashboard's process over the tiny flows."""
    owning = _owning(tiny_settings, monkeypatch)
    next(owning)
    yield tiny_runs
    next(owning, None)


def _owning(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DISTILLERY_STORAGE", str(settings.storage))
    settings_module.settings.cache_clear()
    resources.owner.cache_clear()
    supervisor = resources.owner()
    supervisor.tick()
    yield
    supervisor.stop()
    supervisor.store.close()
    resources.owner.cache_clear()
