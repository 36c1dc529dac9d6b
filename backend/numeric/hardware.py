"""Which computer this is, and how fast, to say what a job will take before it starts. No torch.

A CPU's speed is probed by a matrix product, a GPU's guessed from its cores and clock.
"""

import ctypes.util
import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

OPTIMISATION = "all"  # ONNX Runtime's level for every session: fused INT8 rounds by it
CUDA_PACKAGE, OPENVINO_PACKAGE = "onnxruntime-gpu", "onnxruntime-ep-openvino"
GPU_SHARE = {2: 0.35, 1: 0.18}  # MACs per FLOP of the GPU's float32 peak: half, full precision


@dataclass(frozen=True)
class Gpu:
    """flops: float32 peak from cores and clock. memory: bytes."""

    name: str
    memory: int
    flops: float


@dataclass(frozen=True)
class Fingerprint:
    """What a timing or a gate's verdict hangs on besides the model; see `fingerprint`.

    flags: instruction sets that change speed or rounding. cores: those this process may use.
    providers: what ONNX Runtime can compute with, with the version of what is no part of it.
    """

    cpu: str
    architecture: str
    flags: tuple[str, ...]
    cores: int
    gpu: str
    onnxruntime: str
    providers: tuple[str, ...]
    optimisation: str

    @property
    def id(self) -> str:
        """Twelve letters and digits, the same for the same computer and versions."""
        told = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    def differences(self, other: "Fingerprint") -> list[str]:
        """What is another there than here, a phrase each; none for the same fingerprint."""
        pairs = [
            (field.name, getattr(self, field.name), getattr(other, field.name))
            for field in dataclasses.fields(self)
        ]
        return [f"{name}: {_told(a)} became {_told(b)}" for name, a, b in pairs if a != b]


def _told(value: object) -> str:
    words = ", ".join(value) if isinstance(value, tuple) else str(value)
    return words or "none"


@cache
def fingerprint() -> Fingerprint:
    """This computer's, as this process sees it. Imports no runtime."""
    gpu = nvidia()
    return Fingerprint(
        cpu=cpu_name(),
        architecture=platform.machine(),
        flags=_flags(),
        cores=len(usable_cores()),
        gpu=gpu.name if gpu else "",
        onnxruntime=_version("onnxruntime") or _version(CUDA_PACKAGE),
        providers=tuple(_with_version(name) for name in providers()),
        optimisation=OPTIMISATION,
    )


@cache
def providers() -> tuple[str, ...]:
    """What ONNX Runtime can compute with on this computer, the CPU first. Imports no runtime.

    CUDA and TensorRT come with another build of ONNX Runtime, OpenVINO as a plugin that knows only
    Intel's processors.
    """
    cuda = _version(CUDA_PACKAGE) and nvidia() is not None
    intel = "Intel" in (cpu_line("vendor_id") or platform.processor())
    there = {
        "CPU": True,
        "CUDA": cuda,
        "TensorRT": cuda and _has_tensorrt(),
        "OpenVINO": intel and _version(OPENVINO_PACKAGE),
    }
    return tuple(name for name, found in there.items() if found)


def _has_tensorrt() -> bool:
    return bool(importlib.util.find_spec("tensorrt_libs") or ctypes.util.find_library("nvinfer"))


def _with_version(provider: str) -> str:
    """A provider, with its version where it is no part of ONNX Runtime."""
    return f"{provider} {_version(OPENVINO_PACKAGE)}" if provider == "OpenVINO" else provider


def _version(package: str) -> str:
    """Of an installed package, "" where it is not."""
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    return ""


def usable_cores() -> set[int]:
    """Numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _flags() -> tuple[str, ...]:
    """Vector instructions of the first core, sorted; none where the system does not tell."""
    telling = ("sse4", "fma", "f16c", "avx", "amx", "asimd", "neon", "sve", "i8mm", "bf16")
    found = cpu_line("flags", "Features").split()
    return tuple(sorted({flag for flag in found if flag.startswith(telling)}))


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


def find_gpu() -> Gpu | None:
    """The first NVIDIA GPU that torch could use, None without one."""
    return None if importlib.metadata.version("torch").endswith("+cpu") else nvidia()


@cache
def nvidia() -> Gpu | None:
    """The first NVIDIA GPU that programs may use, None without one."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):
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
    return cpu_line("model name") or platform.processor() or platform.machine()


def cpu_line(*names: str) -> str:
    """What Linux tells of the first core under one of these names, "" for nothing."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(names):
                return line.partition(":")[2].strip()
    return ""
