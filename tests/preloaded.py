"""Jobs whose processes begin with the heavy libraries read: one process reads them and forks.

To read torch, diffusers and the rest takes longer than a tiny job.
"""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backend.core import runs
from backend.settings import PROJECT, Settings, quiet_environment

PATIENCE = 600  # s, after which a job is given up
ENDED = "ended\n"
LIBRARIES = (
    *("torch", "torch._dynamo", "torchvision", "onnxscript", "onnxruntime", "cv2", "joblib"),
    *("diffusers.pipelines.stable_diffusion", "transformers.models.clip", "peft", "pandas"),
    *("ultralytics.models.yolo", "pyarrow.parquet", "scipy.stats", "sklearn.metrics"),
    "skimage.metrics",
)


@contextmanager
def starting(settings: Settings) -> Iterator[Callable[[Path], None]]:
    """`work(folder)`: a job in its own process, to its end."""
    environment = os.environ | quiet_environment(settings)
    environment["DISTILLERY_STORAGE"] = str(settings.storage)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.preloaded"],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        told, said = process.stdin, process.stdout
        assert told and said

        def work(folder: Path) -> None:
            print(folder, file=told, flush=True)
            assert said.readline() == ENDED, "the process that forks does not say that it ended"

        yield work


def _fork(folder: Path) -> None:
    """The run of a folder, as `python -m backend run` works on it."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        try:
            runs.claim(folder, pid)
            os.waitpid(pid, 0)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        return
    os.setsid()
    signal.alarm(PATIENCE)
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    main = importlib.import_module("backend.__main__").main
    main(["run", str(folder)], prog_name="python -m backend")


if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    for line in sys.stdin:
        _fork(Path(line.rstrip("\n")))
        print(ENDED, end="", flush=True)
