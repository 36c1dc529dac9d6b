"""Where the parts of a line meet: drift and recorder; variants and detectors in shadows and
recordings; what people said and the last weeks again."""

import shutil
import threading
from contextlib import closing
from io import BytesIO

import pytest
from PIL import Image

from backend.core import maintenance, runs
from backend.core.store import Store
from backend.line import again, judges, reviewed, segments, versions
from backend.line.again import Asked, Period
from backend.line.control import Wish
from backend.line.keeper import Keeper
from backend.line.part import Captured
from backend.line.recorder import recorder, recording, takeaway
from backend.line.recorder.recorder import Extent, Recorder
from backend.line.recorder.rejudge import rejudge
from backend.line.review import decisions, feed
from backend.line.shadow import beside, candidate, stored
from backend.line.shadow.beside import Beside
from backend.line.shadow.candidate import Candidate
from backend.line.spec import Spec
from backend.records import UserError
from tests.unit.line import lived, packages
from tests.unit.line.doubles import Heard

EXTENT = Extent(6, 10**9, 100, 1)


def captured(shade, number, deep=False):
    target = BytesIO()
    image = Image.fromarray(packages.picture(shade))
    if deep:  # 12 bits in a picture of 16
        image = image.convert("L").convert("I").point(lambda one: one * 16).convert("I;16")
    image.save(target, "PNG")
    return Captured(target.getvalue(), "dot", float(number), f"s{number}")


@pytest.fixture
def home(storage):
    made = storage.storage / segments.LINES / "press-3"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def recorded(home, engine, tmp_path):
    """`recorded(judge, pictures)`: what a recording of these says when it is judged again."""

    def make(judge, pictures):
        line = engine([], judge=judge)
        one = Recorder(home, line, EXTENT)
        one.attach(Keeper(home, line, 8, {}))
        for part in line.outbox.accept(pictures):
            one.saw(part, judge.look(part.captured).said)
        one.close()
        (file,) = recording.files(home)
        path = tmp_path / "taken.zip"
        path.write_bytes(takeaway.packed(home, file.name))
        return rejudge(path)

    return make


def judge_of(home, package, **settings):
    return judges.of(home, Spec(**settings), Wish("r", package.id))


def test_a_suspended_promise_is_recorded_once(storage, engine):
    home, wish = lived.line(storage)
    with lived.opened(home) as box:
        judge = lived.judge_of(home, wish)
        line = engine([], judge=judge)
        line.outbox = box
        keeper = Keeper(home, line, 8, {"package": judge.versions["package"]})
        keeper.obey(wish, lambda asked: judge)
        one = Recorder(home, line, EXTENT)
        one.attach(keeper)
        for part, said in lived.run_by(home, box, judge, [108.0] * 300):
            one.saw(part, said)
        keeper.watch()
        keeper.watch()
        one.close()
    assert judge.suspended == {"dot", "edge"}
    (file,) = recording.files(home)
    (alarm,) = recording.read(file).alarms
    assert alarm.reason.startswith("The scores of dot, edge drifted") and alarm.place == ()


def test_a_sink_that_breaks_at_its_heartbeat_ends_nothing(home, engine, until):
    class Broken(Heard):
        def beat(self, state):
            raise ValueError("a damaged key")

    line = engine([], sinks=[Broken()])
    Keeper(home, line, 8, {})._beat()
    until(lambda: "damaged key" in line.troubles.get("heard", ""))


def test_a_sink_that_hangs_at_its_heartbeat_holds_up_neither_the_line_nor_other_sinks(
    home, engine, until, monkeypatch
):
    monkeypatch.setattr("backend.line.keeper.BEAT_SECONDS", 0.0)
    released = threading.Event()

    class Hanging(Heard):
        def beat(self, state):
            released.wait()
            super().beat(state)

    hanging, other = Hanging("hanging"), Heard("other")
    line = engine([], sinks=[hanging, other])
    keeper = Keeper(home, line, 8, {})
    try:
        until(lambda: keeper.tick() or len(other.beats) >= 3)
        assert "hanging hears nothing: it does not answer." in line.troubles["hanging"]
        assert hanging.beats == []
    finally:
        released.set()
    until(lambda: keeper.tick() or (hanging.beats and "hanging" not in line.troubles))


def test_what_a_variant_judged_is_judged_again_by_it(storage, home, recorded):
    package = packages.package_run(storage.runs)
    file = packages.variant_in_force(storage.storage, package)
    judge = judge_of(home, package)
    assert judge.versions["variant"] == "INT8"
    found = recorded(judge, [captured(s, k) for k, s in enumerate(packages.SHADES)])
    assert (found.compared, found.same) == (4, 4)
    (kept,) = (home / recording.FOLDER / recording.PACKAGES).glob("*/variant-*.onnx")
    assert kept.read_bytes() == file.read_bytes()
    kept.write_bytes(b"another")
    path = home / "changed.zip"
    path.write_bytes(takeaway.packed(home, recording.files(home)[0].name))
    with pytest.raises(UserError, match="is not the one it names"):
        rejudge(path)


def test_what_a_detector_judged_is_judged_again(storage, home, recorded):
    judge = judge_of(home, packages.detector_run(storage.runs), box=0.9, box_review=0.3)
    found = recorded(judge, [captured(s, k) for k, s in enumerate((60, 100, 240))])
    assert [one.verdict for one in found.told] == ["GOOD", "REVIEW", "BAD"]
    assert (found.compared, found.same) == (3, 3)


def test_pictures_of_more_bits_are_judged_again_alike(storage, home, recorded):
    judge = judge_of(home, packages.package_run(storage.runs), bits=12)
    found = recorded(judge, [captured(130, 1, deep=True), captured(100, 2, deep=True)])
    assert (found.compared, found.same) == (2, 2)
    assert found.told[0].score == pytest.approx(3.0, abs=0.2)


def test_a_damaged_recording_and_a_full_disk_end_no_line(storage, home, recorded, monkeypatch):
    judge = judge_of(home, packages.package_run(storage.runs))
    folder = home / recording.FOLDER
    folder.mkdir()
    (folder / "20260101T000000-1-1.zip").write_bytes(b"PK torn")
    with pytest.raises(ValueError, match="too many values"):
        recorded(judge, [captured(130, 1)])
    assert len(recording.files(home)) == 2, "written beside the damaged one"

    def full(*_, **__):
        raise OSError(28, "full")

    monkeypatch.setattr(recorder.zipfile.ZipFile, "writestr", full)
    with pytest.raises(ValueError, match="too many values"):
        recorded(judge, [captured(130, 1)])
    assert list(folder.glob("*.partial")) == []


@pytest.mark.parametrize(("kind", "shade"), [("variant", 130), ("detector", 100)])
def test_a_shadow_judges_as_its_line_would(storage, home, until, kind, shade):
    made = {"variant": packages.package_run, "detector": packages.detector_run}
    package = made[kind](storage.runs)
    if kind == "variant":
        packages.variant_in_force(storage.storage, package)
    spec = Spec(feature="dot", box=0.9, box_review=0.3)
    judge = judges.of(home, spec, Wish("r", package.id))
    shadow = Beside(home, "r", spec)
    candidate.ask(home, Candidate("r", package.id))
    shadow.tick()
    with lived.opened(home) as box:
        ((part, said),) = [
            (part, judge.look(part.captured).said) for part in box.accept([captured(shade, 1)])
        ]
    shadow.saw(part, said)
    until(lambda: shadow.tick() or candidate.status(home).judged == 1)
    shadow.close()
    assert candidate.status(home).trouble == ""
    with closing(Store(":memory:")) as store:
        store.feed(stored, storage.storage)
        rows = store.read("SELECT verdict, package, score FROM shadows")
    assert rows.values.tolist() == [[said.verdict.value, said.package, said.score]]
    assert said.verdict.value == {"variant": "BAD", "detector": "REVIEW"}[kind]


def test_a_shadow_that_ends_by_itself_leaves_nothing_behind(storage, home, until, monkeypatch):
    monkeypatch.setattr(beside, "PAUSE", 0.0)
    drifted = packages.package_run(storage.runs, shift=1.0)
    candidate.ask(home, Candidate("r", drifted.id))
    before = threading.active_count()
    shadow = Beside(home, "r", Spec())
    shadow.tick()
    until(lambda: shadow._process.ended and shadow._process.trouble)
    until(lambda: threading.active_count() == before)

    def refused(*_, **__):
        raise OSError(12, "no memory")

    monkeypatch.setattr(beside.subprocess, "Popen", refused)
    shadow.tick()
    assert candidate.status(home).trouble == "The shadow cannot be started (no memory)."
    shadow.close()
    shadow = Beside(home, "r", Spec())
    shadow.tick()
    assert candidate.status(home).trouble == "The shadow cannot be started (no memory)."


def test_scores_of_a_variant_have_their_package(storage):
    package = packages.package_run(storage.runs)
    file = packages.variant_in_force(storage.storage, package)
    digest = packages.contract.sha256(file)[:12]
    assert versions.package_of(storage.runs, [package.id], digest) == package.id
    assert versions.package_of(storage.runs, ["another"], digest) is None
    assert versions.variant_of(storage.runs, digest).variant == "INT8"
    assert versions.package_of(storage.runs, [package.id], "") is None


def test_the_last_weeks_again_read_what_people_really_said(storage, store):
    home, wish = lived.line(storage, blind=0.5)
    judge = lived.judge_of(home, wish)
    with lived.opened(home) as box:
        lived.run_by(home, box, judge, [100.0, 108.0] * 20, blind=0.5, captured=1e6)
        lived.run_by(home, box, judge, [100.0, 108.0] * 20, blind=1.0, captured=2e6)
        segments.cut(home, box)
    store.feed(segments, storage.storage)
    rows = store.read("SELECT * FROM verdicts")
    for place in ((1, k) for k in range(1, 81)):
        decisions.record(home, place, "bad" if place[1] % 8 == 1 else "good", "Ann")
    decisions.record(home, (1, 1), "good", "Ben")
    decisions.record(home, (1, 2), "unsure", "Ben")
    decisions.take_back(home, "Ann")
    store.feed(feed, storage.storage)
    found = reviewed.decisions(store, home.name)
    assert found["sequence"].tolist() == list(range(2, 80)), "a tie, and one taken back"
    assert found["bad"].sum() == 9
    drawn = dict(zip(rows["sequence"], rows["blind"], strict=True))
    assert found["drawn"].tolist() == [drawn[k] for k in found["sequence"]]
    assert set(found["drawn"]) == {0.0, 0.5, 1.0}
    limits = dict.fromkeys(lived.TYPES, lived.LIMITS)
    asked = Asked(Period(home.name, 0, 1e9), judge.versions["package"], limits)
    counts, seen = again.counts(store, asked), again.decided(store, asked, found)
    (passed,) = again.strata(counts, seen, "now")
    mine = seen[(seen["now"] == "GOOD") & (seen["drawn"] > 0)]
    weights = 1 / mine["drawn"]
    assert passed.parts == (rows["verdict"] == "GOOD").sum()
    assert passed.judged < len(mine)
    assert passed.bad / passed.judged == pytest.approx(
        (weights * mine["bad"]).sum() / weights.sum()
    )
    assert again.escapes(counts, [passed]).value is not None


def test_a_backup_holds_what_was_recorded_and_said(storage, home, recorded, tmp_path):
    recorded(judge_of(home, packages.package_run(storage.runs)), [captured(130, 1)])
    decisions.record(home, (1, 1), "bad", "Ann")
    wanted = {path.relative_to(home) for path in recording.kept(home)}
    assert len(wanted) > 3
    target = maintenance.backup(storage, tmp_path / "backup.tar")
    shutil.rmtree(home)
    shutil.unpack_archive(target, tmp_path / "back")
    back = tmp_path / "back" / segments.LINES / home.name
    assert {path.relative_to(back) for path in recording.kept(back)} == wanted
    assert len(decisions.history(back)) == 1
    assert runs.folders(tmp_path / "back" / "runs")
