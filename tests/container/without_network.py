"""Installing a bundle, and the demo from it, where there is no network: not part of `make test`.

    python -m tests.container.without_network BUNDLE plant.pub [--demo]     root; disk for it

`unshare --net` gives the installer a network namespace without any interface but a dead loopback;
that nothing can be reached is tried first. With --demo both flows run from what was installed.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

UNREACHABLE = (
    "import socket, sys\n"
    "try: socket.create_connection(('1.1.1.1', 443), 3)\n"
    "except OSError as error: print('no network:', error)\n"
    "else: sys.exit('there is a network')\n"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("key", type=Path, help="the public key")
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--in", dest="folder", help="where there is room")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as work:
        unpacked, place = Path(work) / "unpacked", Path(work) / "installed"
        unpacked.mkdir()
        bundle, key = options.bundle.resolve(), options.key.resolve()
        alone("no network", sys.executable, "-c", UNREACHABLE)
        alone("unpack", "tar", "-xf", bundle, "-C", unpacked, "install.sh", "backend")
        command = [unpacked / "install.sh", "install", bundle, "--key", key, "--to", place]
        alone("install", *command)
        alone("doctor", place / "install.sh", "doctor", "--port", "1")
        if options.demo:
            alone("demo", place / "install.sh", "demo", "--no-serve")
            alone("runs", place / "install.sh", "runs")
    return 0


def alone(what: str, *command: str | Path) -> None:
    """Run it with no interface but its own loopback. Raises CalledProcessError."""
    began = time.monotonic()
    words = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"]
    subprocess.run([*words, *map(str, command)], check=True)
    print(f"{time.monotonic() - began:7.1f} s  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
