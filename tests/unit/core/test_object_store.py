"""Runs put away in an object store: S3's API over HTTP, as moto answers it on this computer."""

import os
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from backend.access.rights import Role
from backend.actions import archives
from backend.core import archive, facts, maintenance, runs
from backend.core.audit import Actor, Way
from backend.records import RunState, UserError

pytestmark = pytest.mark.skipif(
    find_spec("moto") is None, reason="moto is not installed: no object store is tested"
)
ADA = Actor("ada", Way.COMMAND_LINE, Role.ADMIN)
PLACE = "s3://plant/old runs"
WEIGHTS = os.urandom(24 * 2**20)  # of more than one part of an upload


class ObjectStore:
    """moto's server. Its objects outlive a stop, as those of a store behind a broken cable do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.environment = monkeypatch
        self.start()

    def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        kind = {"Content-Type": "application/octet-stream"}
        asked = urllib.request.Request(f"{self.url}/{path}", body, kind, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return bytes(answer.read())

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        """At a port of its own each time: another test may have taken the last one meanwhile."""
        from moto.server import ThreadedMotoServer

        self.server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self.server.start()
        self.url = f"http://127.0.0.1:{self.server.get_host_and_port()[1]}"
        self.environment.setenv("AWS_ENDPOINT_URL", self.url)

    def names(self) -> str:
        """What the bucket holds, as the store lists it."""
        return self.ask("GET", "plant?list-type=2").decode()


@pytest.fixture
def store(monkeypatch) -> Iterator[ObjectStore]:
    made = ObjectStore(monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "its-secret")
    made.ask("PUT", "plant")
    yield made
    made.ask("POST", "moto-api/reset")
    made.stop()


@pytest.fixture
def run(storage):
    made = runs.create(storage.runs, "generate", {"count": 2})
    runs.claim(made.folder, os.getpid())
    facts.write(made.folder, "figures", [{"subject": "all", "metric": "x", "value": 1.0}])
    weights = made.folder / "artifacts" / "model" / "weights.bin"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(WEIGHTS)
    runs.finish(made.folder, RunState.COMPLETED, result={"images": 2})
    return runs.read(made.folder)


def ignore(fraction: float) -> None:
    assert 0 <= fraction <= 1


def is_whole(run) -> bool:
    kept = run.folder / "artifacts/model/weights.bin"
    return kept.read_bytes() == WEIGHTS and runs.archived_at(run.folder) == ""


def test_there_and_back_with_hashes_and_an_index_over_what_is_away(store, storage, run):
    made = archives.archive(ADA, storage, run.id, PLACE, ignore)
    assert made.files["artifacts/model/weights.bin"][0] == len(WEIGHTS)
    assert not (run.folder / "artifacts").exists()
    assert f"{run.id}.tar" in store.names() and f"{run.id}.json" in store.names()
    assert maintenance.reindex(storage) == [] and maintenance.check(storage) == []
    assert facts.read(run.folder, "figures")["value"].tolist() == [1.0]
    assert archives.fetch(ADA, storage, run.id, ignore) == len(WEIGHTS)
    assert is_whole(run)


def test_an_object_that_was_changed_is_not_taken_for_the_run(store, storage, run):
    archives.archive(ADA, storage, run.id, PLACE, ignore)
    name = f"plant/old%20runs/{run.id}.tar"
    content = bytearray(store.ask("GET", name))
    content[10 * 2**20] ^= 1
    store.ask("PUT", name, bytes(content))
    with pytest.raises(UserError, match="damaged"):
        archives.fetch(ADA, storage, run.id, ignore)
    assert runs.archived_at(run.folder) == PLACE
    assert not (run.folder / "artifacts").exists()


def test_a_bucket_that_is_not_there_is_named_and_not_made(store, storage, run):
    with pytest.raises(UserError, match=r"no bucket 'plnat'\. Correct its name"):
        archives.archive(ADA, storage, run.id, "s3://plnat/old", ignore)
    with pytest.raises(UserError, match="no bucket 'plnat'"):
        archive.reach("s3://plnat/old")
    assert "plnat" not in store.ask("GET", "").decode()
    assert is_whole(run)


def test_a_wrong_key_is_refused_in_words(store, storage, run, monkeypatch):
    from moto import settings

    monkeypatch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)  # else any key is let in
    with pytest.raises(UserError, match=r"Cannot reach s3://plant/old runs: .*INVALID_ACCESS_KEY"):
        archives.archive(ADA, storage, run.id, PLACE, ignore)
    assert is_whole(run)


@pytest.fixture
def one_folder(monkeypatch):
    """As for a key that may see `old runs` of the bucket alone: it may not look for the bucket."""
    from moto.s3.exceptions import S3AccessDeniedError
    from moto.s3.responses import S3Response

    listed = S3Response.list_objects_v2

    def refused(self):
        raise S3AccessDeniedError

    def listed_below(self):
        prefix = self.querystring.get("prefix", [""])[0]
        return listed(self) if prefix.startswith("old runs/") else refused(self)

    monkeypatch.setattr(S3Response, "head_bucket", refused)
    monkeypatch.setattr(S3Response, "list_objects_v2", listed_below)


def test_a_key_that_may_see_one_folder_alone_is_let_in_there(store, storage, run, one_folder):
    with pytest.raises(UserError, match=r"Cannot reach s3://plant/new runs: .*ACCESS_DENIED"):
        archives.archive(ADA, storage, run.id, "s3://plant/new runs", ignore)
    archive.reach(PLACE)
    archives.archive(ADA, storage, run.id, PLACE, ignore)
    assert runs.archived_at(run.folder) == PLACE
    archives.fetch(ADA, storage, run.id, ignore)
    assert is_whole(run)


class Cut:
    """A tick that cuts the connection once so much of the way is done."""

    def __init__(self, store: ObjectStore, at: float):
        self.store, self.at, self.cut = store, at, False

    def __call__(self, fraction: float) -> None:
        if fraction >= self.at and not self.cut:
            self.cut = True
            self.store.stop()


@pytest.mark.parametrize("at", [0.25, 0.75], ids=["while written", "while read back"])
def test_a_connection_that_drops_loses_nothing_and_the_next_try_works(store, storage, run, at):
    with pytest.raises(UserError, match=r"Cannot archive .*Nothing was deleted; try again"):
        archives.archive(ADA, storage, run.id, PLACE, Cut(store, at))
    assert is_whole(run)
    store.start()
    archives.archive(ADA, storage, run.id, PLACE, ignore)
    with pytest.raises(UserError, match=r"Cannot fetch .*try again"):
        archives.fetch(ADA, storage, run.id, Cut(store, 0.25))
    assert runs.archived_at(run.folder) == PLACE and not (run.folder / "artifacts").exists()
    store.start()
    archives.fetch(ADA, storage, run.id, ignore)
    assert is_whole(run)


def test_what_is_stopped_in_the_middle_leaves_nothing_behind(store, storage, run):
    def stop(fraction: float) -> None:
        if fraction > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archives.archive(ADA, storage, run.id, PLACE, stop)
    assert is_whole(run)
    assert run.id not in store.names()
