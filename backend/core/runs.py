"""The run folder: the truth about one run, readable without a database.

runs/<utc>-<kind>-<id>/
    spec.json      what was asked for, written once at submission
    process.json   the process working on it: pid and start time
    events.jsonl   progress and metrics, one JSON object a line
    log.txt        everything the process printed
    provenance.json  library versions, git revision, hashes of the inputs
    result.json    how it ended; written last and atomically
    facts/         one Parquet file per database table
    artifacts/     images, models and everything else
    checkpoint/    where an interrupted run resumes from
    edits.jsonl    what people decided about its images since: see images/curation.py
    project.json   the project it belongs to, see core/projects.py; none: the default one
    units.json     how the pieces of its work went, where it had some: see units.py
    archived.json  where its artifacts lie, in place of them: see archive.py
"""

import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil

from backend.core import results, specs
from backend.core.results import R
from backend.core.specs import S
from backend.records import Cause, RunState, Shortage, UserError

EDITS, PROJECT = "edits.jsonl", "project.json"
ARCHIVED = "archived.json"
PRODUCTS = ("facts", "artifacts", EDITS)  # what other runs take from a run
RENAMED = {"export": "package", "student-export": "package"}  # kinds of earlier versions
_HEADS = ("spec.json", "process.json", PROJECT)
FileState = tuple[int, int, int] | None  # see state_of
RUN_ID = re.compile(r"\d{8}T\d{6}-[a-z]+(?:-[a-z]+)*-[0-9a-f]{6}")


@dataclass(frozen=True)
class Run:
    """One run as its folder tells it. Times are UTC; seconds is the wall time so far."""

    id: str
    folder: Path
    kind: str
    name: str
    state: RunState
    spec: dict[str, Any]
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    result: dict[str, Any] | None = None
    error: str = ""
    cause: Cause = Cause.UNKNOWN
    parent: str = ""
    queued: bool = True
    project: str = ""

    @property
    def resumable(self) -> bool:
        """Can it go on? Not where a setting or the data was wrong: it would only fail again."""
        return self.state.resumable and self.cause is not Cause.MISTAKE

    @property
    def seconds(self) -> float | None:
        if self.started is None:
            return None
        return ((self.finished or datetime.now(UTC)) - self.started).total_seconds()

    @property
    def artifacts(self) -> Path:
        """Raises Shortage where they are archived elsewhere."""
        refuse_archived(self.folder)
        return self.folder / "artifacts"


def archived_at(folder: Path) -> str:
    """The address where a run's artifacts lie, "" where they are here."""
    there = (folder / ARCHIVED).exists() and not (folder / "artifacts").exists()
    return str(read_json(folder / ARCHIVED)["url"]) if there else ""


def refuse_archived(folder: Path) -> None:
    """Raises Shortage where a run's artifacts lie elsewhere."""
    if url := archived_at(folder):
        raise Shortage(
            f"The files of run '{folder.name}' are archived at {url}. Fetch them on the page "
            f"Storage, or with 'python -m backend fetch {folder.name}'."
        )


def refuse_archived_file(path: Path) -> None:
    """As `refuse_archived`, for a file in a run's folder that is missing."""
    for folder in path.parents:
        if RUN_ID.fullmatch(folder.name):
            refuse_archived(folder)


def holds(path: Path) -> bool:
    """Whether a file of a run is there. Raises Shortage where it is archived elsewhere."""
    if path.is_file():
        return True
    refuse_archived_file(path)
    return False


def created_of(run_id: str) -> datetime:
    """When a run was submitted, UTC, from its id alone."""
    return datetime.strptime(run_id[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


def write_json(path: Path, value: Any) -> None:
    """Write whole or not at all: a reader never sees half a file."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any]:
    """Raises UserError naming the file where it is cut short or no JSON object, Shortage where its
    run is archived."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError) and path.name != ARCHIVED:
            refuse_archived_file(path)
        raise UserError(f"Cannot read {path}: {error}. Restore it or delete the run.") from error
    if not isinstance(value, dict):
        raise UserError(f"Cannot read {path}: not a JSON object. Restore it or delete the run.")
    return value


@contextmanager
def _fields_of(path: Path) -> Iterator[None]:
    """Whatever is missing or of the wrong type within becomes a UserError naming the file."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        words = f"{type(error).__name__}: {error}"
        raise UserError(f"{path} is damaged ({words}). Restore it or delete the run.") from error


def names(runs: Path, kind: str = "") -> list[str]:
    """The id of every run that has a folder, or of those of a kind, by age; other names are passed
    over."""
    try:
        there = [path.name for path in runs.iterdir()]
    except FileNotFoundError:
        return []
    if kind:
        there = [name for name in there if name[16:-7] == kind]
    return sorted(filter(RUN_ID.fullmatch, there))


def folders(runs: Path, kind: str = "") -> list[Path]:
    """As `names`, their folders."""
    return [runs / name for name in names(runs, kind)]


def named(folder: Path, run_id: str) -> Path:
    """The folder of the run of that id, below `folder`. Raises UserError where there is none."""
    found = folder / run_id
    if not RUN_ID.fullmatch(run_id) or not found.is_dir():
        raise UserError(
            f"There is no run '{run_id}'. It may have been deleted; the page Runs or "
            "'python -m backend runs' lists those that there are."
        )
    return found


def readable(folders: Iterable[Path]) -> list[Run]:
    """The runs in these folders, without those whose files are damaged."""
    found = []
    for folder in folders:
        try:
            found.append(read(folder))
        except UserError:
            continue
    return found


def create(
    runs: Path,
    kind: str,
    spec: Mapping[str, Any],
    *,
    name: str = "",
    parent: str = "",
    queued: bool = False,
    project: str = "",
) -> Run:
    """Make the folder of a new run. The dashboard's queue starts those that are `queued`."""
    created = now()
    run_id = f"{created:%Y%m%dT%H%M%S}-{kind}-{secrets.token_hex(3)}"
    making = runs / f".{run_id}"
    making.mkdir(parents=True)
    head = {
        "kind": kind,
        "name": name,
        "parent": parent,
        "queued": queued,
        "created": created.isoformat(),
        "spec": dict(spec),
    }
    write_json(making / "spec.json", head)
    move(making, project)
    return read(making.rename(runs / run_id))


def read(folder: Path) -> Run:
    """The run in a folder. Raises UserError naming the file that is missing or damaged."""
    states = tuple(state_of(folder / name) for name in ("result.json", *_HEADS))
    if states[0] is None:
        return _with_outcome(_with_process(asked_for(folder)))
    run = _ended(folder, states)  # its own dicts, for whoever changes them
    return replace(run, spec=dict(run.spec), result=None if run.result is None else {**run.result})


def state_of(path: Path) -> FileState:
    """Another one whenever a file was written anew; None where there is none, or none that can be
    looked at: who reads it then says why."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


@lru_cache(maxsize=4096)
def _ended(folder: Path, states: tuple[FileState, ...]) -> Run:
    """A run with a result, read once for each state of its files: pages ask for it again and
    again."""
    return _with_outcome(_with_start(asked_for(folder)))


def asked_for(folder: Path) -> Run:
    """A run as it was submitted, from its spec.json alone, whatever became of it. Raises UserError
    where that is missing or damaged."""
    head = read_json(folder / "spec.json")
    with _fields_of(folder / "spec.json"):
        return Run(
            id=folder.name,
            folder=folder,
            kind=RENAMED.get(str(head["kind"]), str(head["kind"])),
            name=head.get("name", ""),
            state=RunState.PENDING,
            spec=dict(head["spec"]),
            created=_moment(head["created"]),
            parent=head.get("parent", ""),
            queued=head.get("queued", True),
            project=project_of(folder),
        )


def project_of(folder: Path) -> str:
    """The id of the project that a run belongs to, "" for the default one. Raises UserError where
    the file that says so is damaged."""
    path = folder / PROJECT
    return str(read_json(path).get("project", "")) if path.exists() else ""


def move(folder: Path, project: str) -> None:
    """Let a run belong to another project."""
    if project:
        write_json(folder / PROJECT, {"project": project})
    else:
        (folder / PROJECT).unlink(missing_ok=True)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _with_process(run: Run) -> Run:
    """Look at the process before the result: one that ends in between has a result."""
    path = run.folder / "process.json"
    if not path.exists():
        return run
    run, claim = _with_start(run), read_json(path)
    with _fields_of(path):
        if is_alive(claim):
            return replace(run, state=RunState.RUNNING)
    return replace(
        run,
        state=RunState.INTERRUPTED,
        finished=last_sign_of_life(run.folder),
        error="Its process ended without a result (killed, no memory, full disk or power cut).",
    )


def _with_start(run: Run) -> Run:
    """When its process began, where one did."""
    path = run.folder / "process.json"
    if not path.exists():
        return run
    claim = read_json(path)
    with _fields_of(path):
        return replace(run, started=_moment(claim["started"]))


def _with_outcome(run: Run) -> Run:
    path = run.folder / "result.json"
    if not path.exists():
        return run
    outcome = read_json(path)
    with _fields_of(path):
        return replace(
            run,
            state=RunState(outcome["state"]),
            finished=_moment(outcome["finished"]),
            result=None if outcome["result"] is None else dict(outcome["result"]),
            error=outcome["error"],
            cause=Cause(outcome.get("cause", "")),
        )


def result(run: Run, result_type: type[R]) -> R:
    """What a finished run gave, see `results.from_json`. Raises UserError where it has no result,
    and naming the file where that is damaged."""
    if run.result is None:
        raise UserError(f"Run '{run.id}' has no result. Choose another, or make it again.")
    with _fields_of(run.folder / "result.json"):
        return results.from_json(result_type, run.result)


def spec(run: Run, spec_type: type[S]) -> S:
    """What a run was asked for, see `specs.stored`. Raises UserError naming the file where a
    setting is damaged."""
    try:
        return specs.stored(spec_type, run.spec)
    except UserError as error:
        path = run.folder / "spec.json"
        raise UserError(f"{path} is damaged: {error} Or delete the run.") from error


def is_alive(claim: Mapping[str, Any]) -> bool:
    """Is the process that claimed a run still the one with that pid?"""
    try:
        process = psutil.Process(claim["pid"])
        same = abs(process.create_time() - claim["process_started"]) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def last_sign_of_life(folder: Path) -> datetime:
    files = [folder / name for name in ("events.jsonl", "log.txt", "process.json")]
    latest = max((file.stat().st_mtime for file in files if file.exists()), default=0.0)
    return datetime.fromtimestamp(round(latest, 3), UTC)


def claim(folder: Path, pid: int) -> None:
    """Note which process works on the run."""
    write_json(
        folder / "process.json",
        {
            "pid": pid,
            "process_started": psutil.Process(pid).create_time(),
            "started": now().isoformat(),
        },
    )


def finish(
    folder: Path,
    state: RunState,
    *,
    result: Mapping[str, Any] | None = None,
    error: str = "",
    cause: Cause = Cause.UNKNOWN,
) -> None:
    """Write result.json, which ends the run."""
    outcome = {
        "state": state.value,
        "finished": now().isoformat(),
        "error": error,
        "cause": cause.value,
        "result": result,
    }
    write_json(folder / "result.json", outcome)


def reopen(folder: Path, *, queued: bool = True) -> None:
    """Make an ended run pending again; its checkpoint, events and log stay."""
    head = read_json(folder / "spec.json")
    write_json(folder / "spec.json", head | {"queued": queued})
    for name in ("result.json", "cancel", "process.json"):
        (folder / name).unlink(missing_ok=True)


def append_event(folder: Path, event: Mapping[str, Any]) -> None:
    line = json.dumps({"t": time.time(), **event})
    with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def events(folder: Path, newest_bytes: int = 2**40) -> list[dict[str, Any]]:
    """The events so far, or those in the file's newest bytes; torn lines are left out."""
    return json_lines(folder / "events.jsonl", newest_bytes)


def curve_points(events: Iterable[Mapping[str, Any]]) -> list[tuple[int, str, float]]:
    """(step, metric, value) of every metric; where a step was done again, the newer value counts.

    Raises AttributeError, TypeError or ValueError for events that are damaged.
    """
    latest: dict[tuple[int, str], float] = {}
    for event in events:
        for metric, value in event.get("metrics", {}).items():
            latest[int(event.get("step", 0)), metric] = float(value)
    return [(step, metric, value) for (step, metric), value in latest.items()]


def json_lines(path: Path, newest_bytes: int = 2**40) -> list[dict[str, Any]]:
    """The objects of a file that holds one a line, or of its newest bytes; [] where there is none.

    Torn lines are left out.
    """
    found = []
    for line in tail(path, newest_bytes).splitlines():
        with suppress(ValueError):
            found.append(json.loads(line))
    return [one for one in found if isinstance(one, dict)]


def tail(path: Path, size: int = 8192) -> bytes:
    """The last `size` bytes of a file, b"" where there is none."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - size))
        return file.read()


def last_event(folder: Path) -> dict[str, Any]:
    """The newest event, {} before the first. Costs the same however long the run is."""
    found = json_lines(folder / "events.jsonl", 8192)
    return found[-1] if found else {}


def log_tail(folder: Path, lines: int = 200) -> str:
    text = tail(folder / "log.txt", 64_000).decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-lines:])


def sibling(out_dir: Path, run_id: str) -> Path:
    """The folder of a run that feeds this one. Raises UserError where it is gone, Shortage where
    its files are archived elsewhere."""
    folder = out_dir.parent / run_id
    if not RUN_ID.fullmatch(run_id) or not (folder / "result.json").exists():
        raise UserError(f"Run '{run_id}' has no result here. Choose another, or make it again.")
    refuse_archived(folder)
    return folder


def fingerprint(*paths: Path) -> str:
    """SHA-256 over names, sizes and contents of files and of every file below folders.

    What does not exist adds nothing. Raises Shortage where it is archived elsewhere.
    """
    digest = hashlib.sha256()
    for path in paths:
        if not path.exists():
            refuse_archived_file(path)
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            name = os.fsencode(file.relative_to(path.parent))
            digest.update(name + f"\0{file.stat().st_size}\0".encode())
            with file.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
    return digest.hexdigest()
