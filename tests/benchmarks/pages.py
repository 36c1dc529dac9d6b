"""What every page costs the server: processor seconds of a warm run, page by page.

DISTILLERY_BENCH_STORAGE names a storage folder to take the runs from (the demo's, say); without it
the smallest runs of every kind are made first. They are measured as they are, and again as one set
among copies, until there are 1,000 runs.
"""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.testing.v1 import AppTest

AIM_RUNS = 1000
REPEATS = 5


@dataclass(frozen=True)
class Cost:
    """Of a page: processor seconds of a warm run, and bytes to the browser of one run."""

    seconds: float
    bytes: int


def pages(folder: Path) -> None:
    """Processor seconds of a warm page run (aims: 0.10 as given, 0.15 with 1,000 runs)."""
    place = folder / "pages"
    gather(place)
    few = {path: cost.seconds for path, cost in measured(place).items()}
    names = [path.name for path in (place / "runs").iterdir()]
    for _ in range(AIM_RUNS // len(names)):
        _copy(place / "runs", names)
    many = {path: cost.seconds for path, cost in measured(place).items()}
    for path, seconds in sorted(few.items(), key=lambda pair: -many[pair[0]]):
        print(f"  {path:<36}{seconds:7.3f} s{many[path]:9.3f} s{many[path] / seconds:7.2f} ×")
    for name, of in (("median", np.median), ("dearest", np.max)):
        print(f"  {name:<36}{of([*few.values()]):7.3f} s{of([*many.values()]):9.3f} s")
    print(f"  {'with something to show':<36}{len(few):7d} pages")


def gather(place: Path) -> None:
    """A storage folder of its own with runs of every kind."""
    from backend.settings import Settings
    from tests import tiny

    given = os.environ.get("DISTILLERY_BENCH_STORAGE")
    if given:
        shutil.copytree(given, place)
    else:
        tiny.make(Settings(storage=place))


def open_dashboard(place: Path) -> None:
    """Let the dashboard of this process be one over that storage, everything taken in."""
    from backend import settings as settings_module
    from backend.core import runs
    from backend.settings import settings
    from pages.ui import resources

    resources.owner().stop()
    resources.owner().store.close()
    os.environ["DISTILLERY_STORAGE"] = str(place)
    settings_module.settings.cache_clear()
    resources.owner.cache_clear()
    owner = resources.owner()
    while len(owner.store.signatures()) < len(runs.names(settings().runs)):
        owner.tick()
    assert settings().storage == place.resolve()


def measured(place: Path) -> dict[str, Cost]:
    """Page → what it costs in a dashboard opened over that storage."""
    from backend.core import registry
    from pages.ui import links, resources

    open_dashboard(place)
    there = set(resources.owner().store.read("SELECT DISTINCT kind FROM runs")["kind"])
    entries = [entry for entries in links.SECTIONS.values() for entry in entries]
    kinds = {kind.name for kind in registry.KINDS}
    shown = [e for e in entries if e.kind in there or e.kind not in kinds]
    return {
        entry.path.removeprefix("pages/").removesuffix(".py"): _cost(entry.path) for entry in shown
    }


def app(path: str) -> AppTest:
    """The dashboard at a page that was built twice."""
    from backend.settings import PROJECT

    made = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=300)
    made.run()
    made.switch_page(path).run()
    made.run()
    assert not made.exception, (path, made.exception)
    return made


def _cost(path: str) -> Cost:
    """Processor seconds and bytes of a page run that is not the first."""
    made, taken = app(path), []
    for _ in range(REPEATS):
        start = time.process_time()
        made.run()
        taken.append(time.process_time() - start)
    with _counting() as sizes:
        made.run()
    return Cost(float(np.median(taken)), sum(sizes))


@contextmanager
def _counting() -> Iterator[list[int]]:
    """Bytes of each message that a page run sends; pictures are fetched beside them."""
    sizes: list[int] = []
    enqueue = ForwardMsgQueue.enqueue

    def counted(self: ForwardMsgQueue, message: Any) -> None:
        sizes.append(message.ByteSize())
        enqueue(self, message)

    with patch.object(ForwardMsgQueue, "enqueue", counted):
        yield sizes


def _copy(folder: Path, names: list[str]) -> None:
    """The same runs once more under ids of their own, their pictures shared with the first."""
    new = {name: f"{name.rsplit('-', 1)[0]}-{secrets.token_hex(3)}" for name in names}
    for old in names:
        shutil.copytree(folder / old, folder / new[old], copy_function=os.link)
        for path in (folder / new[old]).glob("*.json"):
            text = path.read_text(encoding="utf-8")
            for one, other in new.items():
                text = text.replace(one, other)
            path.unlink()
            path.write_text(text, encoding="utf-8")
