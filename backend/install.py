"""Set up the virtual environment: `python3 -m backend.install`. Standard library only.

Where there is no NVIDIA GPU, PyTorch's own index is tried first for its CPU build (about 1.5 GB
installed in place of 7); where that index cannot be reached, PyPI's build serves as well. torch
and torchvision always come from the same index. uv is used for speed, pip where uv fails: only
pip reads a plant's pip settings. With `--wheels` all of it comes from a folder, without a network.
"""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
REQUIREMENTS, DEVELOPMENT = PROJECT / "requirements.txt", PROJECT / "requirements-dev.txt"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
UV = "uv==0.13.9"
LEAST_PYTHON = (3, 11)


def main() -> None:
    parser = argparse.ArgumentParser(description="Set up the virtual environment.")
    parser.add_argument("--venv", type=Path, default=PROJECT / ".venv")
    parser.add_argument("--dev", action="store_true", help="add what tests and linting need")
    parser.add_argument("--torch", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--wheels", type=Path, help="take every package from this folder alone")
    options = parser.parse_args()
    if sys.version_info < LEAST_PYTHON:
        sys.exit(f"Python 3.11 or newer is needed; this is {platform.python_version()}.")
    files = [REQUIREMENTS, DEVELOPMENT] if options.dev else [REQUIREMENTS]
    stamps = {file: stamp(file, options.torch) for file in files}
    missing = [file for file in files if not is_installed(options.venv, file, stamps[file])]
    if not missing:
        return
    python = make_venv(options.venv)
    if options.wheels:
        take_from(options.wheels.resolve())
    for file in missing:
        if options.wheels and file is REQUIREMENTS:
            install(python, *(f"{name}=={version}" for name, version in torch_pins().items()))
        elif file is REQUIREMENTS:
            install_torch(python, options.torch)
        print(f"Installing {file.name} …", flush=True)
        install(python, "--no-deps", "-r", str(file))
        mark(options.venv, file).write_text(stamps[file])


def take_from(wheels: Path) -> None:
    """Let pip and uv, in this process's children, see nothing but this folder."""
    os.environ |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    os.environ |= {"PIP_FIND_LINKS": str(wheels), "UV_FIND_LINKS": str(wheels)}
    os.environ |= {"UV_NO_INDEX": "1", "UV_OFFLINE": "1", "UV_NO_CACHE": "1"}


def stamp(file: Path, torch: str) -> str:
    """Changes when what should be installed changes."""
    machine = f"{platform.python_version()} {torch} {has_nvidia()}"
    text = file.read_bytes() + machine.encode()
    return hashlib.sha256(text).hexdigest()


def mark(folder: Path, file: Path) -> Path:
    return folder / f"{file.stem}.installed"


def is_installed(folder: Path, file: Path, wanted: str) -> bool:
    path = mark(folder, file)
    return path.exists() and path.read_text() == wanted and python_of(folder).exists()


def python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def make_venv(folder: Path) -> Path:
    """The environment's Python; a folder without a working one is made anew."""
    python = python_of(folder)
    if python.exists() and succeeds([str(python), "-m", "pip", "--version"]):
        return python
    try:
        venv.create(folder, with_pip=True, clear=folder.exists())
    except (subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"Cannot make {folder}: {error}. On Debian or Ubuntu: apt install python3-venv.")
    return python


def succeeds(command: list[str], environment: dict[str, str] | None = None) -> bool:
    """Run in silence."""
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0


def install_torch(python: Path, choice: str) -> None:
    """torch and torchvision, both from the index that suits this machine."""
    pins = torch_pins()
    wants_cpu = choice == "cpu" or (choice == "auto" and not has_nvidia())
    present = installed(python)
    is_cpu_build = "+cpu" in present.get("torch", "")
    if without_build(present) == pins and (wants_cpu or not is_cpu_build):
        return
    names = [f"{name}=={version}" for name, version in pins.items()]
    if is_cpu_build and not wants_cpu:
        succeeds([str(python), "-m", "pip", "uninstall", "-y", *pins])
    if wants_cpu and platform.system() == "Linux":
        print("Installing PyTorch for CPU …", flush=True)
        quick = ["--index-url", CPU_INDEX, "--retries", "0", "--timeout", "5"]
        command = [str(python), "-m", "pip", "install", *quick, *names]
        if succeeds(command, alone()):
            return
        print("PyTorch's index cannot be reached; PyPI's larger build works as well.", flush=True)
    print("Installing PyTorch …", flush=True)
    install(python, *names)


def alone() -> dict[str, str]:
    """The environment without further indexes, so that torch and torchvision match."""
    named = {"PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"}
    kept = {name: value for name, value in os.environ.items() if name not in named}
    return kept | {"PIP_CONFIG_FILE": os.devnull}


def torch_pins() -> dict[str, str]:
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("#")[0].strip().split("==") for line in lines if "==" in line)
    return {name: pins[name] for name in ("torch", "torchvision")}


def without_build(versions: dict[str, str]) -> dict[str, str]:
    """Versions without `+cpu` and the like."""
    return {name: version.split("+")[0] for name, version in versions.items()}


def installed(python: Path) -> dict[str, str]:
    """Installed versions of torch and torchvision, {} where one is missing."""
    code = (
        "from importlib.metadata import version\n"
        "for name in ('torch', 'torchvision'): print(name, version(name))"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return dict(line.split() for line in done.stdout.splitlines()) if done.returncode == 0 else {}


def has_nvidia() -> bool:
    return shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()


def install(python: Path, *arguments: str) -> None:
    """`uv pip install`, or `pip install` where that fails. Exits with a plain sentence."""
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    uv = [str(python), "-m", "uv"]
    if succeeds([*uv, "--version"]) or succeeds([*pip, UV]):
        command = [*uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(python)]
        if subprocess.run([*command, *arguments]).returncode == 0:
            return
        print("uv could not; trying pip …", flush=True)
    if subprocess.run([*pip, *arguments]).returncode != 0:
        sys.exit("The packages could not be installed. Is PyPI, or your mirror of it, in reach?")


if __name__ == "__main__":
    main()
