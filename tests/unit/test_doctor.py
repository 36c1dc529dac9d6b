"""What is wrong with an installation is found, and the cure is named."""

import os
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from backend import doctor
from backend.__main__ import main
from backend.core import cluster, runs
from backend.doctor import State


def found(storage, port=1):
    return {one.name: one for one in doctor.examine(storage, port)}


def test_a_new_installation_is_well(storage):
    assert {one.name for one in found(storage).values() if one.state is State.WRONG} <= {"Packages"}


def test_every_fault_comes_with_a_cure(storage):
    for one in found(storage).values():
        assert one.state is State.GOOD or one.cure, one


def test_a_storage_folder_of_somebody_elses_is_named(storage, monkeypatch):
    (storage.storage / "runs").mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(doctor.os, "access", lambda path, way: path.name != "runs")
    assert found(storage)["Storage"].words.endswith("somebody else: runs")


def test_a_clock_that_went_back_is_told(storage):
    folder = runs.create(storage.runs, "generate", {"seed": 1}).folder
    late = time.time() + 86400
    os.utime(folder, (late, late))
    assert found(storage)["Clock"].state is State.WRONG


def test_a_port_that_is_taken_is_told(storage):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert found(storage, taken.getsockname()[1])["Port"].state is State.LOOK


def test_a_package_of_another_version_is_named(storage, monkeypatch):
    real = doctor.importlib.metadata.version
    monkeypatch.setattr(
        doctor.importlib.metadata, "version", lambda name: "0.1" if name == "duckdb" else real(name)
    )
    packages = found(storage)["Packages"]
    assert packages.state is State.WRONG and "duckdb is 0.1, not" in packages.words


def test_the_verb_ends_with_one_where_something_is_wrong(storage, monkeypatch):
    wrong = doctor.Finding("Disk", State.WRONG, "full", "Make room.")
    monkeypatch.setattr(doctor, "examine", lambda settings, port, url: [wrong])
    said = CliRunner().invoke(main, ["doctor"])
    assert said.exit_code == 1
    assert "✗ Disk: full." in said.output and "Make room." in said.output


@contextmanager
def answering(*statuses):
    """A proxy that answers with these, one after the other; yields its address."""
    left = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(left.pop(0))
            self.end_headers()

        def log_message(self, *words):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("statuses", "state", "words"),
    [
        ((200, 101), State.GOOD, "come through"),
        ((200, 403), State.GOOD, "come through"),
        ((200, 400), State.WRONG, "lets no websocket through"),
        ((502,), State.WRONG, "answers 502"),
    ],
)
def test_a_proxy_must_let_pages_and_websockets_through(statuses, state, words):
    with answering(*statuses) as url:
        found = doctor._proxy(url)
    assert found.state is state and words in found.words


def test_a_proxy_that_is_not_there_is_told():
    for url in ("http://127.0.0.1:1", "plant.example"):
        assert doctor._proxy(url).state is State.WRONG


def test_an_update_that_was_cut_short_is_told(tmp_path):
    release = tmp_path / "releases" / "0.1.0-a"
    release.mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/0.1.0-a")
    assert doctor._release(release).state is State.GOOD
    (tmp_path / "under-way").mkdir()
    assert "install.sh rollback" in doctor._release(release).cure


def test_a_cluster_and_an_archive_that_cannot_be_used_are_told(storage, monkeypatch):
    wrong = replace(storage, cluster="head:6379", archive="s3://key:secret@bucket/x")
    monkeypatch.setattr(cluster, "lacking", lambda address: f"{address} lets anybody in. Mend it.")
    told = {one.name: one for one in (doctor._cluster(wrong), doctor._archive(wrong))}
    assert {one.state for one in told.values()} == {State.WRONG}
    assert told["Cluster"].words == "head:6379 lets anybody in"
    assert told["Cluster"].cure == "Mend it."
    assert (
        told["Archive"].words == "No password in the address: it would stand in every archived run"
    )
    right = replace(storage, cluster="local:2", archive=str(storage.storage))
    monkeypatch.setattr(cluster, "lacking", lambda address: "")
    assert doctor._cluster(right).state is doctor._archive(right).state is State.GOOD
