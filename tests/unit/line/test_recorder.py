"""The flight recorder: parts around an alarm, within bounds, judged again elsewhere to the bit."""

import io
import json
import shutil
import zipfile

import pytest

from backend.deployment.package import contract
from backend.line.judge import PackageJudge
from backend.line.keeper import Keeper
from backend.line.part import Captured, Judgement, Part, Verdict
from backend.line.recorder import reading, recorder, recording, takeaway
from backend.line.recorder.recorder import Extent, Recorder
from backend.line.recorder.rejudge import rejudge
from backend.records import UserError
from tests.unit.line.packages import TYPES, packed


@pytest.fixture
def line(tmp_path, engine):
    """`line(extent)`: a recorder beside a judge, `see(numbers)` of parts, and the line's folder."""
    parts, package = packed(tmp_path / "runs")
    judge = PackageJudge(contract.folder_of(package.folder), "", 1)
    made = engine([], judge=judge)
    made.start()
    home = tmp_path / "lines" / "press"
    home.mkdir(parents=True)
    count = iter(range(1, 10_000))

    def make(extent=None):
        one = Recorder(home, made, extent or Extent(6, 10**9, 100, 1))
        one.attach(Keeper(home, made, 8, {}))

        def see(*numbers):
            for k in numbers:
                picture = (parts.folder / f"artifacts/{k}.png").read_bytes()
                captured = Captured(picture, TYPES[k % 2], float(k), f"s{k}")
                place = next(count)
                one.saw(Part(place, 1, place, captured, 0.0), judge.look(captured).said)
            return one

        return see, home

    return make


@pytest.fixture
def taken(line, tmp_path):
    """A recording as it is downloaded."""
    see, home = line()
    see(0, 1, 2, 7, 4).close()
    path = tmp_path / "taken.zip"
    path.write_bytes(takeaway.packed(home, recording.files(home)[0].name))
    return path


def changed(path, name, content):
    """The zip with one member in place of what it was."""
    made = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(made, "w") as target:
        for member in source.infolist():
            if member.filename != name:
                target.writestr(member.filename, source.read(member))
        target.writestr(name, content)
    path.write_bytes(made.getvalue())
    return path


def test_parts_before_and_after_an_alarm_are_recorded_with_later_alarms(line):
    see, home = line()
    see(0, 1, 2, 0, 1, 2, 0, 1).tick()
    assert recording.files(home) == [], "all is well"
    see(7).tick()
    (home / recording.FOLDER).mkdir()
    (home / recording.FOLDER / "mine.zip").write_bytes(b"somebody's own")
    assert recording.files(home) == [], "it waits for what follows"
    see(0, 6, 1).tick()
    (path,) = recording.files(home)
    told = recording.read(path)
    assert [part.sequence for part in told.parts] == list(range(4, 13))
    assert [alarm.place for alarm in told.alarms] == [(1, 9), (1, 11)]
    assert {part.verdict for part in told.parts} == {"GOOD", "BAD"}


def test_a_recording_is_judged_again_to_the_bit_where_its_runs_are_gone(taken, tmp_path):
    shutil.rmtree(tmp_path / "runs")
    shutil.rmtree(tmp_path / "lines")
    found = rejudge(taken)
    assert (found.parts, found.compared, found.same, found.largest) == (5, 5, 5, 0.0)
    assert found.accepted and found.same_computer
    assert "5 of 5 parts of press score and are judged as then, to the bit" in found.words


def test_a_score_that_differs_is_told(taken):
    with zipfile.ZipFile(taken) as packed_:
        head = json.loads(packed_.read(recording.HEAD))
    head["parts"][0]["score"] += 1e-6
    found = rejudge(changed(taken, recording.HEAD, json.dumps(head)))
    assert (found.same, found.accepted) == (4, False)
    assert found.largest == pytest.approx(1e-6, rel=1e-3)
    assert "1-1 dot s0: then GOOD" in found.words


def test_what_the_line_tells_of_itself_is_recorded_too(line):
    see, home = line()
    one = see(0, 1)
    one.alarm("the golden part g1 scores otherwise")
    one.close()
    told = recording.read(recording.files(home)[0])
    assert [(a.reason, a.place) for a in told.alarms] == [
        ("the golden part g1 scores otherwise", ()),
    ]
    assert len(told.parts) == 2


def test_a_part_without_a_picture_is_recorded_and_not_compared(line, tmp_path):
    see, home = line()
    one = see(0)
    lost = Captured(b"", "dot", 1.0, "s", fault="the camera was too slow")
    one.saw(Part(9, 1, 9, lost, 0.0), Judgement(Verdict.UNINSPECTED, reason="too slow", config="?"))
    one.close()
    path = tmp_path / "taken.zip"
    path.write_bytes(takeaway.packed(home, recording.files(home)[0].name))
    found = rejudge(path)
    assert (found.parts, found.compared, found.same) == (2, 1, 1)


def test_recordings_stay_within_their_bounds_and_packages_go_with_the_last(line, monkeypatch):
    see, home = line(Extent(2, 10**9, 3, 1))
    ticks = iter(range(100))
    monkeypatch.setattr(recorder.time, "strftime", lambda *_: f"2026010{next(ticks)}T000000")
    for _ in range(5):
        see(7, 0).tick()
    kept = recording.files(home)
    assert [path.name[:8] for path in kept] == ["20260104", "20260103", "20260102"]
    assert len(list((home / recording.FOLDER / recording.PACKAGES).iterdir())) == 1


def test_only_so_many_pictures_wait_in_memory(line, monkeypatch):
    monkeypatch.setattr(recorder, "MOST_IN_MEMORY", 1)
    see, home = line()
    see(0, 1, 2, 7).close()
    assert len(recording.read(recording.files(home)[0]).parts) == 1


def test_alarms_that_come_too_fast_are_told(line, monkeypatch):
    monkeypatch.setattr(recorder, "MOST_DUE", 1)
    see, home = line(Extent(2, 10**9, 10, 1))
    one = see(7, 0, 7, 0, 7, 0)
    one.tick()
    assert len(recording.files(home)) == 1
    assert one.trouble == "2 alarms came too fast to be recorded."
    see(7, 0).tick()
    assert one.trouble == ""


def test_a_full_disk_is_a_trouble_and_no_end(line, monkeypatch):
    see, _ = line()
    monkeypatch.setattr(Recorder, "_write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    one = see(7)
    one.close()
    assert "cannot be recorded (full)" in one.trouble


def test_nothing_is_recorded_where_that_is_not_asked_for(line):
    see, home = line(Extent(0, 10**9, 3, 1))
    one = see()
    one.alarm("anything")
    one.close()
    assert recording.files(home) == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("../evil.txt", b"x", "which no recording holds"),
        ("/etc/passwd", b"x", "which no recording holds"),
        ("frames/../../x.png", b"x", "which no recording holds"),
        ("frames/0.png", b"another picture", "was changed"),
        ("frames/model.pkl", b"x", "which no recording holds"),
        (recording.HEAD, b"{}", "does not fit|format"),
        (recording.HEAD, b"[1", "does not fit"),
        (recording.HEAD, b'{"format": 1, "parts": [{"epoch": "x"}]}', "does not fit"),
    ],
)
def test_a_changed_recording_is_refused(taken, name, content, words):
    with pytest.raises(UserError, match=words):
        rejudge(changed(taken, name, content))


def test_a_package_that_was_changed_or_left_out_is_refused(taken):
    with zipfile.ZipFile(taken) as packed_:
        model = next(n for n in packed_.namelist() if n.endswith("model.onnx"))
    with pytest.raises(UserError, match="hash differs"):
        rejudge(changed(taken, model, b"another"))


def test_a_bomb_is_not_unpacked(taken, tmp_path):
    with zipfile.ZipFile(taken, "a", zipfile.ZIP_DEFLATED) as packed_:
        packed_.writestr("frames/999.png", b"\0" * (reading.RATIO_FROM + 1))
    with pytest.raises(UserError, match="times its size"):
        rejudge(taken)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 torn"])
def test_what_is_no_zip_is_refused(tmp_path, content):
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(UserError, match="no zip file"):
        rejudge(path)
    with pytest.raises(UserError, match="There is no file"):
        rejudge(tmp_path / "none.zip")


def test_what_lies_in_the_lines_folder_is_without_its_package(line):
    see, home = line()
    see(7).close()
    with pytest.raises(UserError, match="Download it"):
        rejudge(recording.files(home)[0])
