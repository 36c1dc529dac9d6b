"""A GenICam camera's own process: `… genicam_grabber SETUP PACE [probe]`, messages to stdout.

What the producer itself prints goes to stderr. Needs harvesters and genicam.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from genicam.genapi import GenericException as ApiError
from genicam.gentl import GenericException as TransportError
from harvesters.core import Callback, Harvester, ImageAcquirer

from backend.line.sources import genicam, pixels
from backend.line.sources.camera import Kind, end_with_reader, packed
from backend.line.sources.genicam import FREE, SOFTWARE, Setup
from backend.records import UserError

PATIENCE = 1.0  # seconds for a frame, after which the camera is asked whether it is still there
TRIGGERED_PATIENCE = 5.0  # seconds for a frame that the line asked for
WAIT_MS = 50  # of one wait in the producer
MOST_LOST = 1000  # frames that are told as lost at once: a counter that jumps further began anew
LOST = "the camera's frame did not arrive whole"
UNANSWERED = "the camera gave no frame when it was triggered"


@contextmanager
def opened(setup: Setup) -> Iterator[ImageAcquirer]:
    """The camera, ready to be set and started. Raises UserError where there is none."""
    harvester = Harvester()
    try:
        harvester.add_file(setup.producer, check_existence=True, check_validity=True)
    except OSError as error:
        raise UserError(
            f"{setup.producer} cannot be loaded ({error}). Name the .cti file that the camera's "
            "maker installs, made for this kind of computer."
        ) from error
    try:
        harvester.update()
        camera = _created(harvester, setup)
        camera.timeout_period_on_update_event_data_call = WAIT_MS
        try:
            yield camera
        finally:
            camera.destroy()
    finally:
        harvester.reset()


def _created(harvester: Harvester, setup: Setup) -> ImageAcquirer:
    """The camera, held by this process alone."""
    chosen = _chosen(harvester, setup)
    try:
        return harvester.create(chosen)
    except TransportError as error:
        raise UserError(
            f"{setup.title} cannot be opened ({_short(error)}). End the other program that holds "
            "it."
        ) from error


def _serial(device: Any) -> str:
    """Its serial number, or its id where it tells none."""
    with suppress(TransportError):
        if device.serial_number:
            return str(device.serial_number)
    return str(device.id_)


def _short(error: Exception) -> str:
    """What GenICam says, without the place in its own source."""
    return str(error).split(" : ")[0].rstrip(".")


def _chosen(harvester: Harvester, setup: Setup) -> Any:
    """The one camera with the serial number, or the only one."""
    there = {_serial(one): one for one in harvester.device_info_list}
    names = ", ".join(sorted(there))
    if not there:
        raise UserError(
            f"No camera answers {setup.producer}. Look at its cable, its power and its address."
        )
    if setup.serial and setup.serial not in there:
        raise UserError(
            f"No camera has the serial number {setup.serial}; there is: {names}. Plug it in, or "
            "correct the number."
        )
    if not setup.serial and len(there) > 1:
        raise UserError(f"There are several cameras. Name one by its serial number: {names}.")
    return there[setup.serial or names]


def prepare(nodes: Any, setup: Setup) -> None:
    """Set the camera's features. Raises UserError for one that it does not have or take."""
    for name, value, needed in setup.features():
        if nodes.has_node(name):
            _set(nodes, name, value, needed)
        elif needed:
            camera = f"the{setup.title.removeprefix('The')}"
            raise UserError(
                f"Camera setting: {camera} has no {name}. Leave it out, or name "
                f"what its maker calls it: --camera-setting NAME={value}."
            )
    pixels.format_of(nodes.PixelFormat.value)


def _set(nodes: Any, name: str, value: str, needed: bool) -> None:
    node = nodes.get_node(name)
    try:
        if hasattr(node, "execute"):
            node.execute()
        else:
            node.from_string(value)
    except ApiError as error:
        if needed:
            raise UserError(
                f"Camera setting: {name} cannot be {value} ({_short(error)}). Choose another value."
            ) from error


class Losses(Callback):
    """Counts frames that came broken or not at all, by the camera's numbers where it has any."""

    def __init__(self) -> None:
        self._broken = 0
        self._last: int | None = None

    def emit(self, context: object = None) -> None:
        """harvesters threw a broken frame away."""
        self._broken += 1

    def before(self, number: int | None) -> int:
        """How many were lost since the last frame that was asked about. number: of this frame,
        None where the camera counts none."""
        broken, self._broken = self._broken, 0
        if number is None:
            return broken
        last, self._last = self._last, number
        missing = 0 if last is None else number - last - 1
        return max(missing, broken) if missing <= MOST_LOST else broken


def _number(buffer: Any) -> int | None:
    with suppress(TransportError):
        return int(buffer.module.frame_id)
    return None


class Grabber:
    """Takes frames of a started camera, at most `pace` a minute, and tells them to `out`."""

    def __init__(self, camera: ImageAcquirer, setup: Setup, pace: float, out: IO[bytes]) -> None:
        self.camera, self.setup, self._out = camera, setup, out
        self.seconds = 60 / pace if pace and setup.trigger in (FREE, SOFTWARE) else 0.0
        self._losses = Losses()
        camera.add_callback(ImageAcquirer.Events.INCOMPLETE_BUFFER, self._losses)

    def tell(self, kind: Kind, content: bytes = b"") -> None:
        self._out.write(packed(kind, content))
        self._out.flush()

    def run(self) -> None:
        """For ever. Raises UserError or GenICam's own errors where the camera is gone."""
        if self.setup.trigger == SOFTWARE:
            self._ask()
        else:
            self._listen()

    def _listen(self) -> None:
        """Frames as the camera sends them."""
        due = time.monotonic()
        while True:
            buffer = self.camera.try_fetch(timeout=PATIENCE)
            if buffer is None:
                self._look()
                continue
            with buffer:
                lost = self._losses.before(_number(buffer))
                if not self.seconds:  # every frame is a part
                    self._tell_lost(lost, LOST)
                now = time.monotonic()
                if now >= due:
                    due = max(due + self.seconds, now)
                    self._give(buffer)

    def _look(self) -> None:
        """Is the camera still there? One that waits for its trigger may be silent for long."""
        self.camera.remote_device.node_map.Width.get_value(False, True)
        if self.setup.trigger != FREE:
            self.tell(Kind.ALIVE)

    def _ask(self) -> None:
        """Trigger the camera, again and again."""
        trigger = self.camera.remote_device.node_map.TriggerSoftware
        due = time.monotonic()
        while True:
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due + self.seconds, time.monotonic())
            trigger.execute()
            buffer = self.camera.try_fetch(timeout=TRIGGERED_PATIENCE)
            if buffer is None:
                self._tell_lost(1, UNANSWERED)
                self._look()
                self._pass_over()
                continue
            with buffer:
                self._give(buffer)

    def _pass_over(self) -> None:
        """A frame that comes late is not taken for the next one."""
        while (late := self.camera.try_fetch(timeout=WAIT_MS / 1000)) is not None:
            late.queue()

    def _tell_lost(self, count: int, why: str) -> None:
        for _ in range(count):
            self.tell(Kind.LOST, why.encode())

    def _give(self, buffer: Any) -> None:
        image = buffer.payload.components[0]
        picture = pixels.png(image.data, image.height, image.width, image.data_format)
        self.tell(Kind.FRAME, picture)


def main(setup: Setup, pace: float, out: IO[bytes], probe: bool) -> None:
    """Tell frames until the camera is gone, or nothing where it is only looked at."""
    with opened(setup) as camera:
        prepare(camera.remote_device.node_map, setup)
        if probe:
            return
        camera.start()
        try:
            Grabber(camera, setup, pace, out).run()
        finally:
            camera.stop()


def own_output() -> IO[bytes]:
    """stdout for messages alone: what a library prints goes to stderr from now on."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with own_output() as messages:
        end_with_reader(messages)
        try:
            main(genicam.from_json(sys.argv[1]), float(sys.argv[2]), messages, len(sys.argv) > 3)
        except (BrokenPipeError, SystemExit):  # nobody reads what is not written yet
            os._exit(0)
        except (UserError, ApiError, TransportError) as error:
            messages.write(packed(Kind.TROUBLE, str(error).encode()))
            messages.flush()
            sys.exit(1)
