"""The real server over the tiny flows, and a browser."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend.settings import PROJECT
from tests.browser.visiting import CHROMIUM, FLAGS


@pytest.fixture(scope="module")
def server(tiny_settings, tiny_runs, tmp_path_factory):
    """The real server over the tiny flows, on a port that it found free; gives its address."""
    log = tmp_path_factory.mktemp("server") / "log.txt"
    chosen = {"DISTILLERY_STORAGE": str(tiny_settings.storage), "STREAMLIT_SERVER_HEADLESS": "true"}
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


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()
