"""Making a bundle where a package registry can be reached: `python -m backend.release bundle`.

Packages come as backend/install.py takes them: PyTorch's CPU build from its own index where that
can be reached, else PyPI's; everything else as pinned in requirements.txt.
"""

import datetime
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from backend import install
from backend.records import UserError
from backend.release import bundle
from backend.release.bundle import Manifest

PROJECT = install.PROJECT
LEFT_OUT = ("storage/", "tests/", ".ci/")  # of the source; an installation has no use for them


def make(target: Path, key: Path, torch: str = "auto") -> Path:
    """Write the bundle of the last commit for this kind of computer; returns the file.

    target: a file, or a folder for one with a telling name. torch: as install.py takes it.
    Raises UserError where something is not committed, a package cannot be had or the key cannot
    sign.
    """
    beside = target if target.is_dir() else target.parent
    if not beside.is_dir():
        raise UserError(f"There is no folder {beside}. Mount its disk, or make it first.")
    revision = committed_revision()
    with tempfile.TemporaryDirectory(dir=beside) as work:
        folder = Path(work) / bundle.WHEELS
        collect(folder, torch)
        manifest = describe(revision, folder)
        files = source_files() | {f"{bundle.WHEELS}/{p.name}": p for p in folder.glob("*.whl")}
        if target.is_dir():
            target /= f"defect-distillery-{manifest.release}-{manifest.platform}.tar"
        bundle.write(target, files, manifest, key)
    return target


def committed_revision() -> str:
    """Of the last commit. Raises UserError where files differ from it, or there is no git."""
    if _git("status", "--porcelain", "--untracked-files=no").strip():
        raise UserError(
            "Files of the project were changed since the last commit. Commit them, so that the "
            "bundle can say what it holds."
        )
    return _git("rev-parse", "HEAD").strip()


def source_files() -> dict[str, Path]:
    """Name → file of the source as git knows it, without tests."""
    names = _git("ls-files", "-z").split("\0")
    return {name: PROJECT / name for name in names if name and not name.startswith(LEFT_OUT)}


def _git(*arguments: str) -> str:
    try:
        command = ["git", "-C", str(PROJECT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(
            f"A bundle is made from a git checkout of the project, and {PROJECT} is none."
        ) from error


def collect(folder: Path, torch: str) -> None:
    """Fetch or build a wheel of every package. Raises UserError where one cannot be had."""
    folder.mkdir(parents=True)
    rest = folder.parent / "rest.txt"
    pins = install.torch_pins()
    lines = install.REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    rest.write_text("\n".join(line for line in lines if line.split("==")[0] not in pins))
    names = [f"{name}=={version}" for name, version in pins.items()]
    bound = ["-c", str(install.REQUIREMENTS), *names]
    wants_cpu = torch == "cpu" or (torch == "auto" and not install.has_nvidia())
    quick = ["--index-url", install.CPU_INDEX, "--retries", "0", "--timeout", "5", "--no-deps"]
    if not (wants_cpu and _pip_wheel(folder, *quick, *names, alone=True)):
        print("Taking PyPI's build of PyTorch …", flush=True)
        _must(_pip_wheel(folder, *bound))
    print("Collecting the other packages …", flush=True)
    _must(_pip_wheel(folder, "--no-deps", install.UV, "-r", str(rest)))


def _pip_wheel(folder: Path, *arguments: str, alone: bool = False) -> bool:
    command = [sys.executable, "-m", "pip", "wheel", "-q", "-w", str(folder), *arguments]
    if alone:
        return install.succeeds(command, install.alone())
    return subprocess.run(command, check=False).returncode == 0


def _must(done: bool) -> None:
    if not done:
        raise UserError(
            "The packages could not be collected. Is PyPI, or your mirror of it, in reach?"
        )


def describe(revision: str, folder: Path) -> Manifest:
    """The manifest of what was collected for this computer."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (torch,) = (path.name.split("-")[1] for path in folder.glob("torch-*.whl"))
    python, machine = bundle.here()
    made = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Manifest(project["version"], revision, made, python, machine, torch)
