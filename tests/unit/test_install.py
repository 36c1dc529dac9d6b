"""The set-up script: what it would install, and when it has nothing to do."""

import subprocess
import sys

import pytest

from backend import install
from backend.settings import PROJECT


def test_torch_and_torchvision_are_pinned_together():
    assert set(install.torch_pins()) == {"torch", "torchvision"}


def test_every_requirement_is_pinned_and_named_once():
    names = []
    for file in (install.REQUIREMENTS, install.DEVELOPMENT):
        for line in file.read_text(encoding="utf-8").splitlines():
            words = line.split("#")[0].strip()
            if words:
                name, _, version = words.partition("==")
                assert version, line
                names.append(name)
    assert len(names) == len(set(names))
    assert "opencv-python" not in names, "it needs X libraries"


def test_the_stamp_follows_requirements_and_choice(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("a==1\n")
    before = install.stamp(file, "auto")
    assert install.stamp(file, "auto") == before
    assert install.stamp(file, "cuda") != before
    file.write_text("a==2\n")
    assert install.stamp(file, "auto") != before


def test_a_second_call_installs_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    for file in (install.REQUIREMENTS, install.DEVELOPMENT):
        install.mark(folder, file).write_text(install.stamp(file, "auto"))
    monkeypatch.setattr(sys, "argv", ["install", "--venv", str(folder), "--dev"])
    monkeypatch.setattr(install, "install", lambda *_: pytest.fail("it installs"))
    install.main()


def test_a_cuda_build_serves_where_there_is_no_gpu_and_a_cpu_build_not_where_there_is(monkeypatch):
    pins = install.torch_pins()
    bought: list[tuple[str, ...]] = []
    monkeypatch.setattr(install, "install", lambda python, *names: bought.append(names))
    monkeypatch.setattr(install, "succeeds", lambda command: True)
    monkeypatch.setattr(install, "has_nvidia", lambda: False)
    monkeypatch.setattr(install, "installed", lambda python: pins)
    install.install_torch(install.python_of(PROJECT / ".venv"), "auto")
    assert bought == []
    cpu = {name: f"{version}+cpu" for name, version in pins.items()}
    monkeypatch.setattr(install, "installed", lambda python: cpu)
    monkeypatch.setattr(install, "has_nvidia", lambda: True)
    install.install_torch(install.python_of(PROJECT / ".venv"), "auto")
    assert len(bought) == 1


def test_it_needs_no_package():
    command = [sys.executable, "-S", "-m", "backend.install", "--help"]
    assert subprocess.run(command, cwd=PROJECT, capture_output=True).returncode == 0


def test_with_wheels_nothing_but_their_folder_is_asked(tmp_path, monkeypatch):
    environment = {"PIP_INDEX_URL": "https://pypi.example/simple"}
    monkeypatch.setattr(install.os, "environ", environment)
    monkeypatch.setattr(install, "make_venv", lambda folder: folder / "bin" / "python")
    monkeypatch.setattr(install, "has_nvidia", lambda: True)
    monkeypatch.setattr(install, "install_torch", lambda *_: pytest.fail("an index is asked"))
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(install, "install", lambda python, *names: asked.append(names))
    folder, wheels = tmp_path / "venv", tmp_path / "wheels"
    folder.mkdir()
    given = ["install", "--venv", str(folder), "--wheels", str(wheels)]
    monkeypatch.setattr(sys, "argv", given)
    install.main()
    pins = tuple(f"{name}=={version}" for name, version in install.torch_pins().items())
    assert asked == [pins, ("--no-deps", "-r", str(install.REQUIREMENTS))]
    assert environment["PIP_NO_INDEX"] == "1" and environment["UV_OFFLINE"] == "1"
    assert environment["PIP_FIND_LINKS"] == environment["UV_FIND_LINKS"] == str(wheels)
