"""The image, built by buildah and run by podman: not part of `make test`.

    python -m tests.container.with_engine FOLDER     root, a network, 40 GB in FOLDER, Debian's
                                                     buildah, podman, runc and mmdebstrap

Where no registry of images can be reached, Debian's own Python takes the place of the base image,
as in in_chroot. FOLDER keeps base, images and volume; a base that is there is not made again.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from backend.settings import PROJECT
from tests.container.in_chroot import PASSED_ON, PATIENCE, make_root

BASE, IMAGE, NAME = "localhost/python-base", "defect-distillery", "distillery"


def main() -> int:
    work = Path(sys.argv[1]).resolve()
    places = ["--root", str(work / "containers"), "--runroot", str(work / "run")]
    podman = ["podman", *places, "--runtime", "runc"]
    files = str(resource.getrlimit(resource.RLIMIT_NOFILE)[1])  # engines ask for more
    limit = [f"--ulimit=nofile={files}:{files}", "--ulimit=nproc=4096:4096"]
    if not (work / "root").exists():
        done("a root made", make_root, work / "root")
    if subprocess.run([*podman, "image", "exists", BASE], check=False).returncode:
        done("taken as base image", take, work / "root", podman)
    given = [f"--env={name}={os.environ[name]}" for name in PASSED_ON if name in os.environ]
    build = ["buildah", *places, "build", "--isolation=chroot", "--network=host", *given]
    build += ["--format=docker", "--layers=false", *limit, f"--from={BASE}", f"--tag={IMAGE}"]
    done("the Dockerfile built", run, *build, str(PROJECT))
    start = [*podman, "run", "--detach", "--replace", f"--name={NAME}", "--network=none"]
    start += ["--read-only", "--tmpfs=/tmp", "--env=HOME=/tmp", "--shm-size=1g", "--cap-drop=all"]
    start += ["--security-opt=no-new-privileges", "--health-interval=disable", *limit]
    done("started", run, *start, "--volume=storage:/app/storage", IMAGE)
    try:
        done("the health check passed", healthy, podman)
        inside = [*podman, "exec", NAME]
        assert subprocess.run([*inside, "touch", "/app/written"], check=False).returncode
        run(*inside, "sh", "-c", "id -u; touch storage/written; tail -n +3 /proc/net/dev")
    finally:
        run(*podman, "rm", "--force", NAME)
    return 0


def done(what: str, call: Callable[..., None], *words: object) -> None:
    began = time.monotonic()
    call(*words)
    print(f"{time.monotonic() - began:7.1f} s  {what}", flush=True)


def run(*words: str) -> None:
    subprocess.run(words, check=True)


def take(root: Path, podman: list[str]) -> None:
    """Make an image of a root."""
    pack = ["tar", "-C", str(root), "--exclude=./dev/*", "-c", "."]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packed:
        subprocess.run([*podman, "import", "-", BASE], stdin=packed.stdout, check=True)


def healthy(podman: list[str]) -> None:
    """Asks HEALTHCHECK until it says yes. Raises TimeoutError."""
    for _ in range(PATIENCE):
        asked = [*podman, "healthcheck", "run", NAME]
        if not subprocess.run(asked, check=False, capture_output=True).returncode:
            return
        time.sleep(1)
    run(*podman, "logs", NAME)
    raise TimeoutError("the health check did not pass")


if __name__ == "__main__":
    sys.exit(main())
