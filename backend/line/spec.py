"""Line: what it is asked for, and what it gives back when it has an end."""

import re
from dataclasses import dataclass
from pathlib import Path

from backend.core.specs import param
from backend.images.vocabulary import GLASS, MATERIALS
from backend.line.ring import POLICIES, WAIT
from backend.line.sources import genicam
from backend.line.sources.genicam import Setup
from backend.records import UserError

REPLAY, FOLDER = ("source", ("replay",)), ("source", ("folder",))
CAMERA, HTTP = ("source", ("camera",)), ("source", ("http",))
GENICAM = ("source", ("genicam",))
ELSEWHERE = ("source", ("replay", "folder", "camera", "genicam"))  # served for figures alone
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def check_name(name: str) -> None:
    """Raises UserError for a line's name that is none."""
    if not NAME.fullmatch(name):
        raise UserError(
            f"Name: '{name}' cannot be a line's. Use up to 40 small letters, digits and hyphens, "
            "such as press-3."
        )


@dataclass(frozen=True)
class Spec:
    """Settings of a line; its name is the run's."""

    source: str = param(
        "replay",
        "where parts come from: the parts of a run again and again, a watched folder, a camera or "
        "video, an industrial camera (GenICam), or programs that hand them in over HTTP",
        choices=("replay", "folder", "camera", "genicam", "http"),
    )
    parts_run: str = param(
        "", "whose parts or pictures are replayed", run="parts|dataset|testset", when=REPLAY
    )
    pace: float = param(
        28.0,
        "parts a minute; 0: as fast as it goes",
        lo=0,
        hi=60_000,
        when=("source", ("replay", "camera", "genicam")),
    )
    folder: str = param(
        "", "the folder that is watched; others may write into it", path="folder", when=FOLDER
    )
    pattern: str = param(
        "{feature}/{serial}",
        "what a file's path says, without its ending: {feature} is its type, {serial} its number",
        when=FOLDER,
        advanced=True,
    )
    move: bool = param(
        True,
        "move files that were judged into its subfolder inspected or quarantine",
        when=FOLDER,
        advanced=True,
    )
    camera: str = param(
        "", "address of the stream (rtsp://…), a video file, or the camera's number", when=CAMERA
    )
    producer: str = param(
        "",
        "the GenTL producer that the camera's maker installs: a file that ends in .cti",
        path="file",
        when=GENICAM,
    )
    camera_serial: str = param(
        "", "the camera's serial number; empty: the only camera there is", when=GENICAM
    )
    trigger: str = param(
        "",
        "what makes the camera take a picture: empty: itself, all the time; Software: the line, at "
        "its pace; else an input as the camera calls it, such as Line1: every picture is a part",
        when=GENICAM,
    )
    pixel_format: str = param(
        "",
        "in which the camera sends its pictures, such as Mono8, BayerRG8 or RGB8; empty: as it is "
        "set",
        when=GENICAM,
    )
    exposure: float = param(
        0.0, "exposure time, µs; 0: as the camera is set", lo=0, hi=60_000_000, when=GENICAM
    )
    gain: float = param(
        0.0,
        "gain as the camera counts it, mostly dB; 0: as it is set",
        lo=-100,
        hi=1000,
        when=GENICAM,
    )
    camera_setting: tuple[str, ...] = param(
        (),
        "more that is set on the camera, by the names of its maker: Width=1024, UserSetLoad=1",
        when=GENICAM,
        advanced=True,
    )
    host: str = param(
        "127.0.0.1",
        "address at which parts are handed in; 0.0.0.0: from the whole network",
        when=HTTP,
    )
    port: int = param(8600, "port at which parts are handed in", lo=1, hi=65535, when=HTTP)
    metrics_host: str = param(
        "127.0.0.1",
        "address at which figures are read; 0.0.0.0: from the whole network",
        when=ELSEWHERE,
        advanced=True,
    )
    metrics_port: int = param(
        0,
        "port at which a monitoring system reads /metrics and /health; 0: none",
        lo=0,
        hi=65535,
        when=ELSEWHERE,
        advanced=True,
    )
    rate: float = param(
        100.0, "parts a second that may be handed in", lo=0.1, hi=10_000, when=HTTP, advanced=True
    )
    package_run: str = param("", "the package that judges", run="package")
    threshold_run: str = param(
        "", "whose limits count in place of the package's own", run="threshold", optional=True
    )
    box: float = param(
        0.0,
        "of a detector: how sure a box makes a part BAD; 0: as its package says",
        lo=0,
        hi=1,
        advanced=True,
    )
    box_review: float = param(
        0.0,
        "of a detector: how sure a box at least sends a part to REVIEW; 0: none does",
        lo=0,
        hi=1,
        advanced=True,
    )
    bits: int = param(
        16,
        "bits in use where pictures have more than 8 a channel; all parts are scaled alike",
        choices=(8, 10, 12, 14, 16),
        advanced=True,
    )
    feature: str = param("", "the feature type of parts whose source does not tell", advanced=True)
    count: int = param(0, "parts until it ends by itself; 0: never", lo=0, hi=100_000_000)
    sink: tuple[str, ...] = param(
        (),
        "who is told of each verdict: csv:FILE, mqtt://HOST:PORT/TOPIC, https://ADDRESS or "
        "opc.tcp://HOST:PORT",
    )
    uninspected: str = param(
        "reject",
        "what machines are told to do with a part that nobody looked at",
        choices=("reject", "hold"),
    )
    buffer: int = param(
        64, "parts that wait to be judged, at most", lo=1, hi=100_000, advanced=True
    )
    full: str = param(
        WAIT,
        "where the buffer is full: let the source wait, or leave a part uninspected",
        choices=POLICIES,
        advanced=True,
    )
    deadline: float = param(
        0.0,
        "seconds after which a part is uninspected, for it is past the gate; 0: none (over HTTP 9)",
        lo=0,
        hi=3600,
        advanced=True,
    )
    keep_good: float = param(
        0.01, "share of the GOOD parts whose picture is kept", lo=0, hi=1, advanced=True
    )
    blind_share: float = param(
        0.01,
        "share of all parts, whatever their verdict, that a person judges without knowing it: from "
        "these alone the line learns what it lets through",
        lo=0,
        hi=1,
    )
    repeat_share: float = param(
        0.05,
        "share of the parts that people look at which come again, unseen, to the same person and "
        "to others: from these the line learns how far people agree",
        lo=0,
        hi=1,
        advanced=True,
    )
    rabbits: int = param(
        0,
        "known defects a shift of eight hours that are painted onto the line's own GOOD parts and "
        "judged beside them, to see whether they are found; they never count as parts; 0: none",
        lo=0,
        hi=2000,
    )
    rabbit_material: str = param(
        GLASS,
        "what the parts are made of: their defects are drawn as they look on it",
        choices=MATERIALS,
        advanced=True,
    )
    rabbit_student: str = param(
        "",
        "student that paints the defects in place of the renderer",
        run="distill",
        optional=True,
        advanced=True,
    )
    bad_share: float = param(
        0.02,
        "share of parts that may be BAD before more of them count as a drift of the scores",
        lo=0,
        hi=0.5,
        advanced=True,
    )
    keep_megabytes: int = param(
        2000, "of kept pictures, at most", lo=1, hi=10_000_000, advanced=True
    )
    keep_files: int = param(100_000, "kept pictures, at most", lo=10, hi=10_000_000, advanced=True)
    golden_hours: float = param(
        8.0,
        "hours between two tests with the package's golden parts",
        lo=0.01,
        hi=1000,
        advanced=True,
    )
    record_parts: int = param(
        20,
        "parts before an alarm that are recorded with it; 0: none",
        lo=0,
        hi=1000,
        advanced=True,
    )
    record_megabytes: int = param(
        500, "of recorded alarms, at most", lo=1, hi=1_000_000, advanced=True
    )
    threads: int = param(1, "processor threads for judging", lo=1, hi=64, advanced=True)

    def check(self) -> None:
        from backend.line import sinks
        from backend.line.sources.folder import compiled

        if self.source == "folder":
            compiled(self.pattern)
            if not self.folder:
                raise UserError("Folder: name the folder that is watched.")
        if self.source == "camera" and not self.camera.strip():
            raise UserError("Camera: name its address, such as rtsp://camera/stream.")
        if self.source == "genicam":
            genicam.check(self.setup())
        if len(set(self.sink)) < len(self.sink):
            raise UserError("Sink: the same one is named twice.")
        for address in self.sink:
            sinks.opened(address, "check", self.uninspected).close()

    def setup(self) -> Setup:
        """Of a GenICam camera."""
        return Setup(
            producer=str(Path(self.producer).expanduser()),
            serial=self.camera_serial.strip(),
            exposure=self.exposure,
            gain=self.gain,
            pixel_format=self.pixel_format.strip(),
            trigger=self.trigger.strip(),
            more=self.camera_setting,
        )


@dataclass(frozen=True)
class Result:
    """What the line did since it was first started. p50_ms, p99_ms: from the source to the
    verdict, None without any. notes: what is still to be told to whom, and the like."""

    accepted: int
    good: int
    review: int
    bad: int
    uninspected: int
    p50_ms: float | None
    p99_ms: float | None
    notes: tuple[str, ...] = ()
