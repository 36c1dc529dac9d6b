"""The Dockerfile's steps in a clean root made from Debian's packages, with no container engine.

    python -m tests.container.in_chroot [FOLDER]     root, mmdebstrap, a network, 12 GB

Debian's own Python takes the place of the base image; every other step is the Dockerfile's. Then
CMD runs as its USER on a root that is read-only but for the volume and /tmp, without any network
but its own, and HEALTHCHECK is asked until it says yes.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from backend.settings import PROJECT

SUITE = "bookworm"
PACKAGES = ("python3", "python3-venv", "ca-certificates")
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
PASSED_ON = ("PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "HTTPS_PROXY", "https_proxy")
PATIENCE = 180  # s until the health check must pass


def main() -> int:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as work:
        return build_and_serve(Path(work))


def build_and_serve(work: Path) -> int:
    """0 where every step works and the health check passes."""
    root = work / "root"
    steps = instructions((PROJECT / "Dockerfile").read_text(encoding="utf-8"))
    environment = {"PATH": PATH}
    folder, user, command, health = "/", "0", [], []
    for word, rest in steps:
        began = time.monotonic()
        if word == "FROM":
            make_root(root)
        elif word in ("ARG", "ENV"):
            environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "WORKDIR":
            folder = rest
            (root / folder.strip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            copy(root, folder, rest.split())
        elif word == "RUN":
            kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
            inside(root, f"cd {folder} && {rest}", environment | kept)
        elif word == "USER":
            user = rest
        elif word == "HEALTHCHECK":
            health = json.loads(rest[rest.index("[") :])
        elif word == "CMD":
            command = json.loads(rest)
        print(f"{time.monotonic() - began:6.1f} s  {word} {rest[:90]}", flush=True)
    return serve(root, work / "volume", folder, user, command, health, environment)


def instructions(text: str) -> list[tuple[str, str]]:
    """Each instruction of a Dockerfile, with what follows it on one line."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [line.split(None, 1) for line in whole.splitlines() if line.strip()]
    return [(word, rest.strip()) for word, rest in found]


def make_root(root: Path) -> None:
    command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, root]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs")


def copy(root: Path, folder: str, names: list[str]) -> None:
    """`COPY names… place`, of what git knows and .dockerignore leaves in."""
    *sources, place = names
    target = root / folder.strip("/") / place
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").split()
    command = ["git", "-C", str(PROJECT), "ls-files", "-z"]
    known = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in filter(None, known.split("\0")):
        if name.split("/")[0] in ignored:
            continue
        if "." in sources:
            goal = target / name
        elif name in sources:
            goal = target / Path(name).name
        else:
            continue
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, goal)


PREPARED = """
mount --make-rprivate /
mount --bind {root} {root}
mount -t proc proc {root}/proc
mount --rbind /dev {root}/dev
mount -t tmpfs tmpfs {root}/tmp
"""


def inside(root: Path, words: str, environment: dict[str, str]) -> None:
    """A shell's words in the root, as its own root user. Raises CalledProcessError."""
    script = PREPARED.format(root=root) + f'exec chroot {root} /bin/sh -ec "$WORDS"'
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script]
    given = environment | {"WORDS": words, "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, env=given, check=True)


SERVED = """
mount --bind {volume} {root}/app/storage
mount -o remount,ro,bind {root}
ip link set lo up
as_user() {{
  chroot --userspec={user}:{user} {root} /usr/bin/env HOME=/tmp sh -c "cd {folder} && $1"
}}
as_user "touch /app/written" 2>/dev/null && {{ echo "the root can be written"; exit 1; }}
as_user "exec {command}" &
for second in $(seq {patience}); do
  if as_user "{health}" 2>/dev/null; then
    echo "user $(as_user 'id -u'), read-only root: the health check passed after $second tries"
    exit 0
  fi
  sleep 1
done
echo "the health check did not pass"
exit 1
"""


def serve(
    root: Path,
    volume: Path,
    folder: str,
    user: str,
    command: list[str],
    health: list[str],
    environment: dict[str, str],
) -> int:
    """The exit code of the container's CMD beside its HEALTHCHECK, in namespaces of its own."""
    volume.mkdir()
    os.chown(volume, int(user), int(user))
    script = (PREPARED + SERVED).format(
        root=root,
        volume=volume,
        user=user,
        folder=folder,
        command=quoted(command),
        health=quoted(health),
        patience=PATIENCE,
    )
    spaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
    return subprocess.run([*spaces, "sh", "-ec", script], env=environment, check=False).returncode


def quoted(words: list[str]) -> str:
    """The words for a shell, within double quotes."""
    return shlex.join(words).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")


if __name__ == "__main__":
    sys.exit(main())
