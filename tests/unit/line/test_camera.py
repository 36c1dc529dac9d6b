"""A camera's process may hang or die; frames nobody took in time are parts too."""

import os
import signal
import sys
import time
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from backend.line.part import Captured
from backend.line.sources import camera, genicam
from backend.line.sources.camera import Camera, Kind, packed, stream
from backend.line.sources.genicam import Setup
from backend.line.spec import Spec
from backend.records import UserError
from backend.settings import PROJECT


@pytest.fixture
def video(tmp_path):
    path = str(tmp_path / "video.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for k in range(12):
        writer.write(np.full((48, 64, 3), k * 20, np.uint8))
    writer.release()
    return path


def everything(source, patience=30.0):
    found, deadline = [], time.monotonic() + patience
    while (batch := source.read(16, 0.1)) is not None:
        found += batch
        assert time.monotonic() < deadline
    return found


def test_a_video_gives_each_frame_and_ends(video):
    found = everything(stream(video, 0, "dot"))
    assert len(found) == 12
    assert {one.feature for one in found} == {"dot"}
    shades = [
        cv2.imdecode(np.frombuffer(one.picture, np.uint8), cv2.IMREAD_GRAYSCALE).mean()
        for one in found
    ]
    assert shades == sorted(shades) and shades[-1] > 200


def test_frames_beyond_what_is_held_are_told_of(video, monkeypatch, until):
    monkeypatch.setattr(camera, "HELD", 5)
    source = stream(video, 0, "")
    until(lambda: source._ended)
    found = everything(source)
    assert len(found) == 12
    assert [bool(one.fault) for one in found] == [False] * 5 + [True] * 7


def test_a_camera_that_is_nowhere_is_tried_again(monkeypatch, tmp_path, until):
    source = stream(str(tmp_path / "none.avi"), 0, "")
    assert source.read(4, 0.01) == []
    until(lambda: "tried again" in source.trouble)
    source.close()


SLOW = """
import struct, sys, time
HEAD = struct.Struct(">cdI")
for k in range({count}):
    sys.stdout.buffer.write(HEAD.pack(b"F", 1.0, 3) + b"abc")
    sys.stdout.buffer.flush()
time.sleep(600)
"""


@pytest.fixture
def hangs(tmp_path, monkeypatch):
    """The camera's process gives three frames and then nothing."""
    program = tmp_path / "hangs.py"
    program.write_text(SLOW.format(count=3))
    monkeypatch.setattr(camera, "STALL_SECONDS", 1.0)
    started = []
    popen = camera.subprocess.Popen

    def start(command, **options):
        child = popen([command[0], str(program)], **options)
        started.append(child.pid)
        return child

    monkeypatch.setattr(camera.subprocess, "Popen", start)
    return started


def test_a_camera_that_hangs_is_started_again(hangs, until):
    source = stream("rtsp://nowhere", 0, "")
    found: list[Captured] = []
    until(lambda: found.extend(source.read(16, 0.1)) or len(found) >= 6)
    assert len(hangs) >= 2
    source.close()


def test_a_killed_process_is_started_again(hangs, until, monkeypatch):
    monkeypatch.setattr(camera, "STALL_SECONDS", 600.0)
    source = stream("rtsp://nowhere", 0, "")
    found: list[Captured] = []
    until(lambda: found.extend(source.read(16, 0.1)) or len(found) >= 3)
    os.kill(hangs[0], signal.SIGKILL)
    until(lambda: found.extend(source.read(16, 0.1)) or len(found) >= 6)
    source.close()


def test_without_its_packages_an_industrial_camera_is_refused_with_the_way_to_get_them(monkeypatch):
    monkeypatch.setattr(genicam, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install --no-deps harvesters==\S+ genicam=="):
        replace(Spec(), source="genicam", producer="x.cti").check()


def test_the_extra_is_the_one_that_is_tested():
    pinned = (PROJECT / "requirements-dev.txt").read_text().splitlines()
    assert set(genicam.EXTRA.split()) <= {line.split()[0] for line in pinned if line}


@pytest.mark.parametrize("text", ["Width", "Width=", "=5", "a b=5"])
def test_a_camera_s_setting_is_a_name_and_a_value(text):
    with pytest.raises(UserError, match="is no NAME=VALUE"):
        Setup("x.cti", more=(text,)).features()


def python(words):
    return [sys.executable, "-c", words]


def test_a_camera_that_opens_slowly_is_not_ended_before_its_first_word(monkeypatch, until):
    monkeypatch.setattr(camera, "STALL_SECONDS", 0.1)
    says = f"import sys, time; time.sleep(2); sys.stdout.buffer.write({packed(Kind.FRAME, b'x')!r})"
    source = Camera("slow", python(says), 0.0, "dot", opening=60.0)
    until(lambda: source.read(1, 0.1))
    source.close()


@pytest.mark.parametrize("command", [["/none/program"], ["/bin/echo", "no message but words"]])
def test_a_process_that_does_not_start_or_talks_nonsense_is_tried_again(command, until):
    source = Camera("odd", command, 0.0, "dot")
    until(lambda: source.trouble.endswith("It is tried again."))
    source.close()
    until(lambda: source.read(1, 0.1) is None)


def test_closed_while_it_starts_it_leaves_no_process(monkeypatch, until):
    popen = camera.subprocess.Popen
    started: list[Any] = []

    def start(*asked, **options):
        until(lambda: source)
        child = popen(*asked, **options)
        started.append(child)
        source[0].close()
        return child

    source = []
    monkeypatch.setattr(camera.subprocess, "Popen", start)
    source.append(Camera("late", python("import time; time.sleep(600)"), 0.0, "dot"))
    until(lambda: started and started[0].poll() is not None)
