"""How fast this computer is, to say what a job will take before it starts. No torch.

A CPU's speed is probed by a matrix product, a GPU's guessed from its cores and clock.
"""

import importlib.metadata
import os
import platform
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

GPU_SHARE = {2: 0.35, 1: 0.18}  # MACs per FLOP of the GPU's float32 peak: half, full precision


@dataclass(frozen=True)
class Gpu:
    """flops: float32 peak from cores and clock. memory: bytes."""

    name: str
    memory: int
    flops: float


def duration(seconds: float) -> str:
    """Seconds as a person says them: 8 s, 30 min, 16 h, 3 days."""
    for unit, size, least in (("days", 86400, 172800), ("h", 3600, 5400), ("min", 60, 90)):
        if seconds >= least:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, seconds):.0f} s"


@cache
def cpu_macs_per_second() -> float:
    """Multiply-adds a second of a float32 matrix product with numpy's threads; some 0.1 s."""
    square = np.ones((768, 768), np.float32)
    taken = []
    for _ in range(6):
        start = time.perf_counter()
        square @ square
        taken.append(time.perf_counter() - start)
    return 768**3 / min(taken[1:])


@cache
def find_gpu() -> Gpu | None:
    """The first NVIDIA GPU that torch could use, None without one."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1")
    if hidden or importlib.metadata.version("torch").endswith("+cpu"):
        return None
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        megahertz = pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_SM)
        flops = 2e6 * megahertz * pynvml.nvmlDeviceGetNumGpuCores(handle)
        memory = int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
        return Gpu(str(pynvml.nvmlDeviceGetName(handle)), memory, flops)
    except (OSError, pynvml.NVMLError):
        return None


def cpu_name() -> str:
    """The processor's name as Linux tells it, or what Python knows."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
