"""A Ray cluster of two computers beside the dashboard's: not part of `make test`.

    python -m tests.container.two_computers [FOLDER]     root, iproute2, Ray; half an hour

Each computer has its own address, name, processes, home folder and /tmp, and they meet on a bridge;
the storage folder is the same for all. The cluster is started as docs/cluster.md says. An anomaly
model's test rounds run on it; in the middle a cable is pulled, a computer switched off, and the
head cut off and switched off at once.
"""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from backend import settings as settings_module
from backend.core import cluster, facts, jobs, runs, specs, units
from backend.inspection.model.spec import Spec
from backend.records import Cause, RunState
from backend.settings import PROJECT
from tests.unit.inspection.test_model import SMALL, make_parts

NETWORK, PORT, CLIENT = "10.77.0", 6379, 10001
ROUNDS = {"folds": 5, "steps": 60}
PATIENCE = 600  # s until what must happen has happened
STATES = ("running", "done")
RAY = (sys.executable, "-m", "ray.scripts.scripts", "start", "--disable-usage-stats")


def main() -> int:
    if "INSIDE" not in os.environ:  # a network and a name of its own for the dashboard's computer
        words = [sys.executable, "-m", "tests.container.two_computers", *sys.argv[1:]]
        given = os.environ | {"INSIDE": "1"}
        spaces = ["--net", "--uts", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child"]
        return subprocess.run(["unshare", *spaces, *words], env=given, check=False).returncode
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as work:
        Site(Path(work)).show()
    return 0


class Computer:
    """Namespaces of its own, joined to the bridge; they end with it."""

    def __init__(self, name: str, number: int, work: Path, token: str):
        self.name, self.address = name, f"{NETWORK}.{number}"
        self.home = work / name
        (self.home / ".ray").mkdir(parents=True)
        (self.home / "tmp").mkdir()
        (self.home / ".ray/auth_token").write_text(token)
        (self.home / ".ray/auth_token").chmod(0o600)
        (self.home / "ray_bootstrap_config.yaml").write_text("{}\n")
        (self.home / "hosts").write_text(f"127.0.0.1 localhost\n{self.address} {name}\n")
        spaces = ["unshare", "--net", "--uts", "--ipc", "--mount", "--pid", "--fork"]
        boot = (
            f"hostname {name}; mount -t proc proc /proc; mount -t tmpfs tmpfs /dev/shm; "
            f"mount --bind {self.home}/hosts /etc/hosts; mkdir -p /tmp/ray; "
            f"mount --bind {self.home}/tmp /tmp/ray; exec sleep infinity"
        )
        self.outer = subprocess.Popen([*spaces, "--kill-child", "sh", "-ec", boot])
        self.first = until(lambda: child_of(self.outer.pid), f"{name} starts")
        self.cable = f"to-{name}"
        shell(f"ip link add {self.cable} type veth peer name eth0 netns {self.first}")
        shell(f"ip link set {self.cable} master bridge up")
        until(lambda: Path(f"/proc/{self.first}/comm").read_text() == "sleep\n", f"{name} is up")
        for words in (f"addr add {self.address}/24 dev eth0", "link set eth0 up", "link set lo up"):
            self.run("ip", *words.split())

    def run(self, *words: str, **more: str) -> None:
        """Run it on this computer. Raises CalledProcessError."""
        given = os.environ | cluster.SILENT | cluster.HANGS_UP
        given |= {"HOME": str(self.home), "RAY_AUTH_MODE": "token"}
        into = ["nsenter", "--target", str(self.first), "--all", f"--wd={PROJECT}"]
        with (self.home / "log.txt").open("a") as log:
            subprocess.run([*into, *words], env=given | more, stdout=log, stderr=log, check=True)

    def ray(self, *words: str) -> None:
        small = ("--num-cpus=1", f"--object-store-memory={100 * 2**20}")
        self.run(*RAY, *small, *words)

    def pull_the_cable(self) -> None:
        shell(f"ip link set {self.cable} down")

    def switch_off(self) -> None:
        self.outer.kill()  # and all that runs on it, unasked
        self.outer.wait()


class Site:
    """The dashboard's computer, where the jobs are, and two others."""

    def __init__(self, work: Path):
        self.work, self.token, self.computers = work, secrets.token_hex(32), 1
        shell("hostname desk; ip link set lo up; ip link add bridge type bridge")
        shell(f"ip addr add {NETWORK}.1/24 dev bridge; ip link set bridge up")
        os.environ |= {"DISTILLERY_STORAGE": str(work / "storage"), "DISTILLERY_THREADS": "1"}
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token, **cluster.SILENT}
        os.environ |= settings_module.quiet_environment(settings_module.settings())
        (work / "storage/runs").mkdir(parents=True)
        self.parts = make_parts(work / "storage/runs", {"dist1": (48, 24)})

    def computer(self, name: str) -> Computer:
        self.computers += 1
        return Computer(name, self.computers, self.work, self.token)

    def head(self, name: str) -> Computer:
        made = self.computer(name)
        made.ray("--head", f"--port={PORT}", f"--ray-client-server-port={CLIENT}")
        self.use(f"ray://{made.address}:{CLIENT}")
        until(lambda: cluster.lacking(settings_module.settings().cluster) == "", f"{name} answers")
        return made

    def worker(self, name: str, head: Computer) -> Computer:
        made = self.computer(name)
        made.ray("--address", f"{head.address}:{PORT}")
        return made

    def use(self, address: str) -> None:
        os.environ["DISTILLERY_CLUSTER"] = address
        settings_module.settings.cache_clear()

    def begin(self, what: str) -> "Job":
        spec = Spec(parts_run=self.parts, **(SMALL | ROUNDS))
        found = settings_module.settings()
        run = jobs.submit(found, "inspect", specs.to_json(spec), queued=False)
        return Job(run.folder, jobs.start(found, run.folder), what)

    def resume(self, job: "Job") -> "Job":
        found = settings_module.settings()
        jobs.resume(found, runs.read(job.folder), queued=False)
        return Job(job.folder, jobs.start(found, job.folder), "resumed on the dashboard's computer")

    def show(self) -> None:
        self.use("")
        alone = self.begin("one process").completes()
        head = self.head("head")
        worker = self.worker("worker", head)
        job = self.begin("two computers, asked from a third").completes()
        job.agrees_with(alone)
        assert len({unit.node for unit in job.units()}) == 2, job.units()
        job = self.begin("the cable of one is pulled")
        job.is_in_the_middle()
        worker.pull_the_cable()
        job.completes().agrees_with(alone)
        again = [unit for unit in job.units() if unit.began > 1]
        assert len(again) <= 1, again  # one may have ended all the same: it reaches the storage
        worker.switch_off()
        worker = self.worker("second", head)
        job = self.begin("one is switched off")
        job.is_in_the_middle()
        worker.switch_off()
        job.completes().agrees_with(alone)
        assert [unit.began for unit in job.units() if unit.began > 1] == [2], job.units()
        self.worker("third", head)
        job = self.begin("the head is cut off and switched off")
        job.is_in_the_middle()
        head.pull_the_cable()
        head.switch_off()
        job.is_lost()
        done = [unit for unit in job.units() if unit.state == "done"]
        self.use("")
        job = self.resume(job).completes()
        job.agrees_with(alone)
        assert set(done) <= set(job.units()), (done, job.units())


class Job:
    """A model's job, whose test rounds are its units."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], what: str):
        self.folder, self.process, self.what = folder, process, what
        self.began = time.monotonic()

    def units(self) -> tuple[units.Unit, ...]:
        found = units.standing(self.folder)
        return found.units if found else ()

    def is_in_the_middle(self) -> None:
        """Each computer has done a unit and works on another one."""

        def midway() -> bool:
            now = {state: {u.node for u in self.units() if u.state == state} for state in STATES}
            return len(now["done"]) == 2 and now["done"] == now["running"]

        until(midway, "each computer is at work on its second unit")

    def completes(self) -> "Job":
        self.process.wait(PATIENCE)
        run = runs.read(self.folder)
        assert run.state is RunState.COMPLETED, (run.error, runs.log_tail(self.folder))
        where = [unit.node or "?" for unit in self.units()]
        spread = ", ".join(f"{where.count(node)} on {node}" for node in sorted(set(where)))
        again = sum(unit.began - 1 for unit in self.units())
        told(self.began, f"{self.what}: {spread}; begun again: {again}")
        return self

    def is_lost(self) -> None:
        """It ends by itself, with the cause, and can be resumed."""
        began = time.monotonic()
        self.process.wait(PATIENCE)
        run = runs.read(self.folder)
        assert run.resumable and run.cause is Cause.SHORTAGE, (run.state, run.error)
        told(began, f"{self.what}, the job ends: {run.error}")

    def agrees_with(self, other: "Job") -> None:
        """To the last bit. Raises AssertionError."""
        mine, theirs = (facts.read(folder, "scores") for folder in (self.folder, other.folder))
        pd.testing.assert_frame_equal(mine, theirs, check_exact=True)


def told(began: float, what: str) -> None:
    print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)


def child_of(pid: int) -> int:
    """The first process in the namespaces that this one made; 0 where there is none yet."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(found[0]) if found else 0


def until(true: Callable[[], object], what: str) -> Any:
    """Waits until it is, and gives it. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.2)
    return found


def shell(words: str) -> None:
    subprocess.run(["sh", "-ec", words], check=True)


if __name__ == "__main__":
    sys.exit(main())
