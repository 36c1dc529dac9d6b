"""The page Recordings: alarms, the parts around them, and the zip."""

import pytest

from backend.core import runs
from backend.deployment.package import contract
from backend.line.judge import PackageJudge
from backend.line.part import Captured, Part
from backend.line.recorder.recorder import Extent, Recorder
from tests.pages.test_line_pages import texts
from tests.pages.test_pages import is_well, open_page
from tests.pages.worked_lines import NAME, worked

RECORDINGS = "pages/line/recordings.py"


@pytest.fixture
def line(storage, empty_dashboard):
    return worked(storage)


class Engine:
    """What a recorder looks at."""

    def __init__(self, judge):
        self.judge, self.watchers, self.troubles = judge, [], {}


def test_without_an_alarm_it_says_so(line):
    app = open_page(RECORDINGS, line=NAME)
    is_well(app)
    assert "No alarm of this line was recorded yet" in texts(app)


def test_a_recording_shows_why_it_was_made_and_its_parts(line, storage):
    run, home = line
    package = contract.folder_of(storage.runs / runs.read(run.folder).spec["package_run"])
    judge = PackageJudge(package, "", 1)
    recorder = Recorder(home, Engine(judge), Extent(5, 10**9, 10, 1))
    parts = next(storage.runs.glob("*-parts-*"))
    for place, number in enumerate((0, 1, 7), start=1):
        picture = (parts / f"artifacts/{number}.png").read_bytes()
        one = Part(place, 1, place, Captured(picture, "dot", 1.0, f"s{place}"), 0.0)
        recorder.saw(one, judge.look(one.captured).said)
    recorder.close()
    app = open_page(RECORDINGS, line=NAME)
    is_well(app)
    assert "1 alarm, 3 parts" in texts(app) and "part 1-3: BAD" in texts(app)
    assert app.dataframe[0].value["verdict"].tolist() == ["GOOD", "GOOD", "BAD"]
