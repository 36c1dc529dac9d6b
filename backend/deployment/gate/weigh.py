"""How much memory a model needs: run as a process of its own, it prints MB.

python -m backend.deployment.gate.weigh model.onnx fed.npz
"""

import resource
import sys
from pathlib import Path

import numpy as np

from backend.numeric.onnx_session import open_session

CALLS = 3
STATUS = Path("/proc/self/status")  # of Linux, whose ru_maxrss counts the parent's memory too


def main(file: str, fed: str) -> None:
    """Print the most memory, MB, that looking at one picture a few times takes."""
    with np.load(fed) as stored:
        feed = {name: stored[name] for name in stored.files}
    session = open_session(Path(file), 1)
    for _ in range(CALLS):
        session.run(None, feed)
    print(peak_megabytes())


def peak_megabytes() -> float:
    """The most memory, MB, that this process had in use so far."""
    if STATUS.exists():
        for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most / 1e3  # bytes there, kB elsewhere


if __name__ == "__main__":
    main(*sys.argv[1:])
