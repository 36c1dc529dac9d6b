"""Units on a real Ray cluster of two worker processes: the same scores, and what dies costs its
own unit alone."""

import atexit
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import psutil
import pytest

from backend import settings as settings_module
from backend.core import cluster, facts, jobs, runs, units
from backend.images import imageset
from backend.records import Cause, RunState, Shortage
from backend.teachers.generate import job as generate
from tests import tiny_photographs
from tests.unit.detection.test_study import SMALL, run_study
from tests.unit.inspection.test_model import inspect, make_parts

pytestmark = pytest.mark.skipif(
    find_spec("ray") is None, reason="Ray is not installed: units on a cluster are not tested"
)
TOKEN = secrets.token_hex(32)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(log: Path) -> Iterator[tuple[int, psutil.Process]]:
    """A cluster of two cores that wants a token: its port and its process."""
    port, client = free_port(), free_port()
    folder = Path("/tmp") / f"ray-{os.getpid()}-{port}"  # sockets want a short path
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
    command += [f"--port={port}", f"--ray-client-server-port={client}", "--num-cpus=2"]
    command += ["--node-ip-address=127.0.0.1", "--include-dashboard=false"]
    command += [f"--temp-dir={folder}", f"--object-store-memory={100 * 2**20}"]
    with log.open("w") as output, cluster.asking_no_cloud(log.parent):
        environment = os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
        environment |= cluster.SILENT | cluster.HANGS_UP | {cluster.LOOPBACK: "0"}
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield port, psutil.Process(process.pid)
    finally:
        cluster.close()
        tell(psutil.Process(process.pid), signal.SIGKILL)
        process.wait()
        subprocess.run(["rm", "-rf", str(folder)], check=False)


def tell(head: psutil.Process, number: signal.Signals) -> None:
    """Send a signal to all processes of a head at once."""
    for one in [head, *head.children(recursive=True)]:
        with suppress(psutil.Error):
            one.send_signal(number)


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    with started(tmp_path_factory.mktemp("head") / "log.txt") as (port, _):
        yield f"127.0.0.1:{port}"


@pytest.fixture
def use(monkeypatch, until):
    """This process and its children use the cluster at an address, once it is up."""

    def used(address: str) -> str:
        monkeypatch.setenv("RAY_AUTH_MODE", "token")
        monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
        monkeypatch.setenv(cluster.LOOPBACK, "0")
        monkeypatch.setenv("DISTILLERY_CLUSTER", address)
        settings_module.settings.cache_clear()
        until(lambda: cluster.lacking(address) == "")
        return address

    return used


@pytest.fixture
def on_cluster(head, use):
    return use(head)


@pytest.fixture
def gate(tmp_path) -> Path:
    made = tmp_path / "gate"
    made.mkdir()
    return made


def begin(storage, gate: Path, count: int = 4):
    """A job of units, each of which waits at the gate: its folder and process."""
    run = jobs.submit(storage, "probe", {"units": count, "gate": str(gate)}, queued=False)
    return run.folder, jobs.start(storage, run.folder)


def begun(gate: Path, number: int) -> list[int]:
    """Pids of the processes that began a unit."""
    file = gate / f"begun-{number}"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def go(gate: Path, *numbers: int) -> None:
    for number in numbers:
        (gate / f"go-{number}").touch()


def at_work(gate: Path, *numbers: int) -> bool:
    return all(begun(gate, number) for number in numbers)


def done(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "checkpoint" / "probe").glob("unit-*.txt")}


def test_folds_give_the_same_scores_to_the_last_bit(on_cluster, tmp_path, monkeypatch):
    parts_run = make_parts(tmp_path, {"dist1": (24, 12)})
    there = inspect(tmp_path, parts_run)[1]
    assert units.standing(there).engine == f"Ray, {on_cluster}"
    assert [unit.state for unit in units.standing(there).units] == ["done"] * 3
    monkeypatch.setenv("DISTILLERY_CLUSTER", "")
    settings_module.settings.cache_clear()
    here = inspect(tmp_path, parts_run)[1]
    pd.testing.assert_frame_equal(
        facts.read(there, "scores"), facts.read(here, "scores"), check_exact=True
    )


def test_trainings_of_a_study_give_the_same_figures_to_the_last_bit(
    on_cluster, tmp_path, monkeypatch
):
    from backend.core import specs
    from backend.detection.study.spec import Spec

    real, intact = tiny_photographs.make(tmp_path / "photographs")
    given = {"real_folder": str(real), "intact_folder": str(intact), **SMALL}
    spec = specs.from_json(Spec, given | {"arms": ("real", "real+intact")})

    def figures() -> pd.DataFrame:
        rows = facts.read(run_study(spec, tmp_path), "trials")
        return rows[rows["metric"] != "seconds"].reset_index(drop=True)

    there = figures()
    monkeypatch.setenv("DISTILLERY_CLUSTER", "")
    settings_module.settings.cache_clear()
    pd.testing.assert_frame_equal(there, figures(), check_exact=True)


def test_images_in_shards_are_those_of_one_process(on_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(imageset, "SHARD", 2)
    spec = generate.Spec(count=5, size=128, seed=3)

    def made() -> dict[str, bytes]:
        folder = runs.create(tmp_path, "generate", {}).folder
        generate.run(spec, folder, lambda *_, **__: None)
        files = [path for path in sorted(folder.rglob("*")) if path.suffix in (".png", ".parquet")]
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}

    there = made()
    monkeypatch.setenv("DISTILLERY_CLUSTER", "")
    settings_module.settings.cache_clear()
    assert there == made()
    assert len([name for name in there if "/images/" in name]) == 5


def test_a_worker_that_is_killed_costs_its_unit_alone(on_cluster, probe, storage, gate, until):
    folder, process = begin(storage, gate)
    until(lambda: at_work(gate, 0, 1))
    os.kill(begun(gate, 0)[0], signal.SIGKILL)
    go(gate, 0, 1, 2, 3)
    process.wait(300)
    run = runs.read(folder)
    assert run.state is RunState.COMPLETED, runs.log_tail(folder)
    assert run.result["score"] == 0 + 1 + 4 + 9
    assert [len(begun(gate, k)) for k in range(4)] == [2, 1, 1, 1]
    now = units.standing(folder)
    assert (now.lost, now.repeated) == (1, 1)
    assert [node.cores for node in now.nodes] == [2]


def test_a_job_that_is_killed_goes_on_behind_what_was_done(on_cluster, probe, storage, gate, until):
    folder, process = begin(storage, gate)
    go(gate, 0, 1)
    until(lambda: done(folder) == {"unit-0", "unit-1"} and at_work(gate, 2, 3))
    process.kill()
    process.wait()
    run = runs.read(folder)
    assert run.state is RunState.INTERRUPTED
    workers = [*begun(gate, 2), *begun(gate, 3)]
    until(lambda: not any(psutil.pid_exists(pid) for pid in workers))
    go(gate, 2, 3)
    jobs.resume(storage, run, queued=False)
    jobs.start(storage, folder).wait(300)
    run = runs.read(folder)
    assert run.state is RunState.COMPLETED, runs.log_tail(folder)
    assert run.result["score"] == 14
    assert [len(begun(gate, k)) for k in range(4)] == [1, 1, 2, 2]


def test_a_cancel_reaches_units(on_cluster, probe, storage, gate, until):
    folder, process = begin(storage, gate)
    until(lambda: at_work(gate, 0, 1))
    told = until(lambda: "2 at work" in runs.last_event(folder).get("message", ""))
    assert told
    jobs.request_cancel(folder)
    process.wait(300)
    assert runs.read(folder).state is RunState.CANCELED
    go(gate, 0, 1, 2, 3)
    assert done(folder) == set() and not at_work(gate, 2)


def test_the_head_that_is_killed_stops_the_job_which_goes_on_elsewhere(
    probe, storage, gate, until, monkeypatch
):
    """The cluster that a job starts for itself: its processes are the job's children."""
    monkeypatch.setenv("DISTILLERY_CLUSTER", "local:2")
    folder, process = begin(storage, gate)
    go(gate, 0)
    until(lambda: done(folder) == {"unit-0"} and at_work(gate, 1, 2))
    family = psutil.Process(process.pid).children(recursive=True)
    for one in family:
        if one.name() in ("gcs_server", "raylet"):
            one.kill()
    process.wait(300)
    run = runs.read(folder)
    assert run.resumable, run.state
    until(lambda: not any(one.is_running() for one in family))
    monkeypatch.delenv("DISTILLERY_CLUSTER")
    go(gate, 1, 2, 3)
    jobs.resume(storage, run, queued=False)
    jobs.start(storage, folder).wait(300)
    assert runs.read(folder).result["score"] == 14, runs.log_tail(folder)
    assert len(begun(gate, 0)) == 1


def test_a_head_that_is_lost_interrupts_the_job_which_goes_on_elsewhere(
    use, probe, storage, gate, until, tmp_path, monkeypatch
):
    """A stopped head answers no more than one whose cable was pulled."""
    with started(tmp_path / "head.txt") as (port, head):
        address = use(f"127.0.0.1:{port}")
        folder, process = begin(storage, gate)
        go(gate, 0)
        until(lambda: done(folder) == {"unit-0"} and at_work(gate, 1, 2))
        tell(head, signal.SIGSTOP)
        process.wait(300)
        run = runs.read(folder)
        assert run.resumable and run.cause is Cause.SHORTAGE, (run.state, run.error)
        assert f"The head of the cluster {address}" in run.error
    monkeypatch.delenv("DISTILLERY_CLUSTER")
    go(gate, 1, 2, 3)
    jobs.resume(storage, run, queued=False)
    jobs.start(storage, folder).wait(300)
    assert runs.read(folder).result["score"] == 14, runs.log_tail(folder)
    assert len(begun(gate, 0)) == 1


def test_a_computer_with_other_libraries_is_refused(on_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(units, "LIBRARIES", ("a library that only this computer has",))
    parts_run = make_parts(tmp_path, {"dist1": (24, 12)})
    with pytest.raises(Shortage, match="differs in a library"):
        inspect(tmp_path, parts_run)


def test_more_than_any_computer_has_is_refused_at_once(on_cluster, tmp_path):
    folder = runs.create(tmp_path, "generate", {}).folder
    needs = units.Needs(memory=2**50)
    with pytest.raises(Shortage, match="No computer of the cluster has 1 cores"):
        cluster.make_all(
            print, 0, {folder / "x.txt": 0}, folder, lambda *_: None, noun="unit", needs=needs
        )


@contextmanager
def who_answers_anybody() -> Iterator[int]:
    """A server that is no cluster: its port."""
    import grpc

    class Anybody(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"")

    server = grpc.server(futures.ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((Anybody(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(0)


def test_a_cluster_that_answers_without_a_token_is_refused(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    with who_answers_anybody() as port:
        for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
            assert "lets anybody in" in cluster.lacking(address)
    assert "does not answer" in cluster.lacking(f"127.0.0.1:{port}")


def test_a_call_may_last_as_long_as_the_head_answers(monkeypatch):
    import ray

    monkeypatch.setattr(cluster, "SILENT_SECONDS", 0)
    monkeypatch.setattr(cluster, "PING_SECONDS", 0.01)
    never, asked = threading.Event(), threading.Event()
    with who_answers_anybody() as port:
        monkeypatch.setenv("DISTILLERY_CLUSTER", f"127.0.0.1:{port}")
        settings_module.settings.cache_clear()
        there = cluster._is_there
        monkeypatch.setattr(cluster, "_is_there", lambda ray: there(ray) and not asked.set())
        assert cluster._asked(ray, asked.wait)
    with pytest.raises(Shortage, match="said nothing for 0 s: it is switched off, or cut off"):
        cluster._asked(ray, never.wait)
    atexit.unregister(os._exit)  # with which such a job ends
    never.set()
