"""A camera's process may hang or die; frames nobody took in time are parts too."""

import os
import signal
import time

import cv2
import numpy as np
import pytest

from backend.line.part import Captured
from backend.line.sources import camera
from backend.line.sources.camera import Camera


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
    found = everything(Camera(video, 0, "dot"))
    assert len(found) == 12
    assert {one.feature for one in found} == {"dot"}
    shades = [
        cv2.imdecode(np.frombuffer(one.picture, np.uint8), cv2.IMREAD_GRAYSCALE).mean()
        for one in found
    ]
    assert shades == sorted(shades) and shades[-1] > 200


def test_frames_beyond_what_is_held_are_told_of(video, monkeypatch, until):
    monkeypatch.setattr(camera, "HELD", 5)
    source = Camera(video, 0, "")
    until(lambda: source._ended, 30)
    found = everything(source)
    assert len(found) == 12
    assert [bool(one.fault) for one in found] == [False] * 5 + [True] * 7


def test_a_camera_that_is_nowhere_is_tried_again(monkeypatch, tmp_path, until):
    source = Camera(str(tmp_path / "none.avi"), 0, "")
    assert source.read(4, 0.01) == []
    until(lambda: "tried again" in source.trouble, 30)
    source.close()


SLOW = """
import struct, sys, time
HEAD = struct.Struct(">dI")
for k in range({count}):
    sys.stdout.buffer.write(HEAD.pack(1.0, 3) + b"abc")
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
    source = Camera("rtsp://nowhere", 0, "")
    found: list[Captured] = []
    until(lambda: found.extend(source.read(16, 0.1)) or len(found) >= 6, 60)
    assert len(hangs) >= 2
    source.close()


def test_a_killed_process_is_started_again(hangs, until, monkeypatch):
    monkeypatch.setattr(camera, "STALL_SECONDS", 600.0)
    source = Camera("rtsp://nowhere", 0, "")
    found: list[Captured] = []
    until(lambda: found.extend(source.read(16, 0.1)) or len(found) >= 3, 60)
    os.kill(hangs[0], signal.SIGKILL)
    until(lambda: found.extend(source.read(16, 0.1)) or len(found) >= 6, 60)
    source.close()
