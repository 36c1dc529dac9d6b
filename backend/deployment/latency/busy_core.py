"""A second core kept busy while something is timed: memory and vector units are shared."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen

WORK = """
import os
import numpy as np

parent, square = os.getppid(), np.ones((256, 256), np.float32)
print("at work", flush=True)
while os.getppid() == parent:
    square @ square
"""


@contextmanager
def at_work() -> Iterator[None]:
    """Another process multiplies matrices on one core meanwhile; it ends with this one."""
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    with Popen([sys.executable, "-c", WORK], stdout=PIPE, env=os.environ | one_thread) as worker:
        try:
            assert worker.stdout is not None
            worker.stdout.readline()
            yield
        finally:
            worker.kill()
