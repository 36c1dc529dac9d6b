"""Finished runs elsewhere: on a network folder or in an object store, whatever fsspec can reach.

<url>/<run id>.tar          the whole run folder
<url>/<run id>.json         what is in it: each file's size and SHA-256, and the tar's own
<run>/archived.json         the same here, in place of artifacts/

What a run was asked for, its result, origin, facts, log and comments stay here: pages, questions
and `reindex` go on as before. Nothing is deleted here before the copy was read back, file by file.
"""

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit

from backend.core import maintenance, runs
from backend.records import RunState, UserError

S3 = "s3://"
BLOCK = 8 * 2**20  # bytes read or written at once: a request each at an object store
COMING, GOING = ".artifacts-coming", ".artifacts-going"
Tick = Callable[[float], None]  # takes the fraction done


@dataclass(frozen=True)
class Archived:
    """What archived.json says. files: path in the run folder → (bytes, SHA-256)."""

    url: str
    at: str
    by: str
    tar: str  # SHA-256
    size: int  # of the tar, bytes
    files: dict[str, tuple[int, str]]


def of(folder: Path) -> Archived | None:
    """Where a run's artifacts lie, None where they are here. Raises UserError where the record is
    damaged."""
    if not runs.archived_at(folder):
        return None
    record = runs.read_json(folder / runs.ARCHIVED)
    try:
        files = {name: (int(size), str(told)) for name, (size, told) in record["files"].items()}
        return Archived(**record | {"files": files})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{folder / runs.ARCHIVED} is damaged ({error}). Restore it.") from error


def check(folder: Path, url: str) -> None:
    """Raises UserError where a run cannot be archived there."""
    run = runs.read(folder)
    if run.state is not RunState.COMPLETED:
        raise UserError(f"{run.id} is {run.state}; only completed runs are archived.")
    if at := runs.archived_at(folder):
        raise UserError(f"{run.id} is archived already, at {at}.")
    if not (folder / "artifacts").is_dir():
        raise UserError(f"{run.id} has no files beside its figures; it stays as it is.")
    system, base = _reached(url)
    storage = folder.resolve().parents[1]
    if "file" in _protocols(system) and Path(base).resolve().is_relative_to(storage):
        raise UserError(f"{url} lies in the storage folder itself. Name a place outside of it.")
    reach(url)


def reach(url: str) -> None:
    """Raises UserError where an address cannot be read from. Its folder or bucket is never made: a
    misspelt one would be, too."""
    system, base = _reached(url)
    if "file" in _protocols(system):
        maintenance.refuse_missing_folder(Path(base))
    with _in_words(f"Cannot reach {url}"):
        if _is_store(system):
            _reach_store(system, base)
        else:
            system.exists(base)


def _reach_store(system: Any, base: str) -> None:
    """Raises UserError where there is no such bucket. A key that may see one folder of it alone is
    let in: it is asked for that."""
    from pyarrow.fs import FileSelector

    bucket = base.partition("/")[0]
    try:
        there = system.exists(bucket)
    except OSError as error:
        if "ACCESS_DENIED" not in str(error):
            raise
        system.fs.get_file_info(FileSelector(base, allow_not_found=True))
        return
    if not there:
        raise UserError(f"There is no bucket '{bucket}'. Correct its name, or make it first.")


def put(folder: Path, url: str, who: str, tick: Tick, still: Callable[[], None]) -> Archived:
    """Copy a run, read the copy back, then delete its artifacts here.

    still: called before anything is deleted; what it raises keeps the artifacts here. Raises
    UserError where the copy cannot be written, or is not what was written.
    """
    check(folder, url)
    system, base = _reached(url)
    place = f"{base}/{folder.name}"
    with _in_words(f"Cannot archive {folder.name} at {url}"):
        if not _is_store(system):  # which has no folders, and its key may not look for the bucket
            system.makedirs(base, exist_ok=True)
        try:
            tar, size, files = _written(system, f"{place}.tar", folder, tick)
            record = Archived(url, runs.now().isoformat(timespec="seconds"), who, tar, size, files)
            text = json.dumps(asdict(record), indent=1)
            system.pipe_file(f"{place}.json", text.encode())
            _compare(system, place, record, text, tick)
        except BaseException:
            for left in (f"{place}.tar", f"{place}.json"):
                with suppress(Exception):
                    system.rm(left)
            raise
    runs.write_json(folder / runs.ARCHIVED, asdict(record))
    try:
        still()
    except BaseException:
        (folder / runs.ARCHIVED).unlink()
        raise
    shutil.rmtree(folder / GOING, ignore_errors=True)
    (folder / "artifacts").rename(folder / GOING)
    shutil.rmtree(folder / GOING)
    return record


def fetch(folder: Path, tick: Tick) -> int:
    """Bring a run's artifacts back, compared with what was archived; bytes. The copy is left.

    Raises UserError where the run is not archived, or the copy is gone or damaged; then nothing
    changed here.
    """
    record = of(folder)
    if record is None:
        raise UserError(f"{folder.name} is not archived: its files are here.")
    system, base = _reached(record.url)
    coming = folder / COMING
    for left in (coming, folder / GOING):  # of what was cut short
        shutil.rmtree(left, ignore_errors=True)
    try:
        with _in_words(f"Cannot fetch {folder.name} from {record.url}"):
            _unpack(system, f"{base}/{folder.name}.tar", record, coming, tick)
        (coming / "artifacts").rename(folder / "artifacts")
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    (folder / runs.ARCHIVED).unlink()
    return sum(size for name, (size, _) in record.files.items() if _is_artifact(name))


def older(folder: Path, days: int) -> list[str]:
    """Ids of completed runs with artifacts here that were asked for so many days ago or before."""
    return [
        run.id
        for run in runs.readable(runs.folders(folder))
        if run.state is RunState.COMPLETED
        and (runs.now() - run.created).days >= days
        and (run.folder / "artifacts").is_dir()
    ]


def _reached(url: str) -> tuple[Any, str]:
    """The file system behind an address, and the folder in it. Raises UserError."""
    import fsspec

    if not url.strip():
        raise UserError("Say where to: a folder, or an address as s3://bucket/folder.")
    if urlsplit(url).password:
        raise UserError(
            "No password in the address: it would stand in every archived run. Keep it in the "
            "environment or the file that its driver reads."
        )
    if "://" not in url and not Path(url).is_absolute():
        raise UserError(f"Name the whole path of the folder, from / on; it is '{url}'.")
    try:
        if url.lower().startswith(S3):
            return _store(), _in_store(url)
        system, base = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise UserError(f"{url} needs a driver that is not installed: {error}") from error
    except ValueError as error:
        raise UserError(f"'{url}' is no address of files: {error}.") from error
    if "memory" in _protocols(system):
        raise UserError(f"What is put at {url} ends with the program. Name a folder or a store.")
    return system, base.rstrip("/")


def _in_store(url: str) -> str:
    """Bucket and folder of an address. Raises UserError where it names no bucket."""
    base = url[len(S3) :].rstrip("/")
    if not base.partition("/")[0].strip():
        raise UserError(f"'{url}' names no bucket. Write it as s3://bucket/folder.")
    return base


def _store() -> Any:
    """The object store, by the driver that comes with pyarrow: fsspec's own would be fifteen
    packages more. Key and region are where Amazon's programs look for them, as is the plant's own
    store: AWS_ENDPOINT_URL."""
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import S3FileSystem

    scheme, _, host = os.environ.get("AWS_ENDPOINT_URL", "").rpartition("://")
    driver = S3FileSystem(
        scheme=scheme or "https", endpoint_override=host.rstrip("/") or None, connect_timeout=10
    )
    return ArrowFSWrapper(driver, skip_instance_cache=True)


def _is_store(system: Any) -> bool:
    return "s3" in _protocols(system)


def _protocols(system: Any) -> tuple[str, ...]:
    return (system.protocol,) if isinstance(system.protocol, str) else tuple(system.protocol)


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Drivers raise errors of their own kinds: each becomes a UserError."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        words = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise UserError(f"{what}: {words}. Nothing was deleted; try again.") from error


def _is_artifact(name: str) -> bool:
    return PurePosixPath(name).parts[0] == "artifacts"


class _Hashed(io.RawIOBase):
    """A stream that is hashed as it is read or written."""

    def __init__(self, stream: Any, moved: Callable[[int], None] = lambda count: None):
        self.stream, self.moved, self.count = stream, moved, 0
        self.told = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._seen(self.stream.read(size))

    def write(self, data: Any) -> int:
        self.stream.write(data)
        return len(self._seen(bytes(data)))

    def _seen(self, data: bytes) -> bytes:
        self.told.update(data)
        self.count += len(data)
        self.moved(len(data))
        return data


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _written(
    system: Any, target: str, folder: Path, tick: Tick
) -> tuple[str, int, dict[str, tuple[int, str]]]:
    """Write the tar; its SHA-256, its bytes, and what was put into it."""
    paths = _files(folder)
    advance = _advance(sum(path.stat().st_size for path in paths), tick, 0.0)
    found: dict[str, tuple[int, str]] = {}
    with system.open(target, "wb") as stream:
        out = _Hashed(stream, advance)
        with tarfile.open(fileobj=out, mode="w|", bufsize=BLOCK) as tar:
            for path in paths:
                name = path.relative_to(folder).as_posix()
                info = tar.gettarinfo(path, name)
                with path.open("rb") as file:
                    hashed = _Hashed(file)
                    tar.addfile(info, hashed)
                found[name] = (info.size, hashed.told.hexdigest())
        with suppress(Exception):  # a driver without files of the operating system
            stream.flush()
            os.fsync(stream.fileno())
    return out.told.hexdigest(), out.count, found


def _advance(total: int, tick: Tick, begin: float) -> Callable[[int], None]:
    """Takes bytes that were moved; the tick's half of the way goes from `begin` on."""
    done = 0

    def moved(count: int) -> None:
        nonlocal done
        before, done = done, done + count
        if before * 100 // max(1, total) != done * 100 // max(1, total):
            tick(begin + 0.5 * min(1.0, done / max(1, total)))

    return moved


def _compare(system: Any, place: str, record: Archived, text: str, tick: Tick) -> None:
    """Read the copy back. Raises UserError where it is not what was written."""
    found: dict[str, tuple[int, str]] = {}
    for name, size, content in _members(system, f"{place}.tar", record, tick, 0.5):
        found[name] = (size, content.read_all())
    if found != record.files or system.cat_file(f"{place}.json") != text.encode():
        raise UserError(f"The copy at {record.url} is not what was written. Nothing was deleted.")


def _unpack(system: Any, source: str, record: Archived, into: Path, tick: Tick) -> None:
    """Write the artifacts below `into`. Raises UserError where one is not as it was."""
    missing = {name for name in record.files if _is_artifact(name)}
    for name, size, content in _members(system, source, record, tick, 0.0):
        if name not in missing:
            continue
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            told = content.read_all(out)
        if (size, told) != record.files[name]:
            raise UserError(f"The copy at {record.url} is damaged: {name}. Nothing was changed.")
        missing.discard(name)
    if missing:
        raise UserError(f"The copy at {record.url} lacks {min(missing)}. Nothing was changed.")


@dataclass
class _Content:
    """A file within the tar, read once."""

    stream: IO[bytes]

    def read_all(self, out: IO[bytes] | None = None) -> str:
        """Its SHA-256. out: it is copied there."""
        told = hashlib.sha256()
        while chunk := self.stream.read(1 << 20):
            told.update(chunk)
            if out:
                out.write(chunk)
        return told.hexdigest()


def _members(
    system: Any, source: str, record: Archived, tick: Tick, begin: float
) -> Iterator[tuple[str, int, _Content]]:
    """Name, bytes and content of each file in the tar, and at the end its SHA-256 is compared."""
    with system.open(source, "rb") as stream:
        hashed = _Hashed(stream, _advance(record.size, tick, begin))
        with tarfile.open(fileobj=hashed, mode="r|", bufsize=BLOCK) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is not None:
                    yield member.name, member.size, _Content(content)
        while hashed.read(BLOCK):
            pass
    if hashed.told.hexdigest() != record.tar:
        raise UserError(f"The copy at {record.url} is damaged. Nothing was deleted.")
