"""install.sh calls the program beside it, wherever it is called from."""

import subprocess
import sys

import pytest

from backend.settings import PROJECT


@pytest.fixture
def called(tmp_path):
    """`called("doctor")`: what install.sh says, called by a link from a folder with a `backend`."""
    own, other, link = tmp_path / "own", tmp_path / "other", tmp_path / "install.sh"
    for folder, says in ((own, "own"), (other, "other")):
        (folder / "backend" / "release").mkdir(parents=True)
        words = f"import sys; print({says!r}, __package__, *sys.argv[1:])"
        for place in ("backend", "backend/release"):
            (folder / place / "__main__.py").write_text(words)
    (own / "install.sh").write_text((PROJECT / "install.sh").read_text())
    (own / "install.sh").chmod(0o755)
    link.symlink_to(own / "install.sh")

    def call(*words, python=sys.executable):
        environment = {"PATH": "/usr/bin:/bin", "PYTHON": str(python)}
        done = subprocess.run(
            [link, *words], cwd=other, env=environment, capture_output=True, text=True, check=False
        )
        return (done.stdout or done.stderr).strip()

    return call


def test_before_anything_is_installed_the_installer_is_called(called):
    assert called("update", "B") == "own backend.release update B"


def test_then_its_own_verbs_are_called_and_install_still_the_installer(called, tmp_path):
    (tmp_path / "own" / ".venv").symlink_to(sys.prefix)
    assert called("doctor", "--port", "1") == "own backend doctor --port 1"
    assert called("install", "B") == "own backend.release install B"


def test_too_old_a_python_is_told_in_a_sentence(called):
    assert called("install", "B", python="/bin/false").startswith("Python 3.11 or newer is needed")
