"""Every part that is taken in gets one verdict, and every machine hears of it."""

import sqlite3
import threading
import time
from contextlib import closing

from backend.line.engine import Engine
from backend.line.judge import Looked
from backend.line.keeper import Keeper
from backend.line.part import Judgement, Verdict
from backend.line.ring import DROP_NEWEST, DROP_OLDEST, Ring
from backend.records import Shortage
from tests.unit.line.doubles import Heard, Listed, Told, captured


def ran(engine: Engine) -> Engine:
    engine.start()
    engine.finish(20)
    assert engine.fault is None
    return engine


def until_closed(ring: Ring) -> None:
    while not ring.closed:
        time.sleep(0.001)


def test_each_part_has_its_verdict_in_order_and_is_told(engine, box):
    heard = Heard()
    done = ran(engine(captured(100), sinks=[heard]))
    rows = box.judged_after(0, 1000)
    assert [row.sequence for row in rows] == list(range(1, 101))
    assert [row.verdict for row in rows[:8]] == ["GOOD"] * 3 + ["REVIEW"] + ["GOOD"] * 3 + ["BAD"]
    assert [row.id for row in heard.rows] == [row.id for row in rows]
    assert box.totals() == {"GOOD": 80, "REVIEW": 10, "BAD": 10}
    assert isinstance(done.source, Listed)
    assert done.source.told[7] == ("7", Verdict.BAD)
    assert {row.package for row in rows} == {"model"}


def test_a_sink_that_is_down_holds_up_nobody(engine, box, monkeypatch):
    down, up = Heard("down", down=2), Heard("up", most=7)
    line = engine(captured(50), sinks=[down, up])
    monkeypatch.setattr(line._stop, "wait", lambda seconds=None: time.sleep(0.01))
    ran(line)
    assert len(up.rows) == 50, "also where it takes a few at a time"
    assert len(down.rows) == 50
    assert box.pending("down") == 0


def test_a_sink_that_breaks_ends_nothing(engine, box, monkeypatch):
    heard = Heard()
    send, times = heard.send, []

    def breaks(rows):
        times.append(len(rows))
        return 1 / 0 if len(times) < 3 else send(rows)

    monkeypatch.setattr(heard, "send", breaks)
    line = engine(captured(5), sinks=[heard])
    monkeypatch.setattr(line._stop, "wait", lambda seconds=None: time.sleep(0.01))
    ran(line)
    assert len(heard.rows) == 5


def test_what_a_full_buffer_drops_is_uninspected(engine, box):
    for policy, name in ((DROP_OLDEST, "o"), (DROP_NEWEST, "n")):
        ring = Ring(2, policy)
        line = engine(captured(40), Told(lambda one, ring=ring: until_closed(ring)), ring=ring)
        before = box.last()
        ran(line)
        rows = box.judged_after(before, 1000)
        assert len(rows) == 40, name
        unseen = [row for row in rows if row.verdict == "UNINSPECTED"]
        assert unseen
        assert {row.reason for row in unseen} == {"the buffer of 2 parts was full"}


def test_a_part_that_is_late_is_uninspected_and_keeps_its_score(engine, box):
    line = engine(captured(1), Told(lambda one: time.sleep(0.45)), deadline=0.4)
    ran(line)
    [row] = box.judged_after(0, 9)
    assert row.verdict == "UNINSPECTED"
    assert row.score == 1.0
    assert "too late" in row.reason


def test_a_part_that_the_disk_kept_waiting_is_late_too(engine, box, monkeypatch):
    judge, tries = box.judge, []

    def full_at_first(judged):
        tries.append(judged)
        if len(tries) == 1:
            raise Shortage("full")
        return judge(judged)

    monkeypatch.setattr(box, "judge", full_at_first)
    line = engine(captured(1), deadline=0.3)
    ran(line)
    [row] = box.judged_after(0, 9)
    assert (row.verdict, line.source.told) == ("UNINSPECTED", [("0", Verdict.UNINSPECTED)])


def test_a_judge_that_breaks_ends_the_line_and_no_part_is_good(engine, box):
    def breaks(one):
        if one.serial == "5":
            raise MemoryError

    line = engine(captured(20), Told(breaks))
    line.start()
    line.finish(2)
    assert isinstance(line.fault, MemoryError)
    assert all(row.sequence <= 5 for row in box.judged_after(0, 99))


def test_the_judge_is_exchanged_between_two_parts(engine, box):
    class Other(Told):
        def look(self, one):
            return Looked(Judgement(Verdict.BAD, 2.0, "", "other", 3))

    def swap(one):
        if one.serial == "9":
            line.judge = Other()

    line = engine(captured(20), Told(swap))
    ran(line)
    packages = [row.package for row in box.judged_after(0, 99)]
    assert packages == ["model"] * 10 + ["other"] * 10


def test_a_full_disk_is_waited_for(engine, box, monkeypatch):
    accept, times = box.accept, []

    def full(found):
        times.append(len(found))
        if len(times) < 3:
            raise Shortage("the disk is full")
        return accept(found)

    monkeypatch.setattr(box, "accept", full)
    line = engine(captured(5))
    monkeypatch.setattr(line._stop, "wait", lambda seconds=None: False)
    ran(line)
    assert times == [5, 5, 5]
    assert box.totals() == {"GOOD": 4, "REVIEW": 1}
    assert line.troubles == {}


def test_a_line_that_is_stopped_judges_what_is_inside(engine, box):
    gate = threading.Event()
    line = engine(captured(200), Told(lambda one: gate.wait(10)), ring=Ring(4, DROP_NEWEST))
    line.start()
    time.sleep(0.1)
    line.stop()
    gate.set()
    line.finish(10)
    rows = box.judged_after(0, 1000)
    assert len(rows) == box.last()


def test_all_but_good_ones_are_kept_and_a_sample_of_those(engine, box, tmp_path):
    ran(engine(captured(300), share=0.1))
    rows = box.judged_after(0, 1000)
    assert all(row.picture for row in rows if row.verdict in ("BAD", "REVIEW"))
    good = [row for row in rows if row.verdict == "GOOD"]
    assert 5 < sum(bool(row.picture) for row in good) < 60
    assert all((tmp_path / row.picture).is_file() for row in rows if row.picture)


def test_an_outbox_that_cannot_be_read_for_a_while_ends_nothing(engine, box, until):
    sink = Heard()
    line = engine(captured(5), sinks=[sink])
    keeper = Keeper(box.path.parent, line, 8, {})
    renamed = "ALTER TABLE {} RENAME TO {}"
    with closing(sqlite3.connect(box.path, timeout=30)) as other:
        other.execute(renamed.format("sinks", "away"))
        other.commit()
        line.start()
        until(lambda: "cannot be read" in line.troubles.get(sink.name, ""))
        keeper.tick()
        assert "cannot be read" in line.troubles["outbox"]
        other.execute(renamed.format("away", "sinks"))
        other.commit()
    until(lambda: len(sink.rows) == 5)
    keeper.tick()
    assert line.fault is None and "outbox" not in line.troubles
