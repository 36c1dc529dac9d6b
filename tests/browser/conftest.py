"""The real server over the tiny flows, and a browser."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.core import runs
from backend.settings import PROJECT
from tests.browser.visiting import CHROMIUM, FLAGS, PATIENCE


@pytest.fixture(scope="module")
def server(tiny_settings, tiny_runs, tmp_path_factory):
    """The real server over the tiny flows, on a port that it found free; gives its address."""
    with _serving(tiny_settings.storage, tmp_path_factory.mktemp("server") / "log.txt") as address:
        yield address


@pytest.fixture(scope="module")
def fresh_server(tmp_path_factory):
    """The real server over an empty storage folder; gives its address."""
    folder = tmp_path_factory.mktemp("fresh")
    with _serving(folder / "storage", folder / "log.txt") as address:
        yield address


@pytest.fixture(scope="module")
def serve():
    """`serve(storage, log)`: the real server over a storage folder, as a context."""
    return _serving


@contextmanager
def _serving(storage: Path, log: Path) -> Iterator[str]:
    chosen = {"DISTILLERY_STORAGE": str(storage), "STREAMLIT_SERVER_HEADLESS": "true"}
    command = [sys.executable, "-m", "backend", "serve", "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=os.environ | chosen, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        process.wait()


def _address(process: subprocess.Popen, log: Path, patience: float = 120) -> str:
    """What the server prints once it listens; fails with its log where it ended instead."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"URL: http://[^:]+:(\d+)", log.read_text()):
            return f"http://127.0.0.1:{found[1]}"
        time.sleep(0.05)
    raise AssertionError(f"the server did not come up:\n{log.read_text()}")


@pytest.fixture
def no_new_runs(tiny_settings):
    """What a test adds to the shared storage is taken away again."""
    before = set(runs.folders(tiny_settings.runs))
    yield
    for folder in set(runs.folders(tiny_settings.runs)) - before:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()
