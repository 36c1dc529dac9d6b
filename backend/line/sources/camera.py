"""A camera, an RTSP stream or a video file, in a process of its own that tells its frames.

Reading a stream can hang for ever, so a watchdog ends the process when no frame came for a while,
and starts it again, later each time, without end. Frames that were lost, or that nobody took in
time, are parts too.
"""

import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO

from backend.line.part import Captured, Judgement, Part
from backend.settings import PROJECT

HEAD = struct.Struct(">cdI")  # kind, time in seconds since 1970, bytes of what follows
STALL_SECONDS = 10.0
LONGEST_PAUSE = 30.0
GOODBYE_SECONDS = 5.0  # for a process to let go of its camera
HELD = 32  # frames that wait to be taken in, at most


class Kind(Enum):
    """What a camera's process tells. LOST: of a frame, why; TROUBLE: what keeps it from giving any;
    ALIVE: the camera is there and waits for its trigger."""

    FRAME = b"F"
    LOST = b"L"
    ALIVE = b"A"
    TROUBLE = b"T"


@dataclass(frozen=True)
class Message:
    """content: a picture, or words."""

    kind: Kind
    time: float
    content: bytes

    @property
    def words(self) -> str:
        return self.content.decode("utf-8", "replace")


def packed(kind: Kind, content: bytes = b"") -> bytes:
    """A message of now, as it is written."""
    return HEAD.pack(kind.value, time.time(), len(content)) + content


def message(pipe: IO[bytes]) -> Message | None:
    """The next message; None at the end."""
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    kind, when, size = HEAD.unpack(head)
    content = pipe.read(size)
    return Message(Kind(kind), when, content) if len(content) == size else None


def end_with_reader(out: IO[bytes]) -> None:
    """End this process when nobody reads its messages any more, even while it has none to tell: a
    line that was killed is started again and needs the camera."""
    reader = select.poll()
    reader.register(out.fileno(), 0)  # an error alone: the other end is closed

    def work() -> None:
        reader.poll()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GOODBYE_SECONDS)
        os._exit(1)

    threading.Thread(target=work, name="reader", daemon=True).start()


def stream(url: str, pace: float, feature: str) -> "Camera":
    """url: as OpenCV takes it, or the number of a camera. pace: parts a minute; 0: every frame."""
    command = [sys.executable, "-m", "backend.line.sources.grabber", url, str(pace)]
    return Camera(url, command, pace, feature)


class Camera:
    """name: of the camera in words. command: starts its process. pace: parts a minute; 0: every
    frame. opening: seconds until its first word, where that takes longer than STALL_SECONDS.

    A name that is a file is a video, which ends; a camera is tried again for ever.
    """

    def __init__(
        self, name: str, command: Sequence[str], pace: float, feature: str, opening: float = 0.0
    ) -> None:
        self.opening, self._heard = opening, False
        self.name, self.command, self.pace, self.feature = name, command, pace, feature
        self.trouble = f"{name} gives no picture yet."
        self._why = ""  # what the process said of its trouble
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
            _end(self._child)

    def _grab(self) -> None:
        """Start the process, take its frames, and again when it ends."""
        pause = 1.0
        while not self._closed.is_set():
            self._last, self._why, self._heard = time.monotonic(), "", False
            count, came_to_its_end = 0, False
            try:
                count, came_to_its_end = self._frames_of_one_start()
            except (OSError, ValueError) as error:  # not started, or no message of its
                self._why = f"{self.name} gives no picture ({error})."
            if count and came_to_its_end and Path(self.name).is_file():
                break
            why = self._why or f"{self.name} gives no picture."
            self.trouble = f"{why} It is tried again."
            pause = 1.0 if count else min(LONGEST_PAUSE, pause * 2)
            self._closed.wait(pause)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _frames_of_one_start(self) -> tuple[int, bool]:
        """How many frames came, and whether the process then ended by itself, in order."""
        count = 0
        with subprocess.Popen(self.command, stdout=subprocess.PIPE, cwd=PROJECT) as child:
            self._child = child
            if self._closed.is_set():  # meanwhile
                _end(child)
            assert child.stdout is not None
            try:
                while (said := message(child.stdout)) and not self._closed.is_set():
                    count += said.kind is Kind.FRAME
                    self._take(said)
                ended = _ended_well(child)
            finally:
                _end(child)
        return count, ended

    def _take(self, said: Message) -> None:
        """What the process tells."""
        if said.kind is Kind.TROUBLE:
            self._why = said.words
            return
        self._last, self._heard = time.monotonic(), True
        if said.kind is Kind.LOST:
            self._put(Captured(b"", self.feature, said.time, fault=said.words))
            return
        self.trouble = ""
        if said.kind is Kind.FRAME:
            self._put(Captured(said.content, self.feature, said.time))

    def _put(self, frame: Captured) -> None:
        with self._changed:
            if len(self._frames) >= HELD:
                self._missed += 1
            else:
                self._frames.append(frame)
            self._changed.notify_all()

    def _watch(self) -> None:
        """End a process that hangs: a frame or a word is due within its pace and STALL_SECONDS."""
        between = 60 / self.pace if self.pace else 0.0
        while not self._closed.wait(0.5):
            due = STALL_SECONDS if self._heard else max(STALL_SECONDS, self.opening)
            if time.monotonic() - self._last > due + between and self._child:
                self._child.kill()
                self._last = time.monotonic()


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a process; one that can lets go of its camera first."""
    child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(2.0)
    child.kill()


def _ended_well(child: subprocess.Popen[bytes]) -> bool:
    with suppress(subprocess.TimeoutExpired):
        return child.wait(1.0) == 0
    return False
