"""A page as PDF, printed by a browser where this computer has one."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from backend.records import Shortage

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "msedge")
PATIENCE = 120  # seconds
MISSING = (
    "A PDF needs a browser to print it, and this computer has none. Install Chromium "
    "(on Debian: apt install chromium), or take the HTML and print that."
)


def browser() -> str:
    """The program that prints, "" where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), "")


def to_pdf(page: str) -> bytes:
    """An HTML page that needs nothing outside, on A4. Raises Shortage where nothing prints it."""
    program = browser()
    if not program:
        raise Shortage(MISSING)
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        source, target = Path(folder) / "report.html", Path(folder) / "report.pdf"
        source.write_text(page, encoding="utf-8")
        _print(program, source, target)
        return target.read_bytes()


def _print(program: str, source: Path, target: Path) -> None:
    command = [
        *(program, "--headless", "--disable-gpu", "--disable-extensions", "--no-first-run"),
        *("--disable-background-networking", "--disable-sync", "--disable-dev-shm-usage"),
        *("--no-pdf-header-footer", f"--user-data-dir={source.parent / 'browser'}"),
        *(["--no-sandbox"] if os.geteuid() == 0 else []),  # it starts in no sandbox as root
        *(f"--print-to-pdf={target}", source.as_uri()),
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Shortage(f"{program} printed nothing: {error}. Take the HTML instead.") from error
    if done.returncode or not target.exists():
        raise Shortage(
            f"{program} printed nothing (code {done.returncode}). Take the HTML instead."
        )
