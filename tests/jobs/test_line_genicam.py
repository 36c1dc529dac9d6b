"""A line that judges what an emulated GenICam camera sees, as a real process."""

import signal

import psutil
import pytest

from backend.core import jobs, runs
from backend.line import report, watch
from backend.records import UserError
from tests.unit.line.emulated import PRODUCER, SMALL
from tests.unit.line.packages import TYPES
from tests.unit.line.processes import accepted, home, started, status, troubles


@pytest.fixture
def values(ready):
    asked = {"source": "genicam", "producer": PRODUCER, "camera_serial": "1", "feature": TYPES[0]}
    return ready | asked | {"pixel_format": "Mono8", "camera_setting": SMALL}


def test_parts_before_the_camera_are_judged(storage, values):
    run, process = started(storage, values | {"count": 15, "pace": 300.0})
    assert process.wait(300) == 0
    found = report.of(home(storage))
    rows = watch.newest(home(storage), 100)
    assert set(rows["reason"]) == {""}
    assert found.accepted >= 15
    assert (found.uninspected, found.duplicates, found.gaps) == (0, 0, 0)
    assert found.good + found.review + found.bad == found.accepted
    assert runs.read(run.folder).result["accepted"] == found.accepted


def grabber_of(process):
    """The camera's own process under the line's, None while there is none."""
    for child in psutil.Process(process.pid).children(recursive=True):
        if "genicam_grabber" in " ".join(child.cmdline()):
            return child
    return None


def test_a_camera_that_is_lost_and_found_goes_on(storage, values, until):
    run, process = started(storage, values | {"pace": 600.0})
    until(lambda: accepted(storage) > 2)
    before, child = accepted(storage), grabber_of(process)
    child.send_signal(signal.SIGKILL)
    until(lambda: "gives no picture. It is tried again" in troubles(storage, run))
    until(lambda: accepted(storage) > before + 2)
    until(lambda: status(storage, run).troubles == {})
    assert jobs.request_cancel(run.folder)
    assert process.wait(300) == 130
    found = report.of(home(storage))
    assert (found.duplicates, found.gaps) == (0, 0)


def test_a_camera_that_is_not_there_is_said_before_the_line_begins(storage, values):
    with pytest.raises(UserError, match="No camera has the serial number 9; there is: 0, 1, 2"):
        started(storage, values | {"camera_serial": "9"})
    with pytest.raises(UserError, match="there is no file"):
        started(storage, values | {"producer": "/none/x.cti"})
