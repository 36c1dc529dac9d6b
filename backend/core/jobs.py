"""Jobs: a child process for each run, a queue, cancel, resume, and re-adoption after a restart.

The run folders hold all state, so nothing is lost when this process dies: on the next start it
finds the children that still run, ingests what ended meanwhile and goes on with the queue.
"""

import bisect
import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from backend.core import audit, lineage, projects, registry, runs, specs
from backend.core.endings import cause_of
from backend.core.runs import Run
from backend.core.store import TAKEN_IN, Ended, Store, has_result, signature
from backend.records import RunState, Shortage, UserError
from backend.settings import PROJECT, Settings, quiet_environment

MIN_FREE_BYTES = 500 * 2**20
GRACE_SECONDS = 8.0
KILL_SECONDS = 12.0
FEED_SECONDS = 5.0  # between two looks at what lines wrote
LOOKS = 200  # ended runs that a round looks at again
AT_ONCE = 0.05  # s to the next round where there are more
SETTLED = 2.0  # s after a change from which a folder's time tells of another one
_ENDS = {
    RunState.FAILED: "failed",
    RunState.CANCELED: "was canceled",
    RunState.INTERRUPTED: "was interrupted",
}
NOT_STARTED = "Not started."  # how the error of a run begins whose input was canceled

log = logging.getLogger(__name__)


class _Canceled(Shortage):
    """An input was canceled, and with it all that waits for it."""


def submit(
    settings: Settings,
    kind: str,
    values: Mapping[str, Any],
    *,
    name: str = "",
    parent: str = "",
    queued: bool = True,
    project: str | None = None,
) -> Run:
    """Check a spec and make its run folder. Raises UserError before any work starts.

    project: its id; None: that of the runs it is made from.
    """
    checked = check(settings, kind, values)
    place = _project_for(settings, checked, project)
    registry.get(kind).check_name(name.strip())
    if registry.is_service(kind):
        _refuse_line_elsewhere(settings, name.strip(), place)
    if not queued:
        _refuse_unfinished(settings, checked)
    check_disk(settings.storage)
    spec = specs.to_json(checked)
    _refuse_duplicate(settings, kind, spec, place)
    words = name.encode("utf-8", "replace").decode().strip()
    return runs.create(
        settings.runs, kind, spec, name=words, parent=parent, queued=queued, project=place
    )


def _project_for(settings: Settings, spec: Any, wanted: str | None) -> str:
    """The id of the project that a run belongs to. Raises UserError where nothing new is made in
    it, and where what the run is made from belongs to another."""
    return place_of(settings, (i for _, i in lineage.links(type(spec), vars(spec))), wanted)


def place_of(settings: Settings, named: Iterable[str], wanted: str | None) -> str:
    """The id of the project of a run that is made from those named, see `_project_for`."""
    owners = {run_id: runs.project_of(settings.runs / run_id) for run_id in named}
    place = next(iter(owners.values()), projects.DEFAULT) if wanted is None else wanted
    projects.check_open(settings.storage, place)
    for run_id, owner in owners.items():
        if owner != place:
            here, there = (projects.find(settings.storage, i).name for i in (place, owner))
            raise UserError(
                f"{run_id} belongs to the project '{there}', and this one is asked for in "
                f"'{here}'. Choose another, or move that run first."
            )
    return place


def _refuse_line_elsewhere(settings: Settings, name: str, place: str) -> None:
    """Raises UserError where a line of this name belongs to another project: it would go on in
    that one's files."""
    if projects.lines(settings.runs).get(name, place) != place:
        raise UserError(
            f"Name: another project has a line '{name}'. Choose another name for this one."
        )


def move(settings: Settings, run_ids: Sequence[str], project: str) -> list[Run]:
    """Let ended runs belong to another project; those that did not before.

    Raises UserError, before any is moved, where one has not ended, where what is under way needs
    it, and where it is in force or behind what is: which limits and which package hold would change
    with it.
    """
    projects.check_open(settings.storage, project)
    asked = [runs.read(runs.named(settings.runs, run_id)) for run_id in run_ids]
    moving = [run for run in asked if run.project != project]
    under_way = active(runs.folders(settings.runs))
    for run in moving:
        if not run.state.ended:
            raise UserError(f"{run.id} is {run.state}. Wait until it has ended, or cancel it.")
        refuse_in_use(settings.storage, run.id, under_way)
    for run in moving:
        runs.move(run.folder, project)
    return moving


def place(path: str) -> Path:
    """Where a path in a setting really leads. Raises UserError where it is none."""
    try:
        return Path(path).expanduser().resolve()
    except (RuntimeError, OSError, ValueError) as error:
        raise UserError(f"'{path}' is no path on this computer. Correct it.") from error


def is_place(text: str) -> bool:
    """Whether a text that may be a name leads out of where names are looked for, or to a file."""
    path = Path(text)
    return text[:1] in "/~." or ".." in path.parts or place(text).exists()


def check(settings: Settings, kind: str, values: Mapping[str, Any]) -> Any:
    """The spec of these values. Raises UserError where a value or an input does not fit."""
    spec = specs.from_json(registry.get(kind).spec_type, values)
    known = {p.name: p for p in specs.params(type(spec))}
    for name, run_id in lineage.links(type(spec), vars(spec)):
        _check_run_input(settings, known[name], run_id)
    for p in known.values():
        value = getattr(spec, p.name)
        for item in value if p.many else (value,):
            if p.path and item and not _is_there(Path(item).expanduser(), p):
                raise UserError(
                    f"{p.label}: there is no {p.path} '{item}' on this computer. Correct the path."
                )
    if not _under_way(settings, spec):
        registry.get(kind).check_inputs(spec, settings.runs)
    return spec


def _under_way(settings: Settings, spec: Any) -> list[str]:
    """The inputs that are not completed yet."""
    links = lineage.links(type(spec), vars(spec))
    states = {run_id: runs.read(settings.runs / run_id).state for _, run_id in links}
    return [run_id for run_id, state in states.items() if state is not RunState.COMPLETED]


def _is_there(path: Path, p: specs.Param) -> bool:
    try:
        packed = path.suffix.lower() in p.upload and path.is_file()
        return packed or (path.is_dir() if p.path == "folder" else path.is_file())
    except OSError:
        return False


def _check_run_input(settings: Settings, p: specs.Param, run_id: str) -> None:
    folder = settings.runs / run_id
    if not runs.RUN_ID.fullmatch(run_id) or not folder.is_dir():
        raise UserError(
            f"{p.label}: there is no run '{run_id}'. Choose one from the list "
            "('python -m backend runs' prints it)."
        )
    source = runs.read(folder)
    if source.kind not in p.runs:
        raise UserError(
            f"{p.label}: run '{run_id}' is of kind '{source.kind}', not {specs.run_words(p)}. "
            "Choose another."
        )
    if source.state.ended and source.state is not RunState.COMPLETED:
        raise UserError(f"{p.label}: run '{run_id}' is {source.state}. Choose a completed one.")
    runs.refuse_archived(folder)


def _refuse_unfinished(settings: Settings, spec: Any) -> None:
    """Raises UserError where an input is under way: only the queue waits."""
    for run_id in _under_way(settings, spec):
        raise UserError(f"Its input {run_id} is not completed. Wait for that, or add --queue.")


def check_disk(folder: Path) -> None:
    """Raises UserError where less than 500 MB is free, or nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"Cannot write to {folder}: {error.strerror}. Set DISTILLERY_STORAGE to another folder."
        ) from error
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        raise UserError(
            f"Only {free / 2**20:.0f} MB are free in {folder}; a run needs at least 500 MB. "
            "Delete old runs or empty the trash."
        )


def check_idle(settings: Settings, project: str) -> None:
    """Raises UserError where something is under way in a project."""
    for run in active(runs.folders(settings.runs)):
        if run.project == project:
            raise UserError(f"{run.id} is {run.state} in it. Wait until it ended, or cancel it.")


def _refuse_duplicate(settings: Settings, kind: str, spec: Mapping[str, Any], project: str) -> None:
    for run in active(runs.folders(settings.runs)):
        if run.kind == kind and run.spec == spec and run.project == project:
            raise UserError(
                f"The same job is already {run.state} as {run.id}. Wait, or cancel that."
            )


def active(folders: Iterable[Path]) -> list[Run]:
    """Those runs that are pending or running, oldest first; damaged ones are passed over."""
    without_end = (folder for folder in folders if not runs.state_of(folder / "result.json"))
    found = [run for run in runs.readable(without_end) if not run.state.ended]
    return sorted(found, key=lambda run: (run.created, run.id))


def refuse_in_use(storage: Path, run_id: str, active: Iterable[Run]) -> None:
    """Raises UserError where a run's files are needed here: it is under way, behind one of those
    that are `active` or what these go by now, or behind what is in force."""
    for keeper in registry.keepers():
        keeper.refuse_deletion(storage, run_id)
    for run in active:
        if run.id == run_id:
            raise UserError(f"{run_id} is {run.state}. Cancel it first.")
        if lineage.is_behind(run_id, run):
            raise UserError(f"{run_id} is in use by {run.id}. Cancel that first.")
        if registry.is_service(run.kind) and run_id in registry.get(run.kind).goes_by(run):
            raise UserError(f"{run_id} is in use by the line {run.name}. Change that first.")


def waits_for(settings: Settings, run: Run) -> list[str]:
    """Inputs that are not ready yet. Raises UserError where one of them never will be by itself,
    or for a damaged spec.

    That is a Shortage where something can be done about it.
    """
    specs.from_json(registry.get(run.kind).spec_type, run.spec)
    waiting = []
    for run_id in lineage.parents(run):
        folder = settings.runs / run_id
        if not folder.is_dir():
            raise Shortage(f"Its input {run_id} was deleted. Restore that, then resume this run.")
        runs.refuse_archived(folder)
        source = runs.read(folder)
        if source.project != run.project:
            raise Shortage(
                f"Its input {run_id} belongs to another project by now. Move one of them, so that "
                "both are in the same, then resume this run."
            )
        if source.state is RunState.CANCELED:
            raise _Canceled(f"Its input {run_id} was canceled. Resume that, then this run.")
        if source.resumable:
            raise Shortage(f"Its input {run_id} {_ENDS[source.state]}. Resume that, then this run.")
        if source.state is RunState.FAILED:
            raise UserError(
                f"Its input {run_id} failed: {source.error} Start that again with other settings, "
                "then this run with the new one."
            )
        if source.state is not RunState.COMPLETED:
            waiting.append(run_id)
    return waiting


def resume(settings: Settings, run: Run, *, queued: bool) -> None:
    """Make an ended, incomplete run pending again; it goes on from its checkpoint.

    Raises UserError where it would only fail again, or its inputs are not there.
    """
    if not run.state.resumable:
        raise UserError(f"{run.id} is {run.state}; only a stopped run can be resumed.")
    if not run.resumable:
        raise UserError(
            f"{run.id} would fail again: {run.error} Change that, and start a new run instead."
        )
    waiting = waits_for(settings, run)
    if waiting and not queued:
        raise UserError(f"Its input {waiting[0]} is not ready. Wait for that, then resume.")
    check_disk(settings.storage)
    runs.reopen(run.folder, queued=queued)


def start(settings: Settings, folder: Path) -> subprocess.Popen[bytes]:
    """Start the run's own process, in its own process group, so that it outlives this one."""
    environment = os.environ | quiet_environment(settings)
    environment["DISTILLERY_STORAGE"] = str(settings.storage)
    with (folder / "log.txt").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "backend", "run", str(folder)],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        runs.claim(folder, process.pid)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def request_cancel(folder: Path) -> bool:
    """Ask a run to stop at its next step; a pending one ends at once. False where it ended already.

    The file comes first: a run that starts meanwhile finds it.
    """
    if runs.read(folder).state.ended:
        return False
    (folder / "cancel").touch()
    if runs.read(folder).state is RunState.PENDING:
        runs.finish(folder, RunState.CANCELED)
    return True


def enforce_cancel(folder: Path) -> None:
    """Where a run ignores its cancel: SIGTERM after 8 s, SIGKILL after 12 s."""
    try:
        waited = time.time() - (folder / "cancel").stat().st_mtime
        claim = runs.read_json(folder / "process.json")
    except (FileNotFoundError, UserError):
        return
    if waited > KILL_SECONDS:
        signal_group(claim, signal.SIGKILL)
        shutil.rmtree(folder / "facts", ignore_errors=True)
        runs.finish(folder, RunState.CANCELED)
    elif waited > GRACE_SECONDS:
        signal_group(claim, signal.SIGTERM)


def signal_group(claim: Mapping[str, Any], signum: int) -> None:
    """Signal a run's process and its children, where that process leads a group of its own.

    Any other process that a claim names is left alone: `start` gives every job its group, the
    group of process 1 would be every process of the machine, and our own is never a job's.
    """
    pid = claim["pid"]
    if pid > 1 and pid != os.getpgrp() and runs.is_alive(claim):
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(pid) == pid:
                os.killpg(pid, signum)


class Supervisor:
    """Keeps the queue moving and the store up to date, from one thread of the owner process."""

    def __init__(self, settings: Settings, store: Store, interval: float = 0.5):
        self.settings = settings
        self.store = store
        self.interval = interval
        self.problems: dict[str, str] = {}
        self._known = store.signatures()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._active: list[Run] = []
        self._names: list[str] = []
        self._listed = (-1, 0.0)  # the folder's time then, and when that was
        self._looked = ""  # the run up to which ended ones were looked at again in this turn
        self._waiting: set[str] = set()  # ended runs that are taken in by a later round
        self._next_feed = 0.0
        self._heard = self._audit_size()  # bytes of the audit log whose runs were looked at
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; running jobs go on and are adopted at the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                self.tick()
            except Exception:
                log.exception("supervisor")
            self._stop.wait(AT_ONCE if self._waiting else self.interval)

    def tick(self) -> None:
        """One round: take in what ended, press cancels, start what is due."""
        with self._lock:
            self._reap()
            self._take_in(*self._named())
            for run in self._active:
                enforce_cancel(run.folder)
            self._start_due()
            if time.monotonic() >= self._next_feed:
                self._next_feed = time.monotonic() + FEED_SECONDS
                self._feed()

    def active(self) -> list[Run]:
        """Pending and running runs, oldest first; another process's new one within a round."""
        with self._lock:
            return active(run.folder for run in self._active)

    def _feed(self) -> None:
        for feed in registry.feeds():
            try:
                self.store.feed(feed, self.settings.storage)
                self.problems.pop(feed.TABLE, None)
            except (UserError, OSError) as error:
                self.problems[feed.TABLE] = str(error)

    def _named(self) -> set[str]:
        """Runs that new lines of the audit log name: what a verb did to one that had ended."""
        if self._audit_size() < self._heard:  # another log was put in its place
            self._heard = 0
        new = self._audit_since(self._heard)
        self._heard += len(new)
        return set(runs.RUN_ID.findall(new.decode("utf-8", "replace")))

    def _audit_size(self) -> int:
        state = runs.state_of(self.settings.storage / audit.JOURNAL)
        return state[2] if state else 0

    def _audit_since(self, place: int) -> bytes:
        """What the audit log holds from that byte on."""
        with (
            contextlib.suppress(OSError),
            (self.settings.storage / audit.JOURNAL).open("rb") as log_file,
        ):
            log_file.seek(place)
            return log_file.read()
        return b""

    def _reap(self) -> None:
        for run_id, child in list(self._children.items()):
            if child.poll() is not None:
                del self._children[run_id]

    def take_in(self, run_id: str) -> None:
        """Let the store know a run as its folder is now."""
        with self._lock:
            folder = self.settings.runs / run_id
            mark = signature(folder)
            if self._known.get(run_id) != mark:
                self._active = [run for run in self._active if run.id != run_id]
                self._ingest(self._look_at(folder, mark))

    def _take_in(self, *changed: str) -> None:
        """Look at what is new, at what is under way, and in turn at what ended; at runs that
        changed before all others."""
        asked, fresh = set(changed), self._list_anew(asked=bool(changed))
        self._active = []
        ended: list[Ended] = []
        for name in dict.fromkeys((*changed, *self._due())):
            at_once = name in asked or name in self.problems  # those, tried anew, hold up nobody
            full = len(ended) >= TAKEN_IN and not at_once
            if full and name in self._waiting:
                continue
            folder = self.settings.runs / name
            mark = signature(folder)
            self._waiting.discard(name)
            if self._known.get(name) == mark or not folder.is_dir():
                continue
            if full and has_result(mark):
                self._waiting.add(name)
                continue
            ended += self._look_at(folder, mark)
        self._ingest(ended)
        self._active.sort(key=lambda run: (run.created, run.id))
        if fresh or self.problems:
            self._forget_gone()

    def _list_anew(self, *, asked: bool) -> bool:
        """List the folder of runs where it may have changed, and once a turn; was it listed?"""
        state = runs.state_of(self.settings.runs)
        time_then = state[0] if state else 0
        changed, at = self._listed
        settled = at - changed / 1e9 > SETTLED
        if time_then == changed and settled and self._looked and not asked:
            return False
        self._listed = (time_then, time.time())
        self._names = runs.names(self.settings.runs)
        return True

    def _due(self) -> list[str]:
        """Runs to look at now: all that are not known as ended, those that could not be taken in
        after the others, and some of those that are."""
        unknown = [name for name in self._names[::-1] if name not in self._known]
        unknown.sort(key=lambda name: name in self.problems)
        ended = [name for name in self._names if name in self._known]
        rest = ended[bisect.bisect_right(ended, self._looked) :]
        some = rest[:LOOKS]
        self._looked = some[-1] if len(rest) > LOOKS else ""
        return unknown + some

    def _forget_gone(self) -> None:
        names = set(self._names)
        self._waiting &= names
        for gone in set(self._known) - names:
            self.store.forget(gone)
            del self._known[gone]
        feeds = {feed.TABLE for feed in registry.feeds()}
        for gone in set(self.problems) - names - feeds:
            del self.problems[gone]

    def _look_at(self, folder: Path, mark: str) -> list[Ended]:
        """The run, where it ended and is to be taken in."""
        try:
            run = runs.read(folder)
            if run.state.ended and self._starts_again(run):
                runs.reopen(folder, queued=True)
            elif run.state.ended:
                return [(run, mark)]
            else:
                if self._known.pop(folder.name, None):
                    self.store.forget(folder.name)
                self._active.append(run)
            self.problems.pop(folder.name, None)
        except Exception as error:
            self._cannot_take_in(folder, error)
        return []

    def _ingest(self, ended: list[Ended]) -> None:
        failed = self.store.ingest_all(ended)
        for run, mark in ended:
            if run.id in failed:
                self._cannot_take_in(run.folder, failed[run.id])
            else:
                self._known[run.id] = mark
                self.problems.pop(run.id, None)

    def _cannot_take_in(self, folder: Path, error: Exception) -> None:
        if isinstance(error, UserError):
            self.problems[folder.name] = str(error)
            return
        if folder.name not in self.problems:
            log.error("run %s", folder.name, exc_info=error)
        self.problems[folder.name] = f"Cannot take in {folder}: {error}"

    def _starts_again(self, run: Run) -> bool:
        """Did a service that this queue had started die?"""
        died = run.state is RunState.INTERRUPTED and run.queued
        return died and registry.is_service(run.kind)

    def _start_due(self) -> None:
        if not self.settings.max_jobs:
            return
        jobs = [run for run in self._active if not registry.is_service(run.kind)]
        running = sum(run.state is RunState.RUNNING for run in jobs)
        for run in self._active:
            due = run.state is RunState.PENDING and run.queued and self._is_ready(run)
            if due and run not in jobs:
                self._start(run)
            elif due and running < self.settings.max_jobs:
                running += self._start(run)

    def _start(self, run: Run) -> bool:
        try:
            self._children[run.id] = start(self.settings, run.folder)
        except OSError as error:
            self.problems[run.id] = f"Cannot start {run.id}: {error.strerror}. It is tried again."
            return False
        return True

    def _is_ready(self, run: Run) -> bool:
        try:
            return not waits_for(self.settings, run)
        except _Canceled as error:
            runs.finish(run.folder, RunState.CANCELED, error=f"{NOT_STARTED} {error}")
        except UserError as error:
            runs.finish(run.folder, RunState.FAILED, error=str(error), cause=cause_of(error))
        return False

    # What people ask for. Each raises UserError in words for them.

    def submit(
        self,
        kind: str,
        values: Mapping[str, Any],
        name: str = "",
        parent: str = "",
        project: str | None = None,
    ) -> Run:
        with self._lock:
            run = submit(self.settings, kind, values, name=name, parent=parent, project=project)
            self._active.append(run)
        return run

    def knows(self, run: Run) -> bool:
        """Is the run in the store as its folder is now?"""
        return self._known.get(run.id) == signature(run.folder)

    def find(self, run_id: str) -> Run:
        """The run of that id, from its folder. Raises UserError where there is none."""
        return runs.read(runs.named(self.settings.runs, run_id))

    def waits_for(self, run: Run) -> list[str]:
        """Input runs that a pending run still waits for."""
        return waits_for(self.settings, run)

    def cancel(self, run_id: str) -> bool:
        """Ask a run to stop; False where it ended already."""
        with self._lock:
            return request_cancel(self.find(run_id).folder)

    def resume(self, run_id: str) -> None:
        """Put an ended, incomplete run back into the queue; it goes on from its checkpoint."""
        with self._lock:
            resume(self.settings, self.find(run_id), queued=True)
            self._take_in(run_id)

    def dependents(self, run_id: str) -> list[str]:
        """Runs whose settings name this one, ended or not."""
        with self._lock:
            known = runs.readable(run.folder for run in self._active)
        found = {run.id for run in known if run_id in lineage.parents(run)}
        frame = self.store.of_runs(
            "SELECT id, kind, spec FROM runs WHERE contains(spec::VARCHAR, ?)", [run_id]
        )
        for row in frame.itertuples():
            named = lineage.links_of(str(row.kind), json.loads(str(row.spec)))
            if run_id in (other for _, other in named):
                found.add(str(row.id))
        return sorted(found - {run_id})

    def move(self, run_ids: Sequence[str], project: str) -> list[str]:
        """Let ended runs belong to another project; the ids of those that did not before."""
        with self._lock:
            moved = move(self.settings, run_ids, project)
            self._take_in(*(run.id for run in moved))
        return [run.id for run in moved]

    def delete(self, run_id: str) -> None:
        """Move an ended or damaged run to the trash, from where `restore` brings it back."""
        with self._lock:
            folder = runs.named(self.settings.runs, run_id)
            refuse_in_use(self.settings.storage, run_id, self.active())
            self.settings.trash.mkdir(parents=True, exist_ok=True)
            folder.rename(self.settings.trash / run_id)
            self._take_in(run_id)

    def restore(self, run_id: str) -> None:
        with self._lock:
            if not runs.RUN_ID.fullmatch(run_id) or not (self.settings.trash / run_id).is_dir():
                raise UserError(f"'{run_id}' is not in the trash.")
            (self.settings.trash / run_id).rename(self.settings.runs / run_id)
            self._take_in(run_id)

    def empty_trash(self) -> list[str]:
        """Delete for good; the ids of the runs that are gone."""
        found = [folder.name for folder in runs.folders(self.settings.trash)]
        shutil.rmtree(self.settings.trash, ignore_errors=True)
        return found


def wait(folder: Path, process: subprocess.Popen[bytes], seconds: float) -> Run:
    """The run after its process ended or `seconds` passed."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return runs.read(folder)


def memory_in_use(run: Run) -> int:
    """Bytes of resident memory of a running run's process and its children, 0 otherwise."""
    if run.state is not RunState.RUNNING:
        return 0
    try:
        claim = runs.read_json(run.folder / "process.json")
        process = psutil.Process(claim["pid"])
        return sum(p.memory_info().rss for p in [process, *process.children(recursive=True)])
    except (UserError, psutil.Error):
        return 0
