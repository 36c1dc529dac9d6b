"""A program that went out with a model, run where only the few libraries are that it asks for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.outside import RECORDING

FORBIDDEN = ("backend", "pages", "torch", "cv2", "ultralytics", "pandas", "scipy", "streamlit")
RUNNER = f"""
import runpy, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {FORBIDDEN!r}:
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_alone(program: Path, *words: str) -> list[dict[str, Any]]:
    """What the program prints: JSON, a record a line. It may import none of `FORBIDDEN`."""
    bare = os.environ | {"PYTHONPATH": str(RECORDING)}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(program), *words],
        cwd=program.parent,
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
