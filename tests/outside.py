"""What tests ask of other computers: refused in this process and those it starts, and noted.

See recording/sitecustomize.py. Chromium's own process is not watched.
"""

import os
import runpy
from pathlib import Path

RECORDING = Path(__file__).parent / "recording"


def watch(noted: Path) -> None:
    """Watch this process, and by its environment those it starts. noted: the file of notes."""
    os.environ["RECORDED_SOCKETS"] = str(noted)
    given = os.environ.get("PYTHONPATH", "")
    if str(RECORDING) not in given:  # a worker of pytest has it from its parent
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(RECORDING), given)))
        runpy.run_path(str(RECORDING / "sitecustomize.py"))


def asked() -> list[str]:
    """What was asked elsewhere since this was last called, a line each."""
    noted = Path(os.environ["RECORDED_SOCKETS"])
    if not noted.exists():
        return []
    found = noted.read_text().splitlines()
    noted.unlink()
    return found
