"""Fan-out of a job over many processes: the one seam, with two engines.

Here: in turn, or side by side through joblib. On a Ray cluster (DISTILLERY_CLUSTER): a task a unit,
which Ray begins again where a process or computer dies. What a unit leaves is a file (core/units),
so both engines make only what is missing, and the same bits: a unit computes on its own cores,
with its own seed, from the same inputs.

Whoever reaches a Ray cluster without a token runs any code on it: such a cluster is refused.
"""

import atexit
import contextlib
import logging
import os
import secrets
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import psutil

from backend.core import units
from backend.core.units import Board, Needs, Node, Tick, Work
from backend.numeric.hardware import duration
from backend.records import Cancelled, Shortage
from backend.settings import PROJECT, Settings, quiet_environment, settings

RAY = "ray==2.60.0 msgpack==1.2.4 grpcio==1.85.3"
RETRIES = 2  # times that a unit is begun again after its process or computer died
POLL_SECONDS = 0.5
SILENT = {  # Ray says to its makers even that it shall say nothing, so to nobody
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9",
}
HEAD_SECONDS = "10"  # a head on this computer that is silent for so long has died
SILENT_SECONDS = 40.0  # a head silent for so long is given up; Ray, on a node, kills the job at 60
PING_SECONDS = 5.0
HANGS_UP = {  # ms: else Ray waits minutes for a computer whose cable was pulled
    "RAY_grpc_client_keepalive_time_ms": "10000",
    "RAY_grpc_client_keepalive_timeout_ms": "10000",
    "RAY_grpc_keepalive_time_ms": "5000",
}
LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # 0: on 127.0.0.1 alone, on Linux too
FOLDER = "distillery-ray"
STORE_BYTES = 512 * 2**20  # of shared inputs, where this program starts the cluster
Item = TypeVar("Item")
Found = TypeVar("Found")


def make_all(
    work: Work,
    shared: Any,
    items: Mapping[Path, Item],
    out_dir: Path,
    progress: Tick,
    *,
    noun: str,
    jobs: int = 1,
    needs: Needs | None = None,
) -> None:
    """Make every file of `items` that is not there yet: a call of `work` each.

    work: a module's function; on a cluster it is called in other processes. noun: what a unit is
    called. jobs: units at the same time on this computer. progress: of the units alone, 0 to 1.
    Raises Shortage where the cluster cannot be had or a unit was lost again and again.
    """
    waiting = {file: item for file, item in items.items() if not file.exists()}
    if not waiting:
        return
    needs = needs or Needs()
    engine = _engine(settings(), jobs, len(waiting))
    board = Board(out_dir, engine.words, needs)
    board.expect(file.stem for file in items)
    board.done(*(file.stem for file in items if file not in waiting))
    report = _Report(progress, noun, len(items), len(items) - len(waiting))
    for file in engine.made(work, shared, waiting, needs, board, report):
        board.done(file.stem)
        report.one_more()


class _Report:
    """How far all units are, in words, with the time that is left."""

    def __init__(self, progress: Tick, noun: str, count: int, done: int):
        self.progress, self.noun, self.count, self.done = progress, noun, count, done
        self.began, self.first = time.monotonic(), done

    def one_more(self) -> None:
        self.done += 1
        self(0.0, f"{self.noun} {self.done} of {self.count} done{self._left()}")

    def __call__(self, more: float, message: str) -> None:
        """more: units in work, each as the fraction done of it."""
        self.progress(min(1.0, (self.done + more) / self.count), message)

    def beside(self, running: list[units.Unit]) -> None:
        """Of units that are worked on elsewhere."""
        words = f"{self.noun} {self.done} of {self.count} done, {len(running)} at work"
        self(sum(unit.fraction for unit in running), words + self._left())

    def _left(self) -> str:
        made = self.done - self.first
        if not made or self.done == self.count:
            return ""
        each = (time.monotonic() - self.began) / made
        return f", about {duration(each * (self.count - self.done))} left"


class _InTurn:
    """One after the other in this process, with all its threads."""

    words = "this computer, one at a time"

    def made(
        self,
        work: Work,
        shared: Any,
        waiting: Mapping[Path, Any],
        needs: Needs,
        board: Board,
        report: _Report,
    ) -> Iterator[Path]:
        for file, item in waiting.items():
            if not units.work_on(work, shared, item, file, board.out_dir, tick=report):
                raise Cancelled
            yield file


class _Beside:
    """Side by side in processes of joblib, each on its cores."""

    def __init__(self, jobs: int):
        self.jobs = jobs
        self.words = f"this computer, {jobs} at a time"

    def made(
        self,
        work: Work,
        shared: Any,
        waiting: Mapping[Path, Any],
        needs: Needs,
        board: Board,
        report: _Report,
    ) -> Iterator[Path]:
        from joblib import Parallel, delayed, parallel_config

        calls = (
            delayed(_one)(work, shared, item, file, board.out_dir) for file, item in waiting.items()
        )
        with parallel_config("loky", inner_max_num_threads=needs.cores):
            for file in Parallel(n_jobs=self.jobs, return_as="generator_unordered")(calls):
                if file is None:
                    raise Cancelled
                yield file


def _one(
    work: Work, shared: Any, item: Any, file: Path, out_dir: Path, node: str = ""
) -> Path | None:
    """A unit in another process; None where it was canceled."""
    return file if units.work_on(work, shared, item, file, out_dir, node=node) else None


class _OnRay:
    """Tasks of a Ray cluster."""

    def __init__(self, address: str):
        self.words = f"Ray, {address}"

    def made(
        self,
        work: Work,
        shared: Any,
        waiting: Mapping[Path, Any],
        needs: Needs,
        board: Board,
        report: _Report,
    ) -> Iterator[Path]:
        ray = _connected(settings().cluster)
        nodes = _asked(ray, _nodes, ray)
        board.see(nodes)
        gpus = float(needs.gpu and any(node.gpus for node in nodes))
        _refuse_too_much(needs, gpus, nodes)
        if not settings().cluster.startswith("local:"):
            _asked(ray, _refuse_others, ray, board.out_dir)
        task = ray.remote(
            num_cpus=needs.cores,
            num_gpus=gpus,
            memory=needs.memory or None,
            max_retries=RETRIES,
            runtime_env={"env_vars": _variables(needs.cores)},
        )(_on_node)

        def handed_out() -> dict[Any, Path]:
            given = ray.put(shared)
            return {
                task.options(name=file.stem).remote(work, given, item, file, board.out_dir): file
                for file, item in waiting.items()
            }

        left = _asked(ray, handed_out)
        try:
            while left:
                yield from _ended(ray, left)
                _look(ray, board, report)
        finally:
            if left and _ray:
                with contextlib.suppress(Exception):  # the cluster may be gone
                    _asked(ray, _cancel, ray, list(left))


def _cancel(ray: Any, waits: list[Any]) -> None:
    for one in waits:
        ray.cancel(one, force=True)


def _asked(ray: Any, call: Callable[..., Found], *words: Any, **more: Any) -> Found:
    """What a call of Ray gives, however long that takes while the head answers.

    Ray itself waits ten minutes and more for a head that is silent. Raises Shortage where it
    hung up or says nothing for SILENT_SECONDS; the cluster is left then.
    """
    answer: Future[Found] = Future()

    def asks() -> None:
        try:
            answer.set_result(call(*words, **more))
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=asks, daemon=True).start()
    heard = time.monotonic()
    while not wait([answer], PING_SECONDS).done:
        if _is_there(ray):
            heard = time.monotonic()
        elif time.monotonic() - heard >= SILENT_SECONDS:
            raise _lost(f"said nothing for {SILENT_SECONDS:.0f} s")
    try:
        return answer.result()
    except ConnectionError as error:
        if isinstance(error, ray.exceptions.RayError):  # a unit's own
            raise
        raise _lost("hung up") from error


def _is_there(ray: Any) -> bool:
    address = settings().cluster
    if address.startswith("local:"):
        address = ray.get_runtime_context().gcs_address
    return "does not answer" not in _answers_anybody(address)


def _lost(what: str) -> Shortage:
    """Nothing is asked of this cluster any more, not even to take leave: Ray's own would wait."""
    _ray.clear()
    atexit.register(os._exit, 1)  # before Ray's, as the last comes first
    return Shortage(
        f"The head of the cluster {settings().cluster} {what}: it is switched off, or cut off. "
        "Start it again, or take DISTILLERY_CLUSTER away; then resume the run: what was done is "
        "kept."
    )


def _variables(threads: int) -> dict[str, str]:
    """The environment of a worker, wherever it is."""
    found = replace(settings(), threads=threads)
    paths = (str(PROJECT), os.environ.get("PYTHONPATH", ""))
    return quiet_environment(found) | {
        "DISTILLERY_STORAGE": str(found.storage),
        "DISTILLERY_THREADS": str(threads),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def _on_node(work: Work, shared: Any, item: Any, file: Path, out_dir: Path) -> Path | None:
    """A unit on a node of the cluster."""
    import ray

    return _one(work, shared, item, file, out_dir, ray.util.get_node_ip_address())


def _ended(ray: Any, left: dict[Any, Path]) -> Iterator[Path]:
    """The files of the units that ended since; they are taken out of `left`."""
    ready, _ = _asked(ray, ray.wait, list(left), num_returns=len(left), timeout=POLL_SECONDS)
    for one in ready:
        file = left.pop(one)
        try:
            found = _asked(ray, ray.get, one)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except ray.exceptions.RayError as error:
            first = str(error).splitlines()[0].rstrip(".")
            raise Shortage(
                f"The cluster lost '{file.stem}' {RETRIES + 1} times ({first}). Look at the memory "
                "of its computers, then resume the run: what was done is kept."
            ) from error
        if found is None:
            raise Cancelled
        yield file


def _look(ray: Any, board: Board, report: _Report) -> None:
    """Note how nodes and units stand; raises Cancelled where that was asked for."""
    board.see(_asked(ray, _nodes, ray))
    now = units.standing(board.out_dir)
    report.beside(now.of("running") if now else [])


def _nodes(ray: Any) -> list[Node]:
    found = []
    for node in ray.nodes():
        has = node["Resources"] if node["Alive"] else {}
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        cores, gpus, memory = (has.get(key, 0.0) for key in ("CPU", "GPU", "memory"))
        found.append(Node(name, cores, gpus, memory, node["Alive"]))
    return sorted(found, key=lambda node: node.name)


def _refuse_too_much(needs: Needs, gpus: float, nodes: list[Node]) -> None:
    """Raises Shortage where no node has what one unit takes: it would wait for ever."""
    if any(
        node.cores >= needs.cores and node.gpus >= gpus and node.memory >= needs.memory
        for node in nodes
    ):
        return
    raise Shortage(
        f"No computer of the cluster has {needs.cores} cores and {needs.memory / 2**30:.1f} GB of "
        "memory for one unit of this job. Add one, or take DISTILLERY_CLUSTER away; then resume."
    )


def _refuse_others(ray: Any, out_dir: Path) -> None:
    """Raises Shortage where a node has another version of what computes, or does not see the run's
    folder."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

    environment = {"env_vars": _variables(1)}
    task = ray.remote(num_cpus=0, max_retries=RETRIES, runtime_env=environment)(units.equipment)
    alive = [node for node in ray.nodes() if node["Alive"]]
    asked = {
        node["NodeManagerAddress"]: task.options(
            scheduling_strategy=On(node["NodeID"], soft=False)
        ).remote(out_dir)
        for node in alive
    }
    own = units.equipment(out_dir)
    for name, answer in asked.items():
        try:
            found = ray.get(answer)
        except ray.exceptions.RayError as error:
            words = str(error).strip().splitlines()[-1]
            raise Shortage(
                f"{name} of the cluster cannot run this program: {words} Install the same version "
                f"there, below {PROJECT}; then resume."
            ) from error
        for what, value in own.items():
            if found.get(what) != value:
                raise Shortage(
                    f"{name} of the cluster differs in {what}: {found.get(what)} there, {value} "
                    "here. Results would differ too. Put that right, then resume."
                )


def _engine(found: Settings, jobs: int, count: int) -> "_InTurn | _Beside | _OnRay":
    if found.cluster:
        return _OnRay(found.cluster)
    return _Beside(jobs) if jobs > 1 and count > 1 else _InTurn()


# Connecting, and what is refused.

_ray: dict[str, Any] = {}  # address → the module, connected


def _connected(address: str) -> Any:
    """Ray, connected to the cluster; the same one until `close`. Raises Shortage."""
    if address not in _ray:
        close()
        problem = lacking(address)
        if problem:
            raise Shortage(f"{problem} Then resume the run.")
        _ray[address] = _connect(address)
        atexit.register(close)
    return _ray[address]


def _connect(address: str) -> Any:
    os.environ.update(RAY_AUTH_MODE="token", **SILENT)
    for name, value in HANGS_UP.items():
        os.environ.setdefault(name, value)
    local = address.startswith("local:")
    if local:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        os.environ[LOOPBACK] = "0"
        os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", HEAD_SECONDS)
    import ray

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    where: dict[str, Any] = {"address": address}
    if local:
        where = {
            "address": "local",
            "num_cpus": int(address.partition(":")[2]),
            "object_store_memory": STORE_BYTES,
            "include_dashboard": False,
            "_temp_dir": _folder_of_sockets(),
        }
    home = asking_no_cloud(Path(where["_temp_dir"])) if local else contextlib.nullcontext()
    try:
        with home:
            ray.init(**where, logging_level=logging.ERROR, log_to_driver=False)
    except (ConnectionError, RuntimeError, OSError, ray.exceptions.RayError) as error:
        first = (str(error).strip().splitlines() or ["no answer"])[0].rstrip(".")
        raise Shortage(
            f"Cannot reach the cluster {address}: {first}. Start it, then resume."
        ) from (error)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return ray


@contextlib.contextmanager
def asking_no_cloud(folder: Path) -> Iterator[None]:
    """A head that starts meanwhile does not ask the addresses at which a cloud says what it is: it
    does so where its home holds no file of that name."""
    (folder / "ray_bootstrap_config.yaml").write_text("{}\n", encoding="utf-8")
    before = os.environ.get("HOME")
    os.environ["HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = before


def _folder_of_sockets() -> str:
    """For a cluster of this process: a short path, as sockets want one. Gone at the end, or once
    another process does the same."""
    for left in Path(tempfile.gettempdir()).glob(f"{FOLDER}-*-*"):
        process = left.name.split("-")[2]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=f"{FOLDER}-{os.getpid()}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def close() -> None:
    """Leave the cluster; one that this process started ends."""
    while _ray:
        _, ray = _ray.popitem()
        ray.shutdown()


def lacking(address: str) -> str:
    """What stands in the way of using a cluster, with the cure; "" for nothing.

    Asks the cluster itself, without a token, whether it answers anybody.
    """
    if find_spec("ray") is None:
        return f"Ray is not installed. Run `.venv/bin/pip install --no-deps {RAY}`."
    if address.startswith("local:"):
        return ""
    if not _token():
        return (
            "No token for the cluster: set RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH to the file that "
            "holds it, as on the cluster's computers."
        )
    return _answers_anybody(address)


def _token() -> bool:
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    file = Path(named) if named else Path.home() / ".ray" / "auth_token"
    return bool(os.environ.get("RAY_AUTH_TOKEN")) or file.is_file()


def _answers_anybody(address: str) -> str:
    """A call as somebody without a token: "" where it is refused for that."""
    import grpc

    host = address.removeprefix("ray://")
    call = (
        "/ray.rpc.RayletDriver/ClusterInfo"
        if address != host
        else "/ray.rpc.NodeInfoGcsService/GetAllNodeInfo"
    )
    with grpc.insecure_channel(host) as channel:
        try:
            channel.unary_unary(call)(b"", timeout=5, metadata=())
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                return ""
            if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                return f"The cluster {address} does not answer. Start it, or correct the address."
    return (
        f"The cluster {address} lets anybody in who reaches it, and they could run any code. Start "
        "it with RAY_AUTH_MODE=token on every computer (docs/cluster.md)."
    )
