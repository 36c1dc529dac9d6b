"""A GenICam camera (GigE Vision, USB3 Vision, CoaXPress …) through its maker's GenTL producer.

A producer is a library of its maker's that may hang or crash, so it is loaded in a process of its
own alone, `genicam_grabber`. Needs the packages harvesters and genicam.
"""

import dataclasses
import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO

from backend.line.sources.camera import Camera, Kind, message
from backend.records import UserError
from backend.settings import PROJECT

EXTRA = "harvesters==1.4.3 genicam==1.6.0"
FREE, SOFTWARE = "", "Software"  # triggers; any other is an input, by the camera's name for it
PROBE_SECONDS = 60.0


@dataclass(frozen=True)
class Setup:
    """A camera and what is set on it before it starts.

    producer: the path of a .cti file. serial: "" for the only camera there is. exposure: µs, gain:
    as the camera counts it; 0: as they stand. pixel_format: "" as it stands. trigger: FREE,
    SOFTWARE or an input, such as Line1. more: NAME=VALUE of other features.
    """

    producer: str
    serial: str = ""
    exposure: float = 0.0
    gain: float = 0.0
    pixel_format: str = ""
    trigger: str = FREE
    more: tuple[str, ...] = ()

    def features(self) -> list[tuple[str, str, bool]]:
        """Name and value of what is set, in this order, and whether the camera must have it; names
        as in the Standard Features Naming Convention. Raises UserError where one is no
        NAME=VALUE."""
        found = [(*_named(text), True) for text in self.more]  # one may load a whole set
        found += [("TriggerSelector", "FrameStart", False)]
        if self.trigger == FREE:
            found += [("TriggerMode", "Off", False)]
        else:
            found += [("TriggerMode", "On", True), ("TriggerSource", self.trigger, True)]
        if self.pixel_format:
            found += [("PixelFormat", self.pixel_format, True)]
        if self.exposure:
            found += [("ExposureAuto", "Off", False), ("ExposureTime", f"{self.exposure:g}", True)]
        if self.gain:
            found += [("GainAuto", "Off", False), ("Gain", f"{self.gain:g}", True)]
        return found

    @property
    def title(self) -> str:
        """The camera in words."""
        return f"The camera {self.serial}" if self.serial else "The camera"


def _named(text: str) -> tuple[str, str]:
    name, equals, value = (piece.strip() for piece in text.partition("="))
    if not equals or not name.isidentifier() or not value:
        raise UserError(f"Camera setting: '{text}' is no NAME=VALUE, such as Width=1024.")
    return name, value


def check(setup: Setup) -> None:
    """Raises UserError where no camera can be asked here, or a setting is not written as one."""
    if find_spec("harvesters") is None or find_spec("genicam") is None:
        raise UserError(
            "Source: GenICam cameras need the packages harvesters and genicam. Install them: "
            f".venv/bin/pip install --no-deps {EXTRA}"
        )
    setup.features()


def probe(setup: Setup) -> None:
    """Open the camera, set it, and let go. Raises UserError where that fails."""
    try:
        done = subprocess.run(
            _command(setup, 0.0, "probe"),
            stdout=subprocess.PIPE,
            cwd=PROJECT,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"{setup.producer} does not answer within {PROBE_SECONDS:.0f} seconds. Look at the "
            "camera's cable and power, and try its maker's own program."
        ) from error
    said = message(BytesIO(done.stdout))
    if said and said.kind is Kind.TROUBLE:
        raise UserError(said.words)
    if done.returncode:
        raise UserError(
            f"{setup.producer} ends its program (code {done.returncode}): it may be no GenTL "
            "producer. Name the .cti file that the camera's maker installs."
        )


def camera(setup: Setup, pace: float, feature: str) -> Camera:
    """pace: parts a minute, 0 for every frame; a camera with a trigger of its own gives every one,
    one that is triggered by the line is triggered at that pace."""
    check(setup)
    return Camera(setup.title, _command(setup, pace), pace, feature, PROBE_SECONDS)


def _command(setup: Setup, pace: float, *more: str) -> list[str]:
    asked = json.dumps(dataclasses.asdict(setup))
    return [sys.executable, "-m", "backend.line.sources.genicam_grabber", asked, str(pace), *more]


def from_json(text: str) -> Setup:
    """The setup that `_command` handed over."""
    values = json.loads(text)
    return Setup(**values | {"more": tuple(values["more"])})
