"""A camera, an RTSP stream or a video file, through OpenCV in a process of its own.

Reading a stream can hang for ever, so a watchdog ends the process when no frame came for a while,
and starts it again, later each time, without end. Frames that nobody took in time are parts too.
"""

import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from backend.line.part import Captured, Judgement, Part
from backend.settings import PROJECT

HEAD = struct.Struct(">dI")  # time in seconds since 1970, bytes of the picture that follows
STALL_SECONDS = 10.0
LONGEST_PAUSE = 30.0
HELD = 32  # frames that wait to be taken in, at most


class Camera:
    """url: as OpenCV takes it, or the number of a camera. pace: parts a minute; 0: every frame.

    A video file ends; a camera is tried again for ever.
    """

    def __init__(self, url: str, pace: float, feature: str) -> None:
        self.url, self.pace, self.feature = url, pace, feature
        self.trouble = f"{url} gives no picture yet."
        self._frames: deque[Captured] = deque()
        self._missed = 0
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._ended = False
        self._child: subprocess.Popen[bytes] | None = None
        self._last = time.monotonic()
        for work in (self._grab, self._watch):
            threading.Thread(target=work, name="camera", daemon=True).start()

    def read(self, most: int, patience: float) -> list[Captured] | None:
        with self._changed:
            if not self._frames and not self._missed:
                if self._ended:
                    return None
                self._changed.wait(patience)
            found = [self._frames.popleft() for _ in range(min(most, len(self._frames)))]
            fault = "the line was too slow for the camera"
            lost = min(most - len(found), self._missed)
            self._missed -= lost
            return found + [Captured(b"", self.feature, time.time(), fault=fault)] * lost

    def done(self, part: Part, said: Judgement) -> None:
        """Nothing: a frame is not kept by its camera."""

    def gone(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        self._closed.set()
        if self._child:
            self._child.kill()

    def _grab(self) -> None:
        """Start the process, take its frames, and again when it ends."""
        pause = 1.0
        while not self._closed.is_set():
            self._last = time.monotonic()
            count, came_to_its_end = self._frames_of_one_start()
            if count and came_to_its_end and Path(self.url).is_file():
                break
            self.trouble = f"{self.url} gives no picture. It is tried again."
            pause = 1.0 if count else min(LONGEST_PAUSE, pause * 2)
            self._closed.wait(pause)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _frames_of_one_start(self) -> tuple[int, bool]:
        """How many frames came, and whether the process then ended by itself, in order."""
        command = [sys.executable, "-m", "backend.line.sources.grabber", self.url, str(self.pace)]
        count = 0
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT) as child:
            self._child = child
            assert child.stdout is not None
            while (frame := _frame(child.stdout)) and not self._closed.is_set():
                count += 1
                self._put(Captured(frame[1], self.feature, frame[0]))
            ended = _ended_well(child)
            child.kill()
        return count, ended

    def _put(self, frame: Captured) -> None:
        with self._changed:
            self._last, self.trouble = time.monotonic(), ""
            if len(self._frames) >= HELD:
                self._missed += 1
            else:
                self._frames.append(frame)
            self._changed.notify_all()

    def _watch(self) -> None:
        """End a process that hangs: a frame is due within its pace and STALL_SECONDS."""
        due = STALL_SECONDS + (60 / self.pace if self.pace else 0)
        while not self._closed.wait(0.5):
            if time.monotonic() - self._last > due and self._child:
                self._child.kill()
                self._last = time.monotonic()


def _ended_well(child: subprocess.Popen[bytes]) -> bool:
    with suppress(subprocess.TimeoutExpired):
        return child.wait(1.0) == 0
    return False


def _frame(stream: IO[bytes]) -> tuple[float, bytes] | None:
    """Time and picture of the next frame; None at the end."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    captured, size = HEAD.unpack(head)
    picture = stream.read(size)
    return (captured, picture) if len(picture) == size else None
