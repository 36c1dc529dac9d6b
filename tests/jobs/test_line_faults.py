"""Faults that a line lives through, made for real: disk, folder, clock, camera, broker, outbox."""

import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import psutil
import pytest

from backend.core import jobs, runs
from backend.line import outbox, report, segments, service, watch
from backend.line.sources.folder import Folder
from backend.records import Cause
from tests.outside import RECORDING
from tests.unit.line import brokers
from tests.unit.line.packages import SHADES, picture
from tests.unit.line.processes import accepted, home, started, status, troubles


def ended(run, process):
    """Stop a line; its report."""
    assert jobs.request_cancel(run.folder)
    assert process.wait(300) == 130
    return report.of(home_of(run))


def home_of(run):
    return report.home(run.folder.parent.parent, run.name)


def is_whole(found):
    """Has every part exactly one verdict, without a gap?"""
    judged = found.good + found.review + found.bad + found.uninspected
    return (found.duplicates, found.gaps, judged) == (0, 0, found.accepted)


def png(shade):
    return cv2.imencode(".png", picture(shade))[1].tobytes()


@contextmanager
def mounted(folder):
    """A file system of 4 MB of its own in a folder."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_disk(storage):
    """A disk of its own for the lines of `storage`, and a file that fills it."""
    folder = storage.storage / segments.LINES
    with mounted(folder):
        yield folder / "ballast"


def fill(ballast):
    """Write until the disk is full."""
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(2**12))


def answer(port, path, key, body=None):
    """Status and body of the line's own service."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", body, {"X-API-Key": key} if key else {}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as found:
            return found.status, found.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def test_a_full_disk_takes_nothing_in_and_nothing_is_lost(storage, ready, small_disk, until):
    port = brokers.free_port()
    run, process = started(storage, ready | {"source": "http", "port": port})
    until(lambda: answer(port, "/health", "")[0] == 200)
    key = service.key_of(home(storage))
    inspect = "/inspect?feature=dot&serial={}"
    code, words = answer(port, inspect.format("before"), key, png(SHADES[0]))
    assert (code, "GOOD" in words) == (200, True)

    fill(small_disk)
    told = []
    asking = threading.Thread(
        target=lambda: told.append(answer(port, inspect.format("full"), key, png(SHADES[0])))
    )
    asking.start()
    until(lambda: answer(port, "/health", "")[0] == 503)
    assert "Make room on that disk" in answer(port, "/health", "")[1]
    asking.join()
    assert told[0][0] == 504 and "UNINSPECTED" in told[0][1]

    small_disk.unlink()
    until(lambda: answer(port, "/health", "")[0] == 200)
    code, words = answer(port, inspect.format("after"), key, png(SHADES[-1]))
    assert (code, "BAD" in words) == (200, True)
    found = ended(run, process)
    assert is_whole(found)
    assert (found.good, found.bad, found.uninspected) == (1, 1, 1), "it is as its caller was told"


def test_a_line_on_a_full_disk_says_so_and_sets_no_outbox_aside(storage, ready, small_disk):
    _, process = started(storage, ready | {"count": 40})
    assert process.wait(300) == 0
    fill(small_disk)
    run, process = started(storage, ready | {"count": 40})
    assert process.wait(300) == 1
    assert runs.read(run.folder).cause is Cause.SHORTAGE
    small_disk.unlink()
    _, process = started(storage, ready | {"count": 40})
    assert process.wait(300) == 0
    found = report.of(home(storage))
    assert is_whole(found) and found.accepted == 80
    assert not list(home(storage).glob("damaged-*"))


def test_a_folder_that_vanishes_is_waited_for(storage, ready, until, tmp_path):
    watched = tmp_path / "watched"
    values = ready | {"source": "folder", "folder": str(watched), "pattern": "{feature}-{serial}"}

    def put(name):
        (watched / name).write_bytes(png(SHADES[0]))

    watched.mkdir()
    put("dot-1.png")
    run, process = started(storage, values)
    until(lambda: (watched / "inspected" / "dot-1.png").exists())
    watched.rename(tmp_path / "gone")
    until(lambda: "cannot be read" in troubles(storage, run))
    (tmp_path / "gone").rename(watched)
    put("dot-2.png")
    until(lambda: (watched / "inspected" / "dot-2.png").exists())
    assert not troubles(storage, run)
    found = ended(run, process)
    assert is_whole(found) and found.good == 2


def test_a_share_that_is_not_mounted_is_no_empty_folder(tmp_path):
    folder = tmp_path / "share"
    watched = Folder(folder, "{serial}", settle=0.0, move=False)
    with mounted(folder):
        (folder / "1.png").write_bytes(b"picture")
        assert len(watched.read(9, 0)) == 1
    assert watched.read(9, 0) == []
    assert "not mounted" in watched.trouble
    assert watched.gone() == [], "its parts come back, and are known then"


def test_ten_thousand_files_at_once_are_taken_in_one_by_one(storage, ready, until, tmp_path):
    watched, count = tmp_path / "watched", 10_000
    (watched / "dot").mkdir(parents=True)
    one = tmp_path / "one.png"
    one.write_bytes(png(SHADES[0]))
    for k in range(count):
        os.link(one, watched / "dot" / f"{k}.png")
    values = ready | {"source": "folder", "folder": str(watched), "keep_good": 0.0}
    run, process = started(storage, values)
    until(lambda: accepted(storage) >= count)
    assert status(storage, run).capacity == 64, "few of them are in memory"
    found = ended(run, process)
    assert is_whole(found) and found.good == count
    assert not list((watched / "dot").iterdir())


JUMPING = """
import runpy
import time
from pathlib import Path

runpy.run_path("{recording}/sitecustomize.py")

_true = time.time

def _told():
    try:
        return _true() + float(Path("{clock}").read_text())
    except (OSError, ValueError):
        return _true()

time.time = _told
"""


def test_a_clock_that_jumps_makes_no_part_late_and_no_line_silent(
    storage, ready, until, tmp_path, monkeypatch
):
    clock = tmp_path / "clock"
    (tmp_path / "sitecustomize.py").write_text(JUMPING.format(clock=clock, recording=RECORDING))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run, process = started(storage, ready | {"pace": 1200.0, "deadline": 30.0})
    for days in (40, -40):
        until(lambda: status(storage, run) and status(storage, run).alive)
        clock.write_text(str(days * 86400))
        before = status(storage, run).time
        until(lambda before=before: abs(status(storage, run).time - before) > 30 * 86400)
        seen = accepted(storage)
        until(lambda seen=seen: accepted(storage) > seen + 20)
        said = status(storage, run)
        assert said.alive and not said.troubles
        assert 0 < said.a_minute < 3000
    found = ended(run, process)
    assert is_whole(found) and found.uninspected == 0
    captured = watch.newest(home(storage), 10_000)["captured"]
    assert captured.max() - captured.min() > 70 * 86400, "its clock did jump"


@pytest.fixture
def stream():
    """Address of a camera on the network, which sends MJPEG over HTTP for ever."""
    jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 128, np.uint8))[1].tobytes()
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            with suppress(OSError):
                while not over.wait(0.05):
                    self.wfile.write(head.encode() + jpeg + b"\r\n")

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.daemon_threads = True
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}/stream.mjpg"
        over.set()
        made.shutdown()


def camera_of(process):
    """The camera's own process under the line's, None while there is none."""
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.Error):
            if "grabber" in " ".join(child.cmdline()):
                return child
    return None


def test_a_camera_that_is_killed_or_hangs_is_started_again(storage, ready, until, stream):
    values = ready | {"source": "camera", "camera": stream, "pace": 600.0, "feature": "dot"}
    run, process = started(storage, values)
    for sent in (signal.SIGKILL, signal.SIGSTOP):
        before = accepted(storage)
        until(lambda before=before: accepted(storage) > before + 2)
        child = until(lambda: camera_of(process))
        child.send_signal(sent)
        until(lambda child=child: camera_of(process) not in (None, child))
    before = accepted(storage)
    until(lambda before=before: accepted(storage) > before + 2)
    assert is_whole(ended(run, process))


def test_a_broker_that_is_down_for_long_gets_all_in_order(storage, ready, until, tmp_path):
    if not brokers.MOSQUITTO:
        pytest.skip("mosquitto is not installed")
    count, broker = 2000, brokers.Broker(tmp_path)
    values = ready | {"sink": [broker.address]}
    run, process = started(storage, values | {"pace": 12_000.0})
    until(lambda: accepted(storage) >= count)
    until(lambda: "takes nothing" in troubles(storage, run))
    until(lambda: status(storage, run).pending[broker.address] >= count)
    process.send_signal(signal.SIGSTOP)  # what it says before somebody listens, nobody hears
    broker.start()
    try:
        with brokers.listening(broker.port) as heard:
            process.send_signal(signal.SIGCONT)
            until(lambda: len(brokers.keys(heard)) >= count)
            found = ended(run, process)
            for _ in range(20):
                if len(set(brokers.keys(heard))) >= found.accepted:
                    break
                # what was not told when it ended is told at its next start
                _, process = started(storage, values | {"count": 1})
                assert process.wait(300) == 0
                found = report.of(home(storage))
            keys = brokers.keys(heard)
    finally:
        broker.kill()
    assert is_whole(found)
    first = [key for key in dict.fromkeys(keys) if key[0] == 1]
    assert first == [(1, k + 1) for k in range(len(first))] and len(first) >= count
    assert len(set(keys)) == found.accepted


def test_a_damaged_outbox_is_set_aside_and_the_line_goes_on(storage, ready):
    _, process = started(storage, ready | {"count": 40})
    assert process.wait(300) == 0
    file = home(storage) / outbox.FILE
    file.write_bytes(b"\0" * file.stat().st_size)
    run, process = started(storage, ready | {"count": 40})
    assert process.wait(300) == 0
    assert "set aside as damaged-1-" in " ".join(runs.read(run.folder).result["notes"])
    assert len(list(home(storage).glob("damaged-1-*.sqlite"))) == 1
    found = report.of(home(storage))
    assert is_whole(found) and found.accepted == 80


def test_a_line_that_nobody_answers_for_is_known_by_its_silence(storage, ready, until):
    run, process = started(storage, ready | {"pace": 600.0})
    until(lambda: status(storage, run))
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        until(lambda: not status(storage, run).alive, watch.SILENT + 20)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert time.time() > status(storage, run).time
