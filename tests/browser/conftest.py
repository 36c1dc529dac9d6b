"""The real server over the tiny flows, and a browser."""

import os
import subprocess
import sys
import time
import urllib.request

import pytest

from backend.settings import PROJECT
from tests import ports
from tests.browser.visiting import CHROMIUM, FLAGS


@pytest.fixture(scope="module")
def server(tiny_settings, tiny_runs):
    """The real server over the tiny flows; gives its address."""
    port = ports.free()
    environment = os.environ | {"DISTILLERY_STORAGE": str(tiny_settings.storage)}
    command = [sys.executable, "-m", "backend", "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment)
    address = f"http://127.0.0.1:{port}"
    _wait_until_healthy(address)
    yield address
    process.terminate()
    process.wait(20)


def _wait_until_healthy(address: str, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server did not come up")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()
