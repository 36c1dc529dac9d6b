"""Frames of an emulated GenICam camera; settings against GenICam's own node maps."""

import os
import signal
import subprocess
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import psutil
import pytest

from backend.line.sources import camera, genicam
from backend.line.sources.camera import Kind
from backend.line.sources.genicam import SOFTWARE, Setup
from backend.records import UserError
from backend.settings import PROJECT
from tests.unit.line.emulated import PRODUCER, SMALL

NodeMap = pytest.importorskip("genicam.genapi").NodeMap
grabber = pytest.importorskip("backend.line.sources.genicam_grabber")


@pytest.fixture
def opened():
    """`opened(setup, pace)`: a source, closed at the end."""
    made = []

    def make(setup, pace=0.0):
        made.append(genicam.camera(setup, pace, "dot"))
        return made[-1]

    yield make
    for one in made:
        one.close()


def frames(source, count, until):
    found = []
    until(lambda: found.extend(source.read(16, 0.1)) or len(found) >= count)
    return found


def pixels_of(one):
    return cv2.imdecode(np.frombuffer(one.picture, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize(("name", "shape"), [("Mono8", (100, 120)), ("RGBa8", (100, 120, 3))])
def test_frames_come_as_the_camera_was_set(opened, until, name, shape):
    source = opened(Setup(PRODUCER, "1", pixel_format=name, more=SMALL))
    found = frames(source, 8, until)
    assert {pixels_of(one).shape for one in found} == {shape}
    assert {(one.feature, one.fault) for one in found} == {("dot", "")}
    assert len({one.picture for one in found}) > 1, "the ball bounces"
    assert source.trouble == ""


def child_of(source):
    return psutil.Process(source._child.pid)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP])
def test_a_producer_that_dies_or_hangs_is_started_again(opened, until, monkeypatch, sent):
    monkeypatch.setattr(camera, "STALL_SECONDS", 5.0)
    source = opened(Setup(PRODUCER, "0", more=SMALL))
    frames(source, 1, until)
    first = child_of(source)
    os.kill(first.pid, sent)
    until(lambda: source._child.pid != first.pid)
    source.read(camera.HELD, 0.1)
    frames(source, camera.HELD, until)


def test_closed_it_lets_go_of_its_camera(opened, until):
    source = opened(Setup(PRODUCER, "0", more=SMALL))
    frames(source, 1, until)
    child = source._child
    source.close()
    assert child.wait(10) == 0, "and was not killed"


def test_a_camera_that_is_not_there_is_waited_for(opened, until):
    source = opened(Setup(PRODUCER, "77"))
    until(lambda: "there is: 0, 1, 2" in source.trouble)
    assert source.trouble.endswith("It is tried again.")
    assert source.read(4, 0.01) == []


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        (Setup(PRODUCER, "77"), "No camera has the serial number 77; there is: 0, 1, 2"),
        (Setup(PRODUCER), "several cameras. Name one by its serial number: 0, 1, 2"),
        (Setup(PRODUCER, "0", exposure=5000), "the camera 0 has no ExposureTime"),
        (Setup(PRODUCER, "0", trigger="Line1"), "the camera 0 has no TriggerMode"),
        (Setup(PRODUCER, "0", pixel_format="BayerRG8"), "PixelFormat cannot be BayerRG8"),
        (Setup(PRODUCER, "0", more=("Width=7",)), "Width cannot be 7 .*Value = 7 must be"),
        (Setup(__file__, "0"), "cannot be loaded"),
    ],
    ids=lambda value: "" if isinstance(value, Setup) else value[:20],
)
def test_what_cannot_be_set_is_said_before_the_line_starts(setup, words):
    with pytest.raises(UserError, match=words):
        genicam.probe(setup)


def test_a_camera_that_can_be_set_is_left_as_it_is_found(opened, until):
    setup = Setup(PRODUCER, "2", pixel_format="Mono8", more=SMALL)
    genicam.probe(setup)
    frames(opened(setup), 1, until)


def test_a_library_that_is_no_producer_does_not_end_the_asking_process():
    library = next(iter(sorted(Path(PRODUCER).parent.glob("libGCBase*.so"))))
    with pytest.raises(UserError, match="may be no GenTL producer"):
        genicam.probe(Setup(str(library)))


# Features of a real camera, in GenICam's own library: the emulated one has none of them.

FLOAT = '<Float Name="{}"><Value>{}</Value><Min>10</Min><Max>90000</Max></Float>'
CHOICE = '<Enumeration Name="{}">{}<Value>0</Value></Enumeration>'
ENTRY = '<EnumEntry Name="{}"><Value>{}</Value></EnumEntry>'


def choice(name, *options):
    return CHOICE.format(name, "".join(ENTRY.format(o, k) for k, o in enumerate(options)))


@pytest.fixture
def nodes():
    """The node map of a camera that was left triggered and with automatic exposure."""
    features = [
        choice("TriggerSelector", "AcquisitionStart", "FrameStart"),
        choice("TriggerMode", "On", "Off"),
        choice("TriggerSource", "Line0", "Line1", "Software"),
        choice("PixelFormat", "Mono8", "BayerRG8", "YUV422_8"),
        choice("ExposureAuto", "Continuous", "Off"),
        *(FLOAT.format("ExposureTime", 100), FLOAT.format("Gain", 10)),
    ]
    head = (
        '<RegisterDescription xmlns="http://www.genicam.org/GenApi/Version_1_1" '
        'ModelName="M" VendorName="V" ToolTip="" StandardNameSpace="None" SchemaMajorVersion="1" '
        'SchemaMinorVersion="1" SchemaSubMinorVersion="0" MajorVersion="1" MinorVersion="0" '
        'SubMinorVersion="0" ProductGuid="11111111-1111-1111-1111-111111111111" '
        'VersionGuid="11111111-1111-1111-1111-111111111111">'
    )
    made = NodeMap()
    made.load_xml_from_string(f"{head}{''.join(features)}</RegisterDescription>")
    return made


def values(nodes, *names):
    return [nodes.get_node(name).to_string() for name in names]


def test_exposure_gain_and_trigger_are_set(nodes):
    more = ("ExposureTime=300", "TriggerSelector=AcquisitionStart")
    setup = Setup("x.cti", "", 5000.0, 12.5, "BayerRG8", "Line1", more)
    grabber.prepare(nodes, setup)
    assert values(nodes, "TriggerSelector", "TriggerMode", "TriggerSource") == [
        *("FrameStart", "On", "Line1")
    ]
    assert values(nodes, "ExposureAuto", "PixelFormat") == ["Off", "BayerRG8"]
    assert (nodes.ExposureTime.value, nodes.Gain.value) == (5000.0, 12.5)


def test_without_a_trigger_the_camera_runs_free_and_the_rest_stands(nodes):
    grabber.prepare(nodes, Setup("x.cti"))
    assert values(nodes, "TriggerMode", "ExposureAuto") == ["Off", "Continuous"]
    assert (nodes.ExposureTime.value, nodes.Gain.value) == (100.0, 10.0)


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        (Setup("x.cti", exposure=5.0), "ExposureTime cannot be 5 "),
        (Setup("x.cti", trigger="Line9"), "TriggerSource cannot be Line9"),
        (Setup("x.cti", more=("Gamma=1",)), "has no Gamma"),
        (Setup("x.cti", pixel_format="YUV422_8"), "'YUV422_8' is not read here"),
    ],
    ids=lambda value: "" if isinstance(value, Setup) else value[:20],
)
def test_what_a_camera_does_not_take_is_said(nodes, setup, words):
    with pytest.raises(UserError, match=words):
        grabber.prepare(nodes, setup)


# A camera with triggers, doubled: what comes is a list of frame numbers, None for nothing.


class Doubled:
    def __init__(self, numbers):
        self.numbers, self.fired, self.left = list(numbers), 0, 0
        node = SimpleNamespace(get_value=self._width, execute=self._fire)
        nodes = SimpleNamespace(Width=node, TriggerSoftware=node)
        self.remote_device = SimpleNamespace(node_map=nodes)

    def add_callback(self, event, callback):
        self.broken = callback.emit

    def _width(self, verify, ignore_cache):
        return 2

    def _fire(self):
        self.fired += 1

    def try_fetch(self, timeout):
        if not self.numbers:
            raise grabber.TransportError("the camera is gone")
        number = self.numbers.pop(0)
        return None if number is None else Frame(number)


class Frame:
    def __init__(self, number):
        self.module = SimpleNamespace(frame_id=number)
        image = SimpleNamespace(data=np.full(4, number % 256, np.uint8), height=2, width=2)
        image.data_format = "Mono8"
        self.payload = SimpleNamespace(components=[image])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    queue = __exit__


def told(numbers, trigger, pace=0.0):
    """What the process of such a camera tells: a letter each, and the pictures' values."""
    out, doubled = BytesIO(), Doubled(numbers)
    with pytest.raises(grabber.TransportError):
        grabber.Grabber(doubled, Setup("x.cti", trigger=trigger), pace, out).run()
    out.seek(0)
    said = list(iter(lambda: camera.message(out), None))
    pictures = [SimpleNamespace(picture=one.content) for one in said if one.kind is Kind.FRAME]
    shown = [int(pixels_of(one)[0, 0]) for one in pictures]
    return "".join(one.kind.value.decode() for one in said), shown


def test_every_frame_of_an_input_is_a_part_and_lost_ones_are_told():
    assert told([1, None, 2, 5], "Line1", pace=28.0) == ("FAFLLF", [1, 2, 5])


def test_at_a_pace_what_lies_between_is_not_lost():
    assert told([1, 2, 9], "", pace=0.001) == ("F", [1])


def test_a_counter_that_begins_anew_is_no_loss():
    assert told([5, 6, 1, 2, 2**31], "Line1") == ("FFFFF", [5, 6, 1, 2, 0])


def test_a_trigger_without_its_frame_is_a_lost_part_and_a_late_frame_is_no_other():
    late = [1, None, 2, None, 3]  # 2 comes when nobody waits for it any more
    assert told(late, SOFTWARE) == ("FLAF", [1, 3])


def test_frames_that_came_broken_are_counted_where_the_camera_counts_none():
    losses = grabber.Losses()
    losses.emit()
    losses.emit()
    assert (losses.before(None), losses.before(None)) == (2, 0)


def test_frames_are_missed_where_a_camera_counts_from_0():
    assert told([0, 2], "Line1") == ("FLF", [0, 2])


def test_frames_that_came_broken_are_counted_where_the_count_stands_still():
    losses = grabber.Losses()
    found = [losses.before(0)]
    losses.emit()
    assert [*found, losses.before(0), losses.before(0)] == [0, 1, 0]


def test_a_camera_is_let_go_when_its_line_was_killed_and_no_frame_is_due():
    command = genicam._command(Setup(PRODUCER, "0", more=SMALL), 0.001)
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT) as child:
        try:
            assert camera.message(child.stdout).kind is Kind.FRAME
            child.stdout.close()
            assert child.wait(30) == 0
        finally:
            child.kill()


def test_a_serial_number_is_said_as_it_is_written(nodes):
    with pytest.raises(UserError, match="the camera AB12 has no Gamma"):
        grabber.prepare(nodes, Setup("x.cti", "AB12", more=("Gamma=1",)))
