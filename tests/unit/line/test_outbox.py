"""The outbox keeps its word: what it accepted has one verdict, whatever happens."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from backend.line import outbox as outboxes
from backend.line.outbox import Outbox
from backend.line.part import Captured, Judgement, Verdict
from backend.records import Shortage, UserError

GOOD = Judgement(Verdict.GOOD, 0.5, ms=3.0, config="c")


def some(count, mark=""):
    return [Captured(b"x", "dot", 1.0, f"s{k}", mark and f"{mark}{k}") for k in range(count)]


@pytest.fixture
def box(tmp_path):
    with closing(Outbox(tmp_path)) as made:
        made.begin(1, "lost")
        yield made


def test_a_part_is_accepted_then_judged_once(box):
    parts = box.accept(some(3))
    assert [(p.epoch, p.sequence, p.id) for p in parts] == [(1, 1, 1), (1, 2, 2), (1, 3, 3)]
    box.judge([(parts[0], GOOD)])
    box.judge([(parts[0], Judgement(Verdict.BAD)), (parts[1], GOOD)])
    rows = box.judged_after(0, 10)
    assert [(row.sequence, row.verdict, row.config) for row in rows] == [
        (1, "GOOD", "c"),
        (2, "GOOD", "c"),
    ], "the first verdict stands, and none is told beyond one without"
    assert box.totals() == {"GOOD": 2}


def test_what_an_earlier_start_left_is_uninspected(tmp_path):
    with closing(Outbox(tmp_path)) as first:
        first.begin(1, "lost")
        parts = first.accept(some(3))
        first.judge([(parts[1], GOOD)])
    with closing(Outbox(tmp_path)) as second:
        assert second.begin(2, "lost") == 2
        assert [row.verdict for row in second.judged_after(0, 9)] == [
            "UNINSPECTED",
            "GOOD",
            "UNINSPECTED",
        ]
        [part] = second.accept(some(1))
        assert (part.epoch, part.sequence, part.id) == (2, 1, 4)


@pytest.fixture
def hurt(box):
    """`hurt()`: the file of an outbox with 2,000 judged parts is damaged while it is open."""
    box.judge([(part, GOOD) for part in box.accept(some(2000))])

    def hurt():
        with closing(sqlite3.connect(box.path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with box.path.open("r+b") as file:
            file.seek(8 * 4096)
            file.write(b"\xaa" * 4096 * 40)

    return hurt


def test_one_that_is_damaged_while_it_is_open_says_so_and_what_to_do(box, hurt):
    hurt()
    for work in (lambda: box.judged_after(0, 5000), lambda: box.forget_marks(["m"]) or box.drop(9)):
        with pytest.raises(Shortage, match=r"is damaged .*Stop the line and start it again"):
            work()


def test_one_that_cannot_be_read_says_so_and_what_to_do(box):
    box.accept(some(1))
    with closing(sqlite3.connect(box.path)) as other:
        other.execute("ALTER TABLE totals RENAME TO away")
        other.commit()
        with pytest.raises(Shortage, match=r"cannot be read .*nothing that was stored is lost"):
            box.totals()
        other.execute("ALTER TABLE away RENAME TO totals")
        other.commit()
    assert box.totals() == {}, "and goes on when it is there again"


def test_a_known_mark_is_taken_in_once_also_after_a_restart(tmp_path):
    with closing(Outbox(tmp_path)) as first:
        first.begin(1, "lost")
        assert len(first.accept(some(2, "m"))) == 2
    with closing(Outbox(tmp_path)) as second:
        second.begin(2, "lost")
        assert [p.captured.mark for p in second.accept(some(3, "m"))] == ["m2"]
        second.forget_marks(["m0"])
        assert [p.captured.mark for p in second.accept(some(2, "m"))] == ["m0"]


def test_a_row_goes_when_it_is_cut_and_everybody_has_it(box):
    box.join(["a", "b"])
    parts = box.accept(some(4))
    box.judge([(part, GOOD) for part in parts])
    box.mark_taken("a", 1, 4)
    box.mark_taken("b", 1, 2)
    assert (box.pending("a"), box.pending("b")) == (0, 2)
    assert box.drop(3) == 2
    box.join(["a"])
    assert box.drop(3) == 1, "a sink that is not asked any more holds nothing"
    assert [row.id for row in box.judged_after(0, 9)] == [4]


def test_a_new_sink_begins_with_the_next_part(box):
    box.accept(some(2))
    box.join(["late"])
    assert box.taken("late") == 2


def test_places_go_on_behind_what_was_cut(tmp_path):
    with closing(Outbox(tmp_path, first_id=101)) as box:
        box.begin(3, "lost")
        assert box.last() == 100
        assert box.accept(some(1))[0].id == 101


@pytest.mark.parametrize("content", [b"no database at all" * 300, b""])
def test_a_damaged_file_is_set_aside(tmp_path, content):
    (tmp_path / outboxes.FILE).write_bytes(content)
    with closing(Outbox(tmp_path)) as box:
        box.begin(1, "lost")
        assert box.accept(some(1))
        if content:
            assert box.damaged.read_bytes() == content
        else:
            assert box.damaged is None, "an empty file is an empty database"


def test_a_page_in_the_middle_that_is_damaged_is_noticed(tmp_path):
    with closing(Outbox(tmp_path)) as box:
        box.begin(1, "lost")
        for _ in range(40):
            box.accept(some(50))
    path = tmp_path / outboxes.FILE
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    with closing(Outbox(tmp_path)) as box:
        assert box.damaged is not None


def test_a_full_disk_is_a_shortage_and_nothing_was_accepted(box):
    box._connection.execute(f"PRAGMA max_page_count = {_pages(box)}")
    with pytest.raises(Shortage, match="Make room"):
        box.accept([Captured(b"", "x" * 100_000, 1.0)])
    box._connection.execute("PRAGMA max_page_count = 1000000")
    assert [part.sequence for part in box.accept(some(1))] == [1]


def _pages(box):
    return box._connection.execute("PRAGMA page_count").fetchone()[0]


def test_a_reader_beside_the_line_sees_what_is_stored(box, tmp_path):
    parts = box.accept(some(2))
    box.judge([(parts[0], GOOD)])
    assert [row["verdict"] for row in outboxes.read(tmp_path)] == ["GOOD", None]
    assert outboxes.read(tmp_path / "nowhere") == []
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / outboxes.FILE).write_bytes(b"no database at all" * 300)
    with pytest.raises(UserError, match="Start the line"):
        outboxes.read(broken)


KILLED = """
import os, sys
from pathlib import Path
from backend.line.outbox import Outbox
from backend.line.part import Captured, Judgement, Verdict
box = Outbox(Path(sys.argv[1]))
box.begin(1, "lost")
for k in range(1000):
    parts = box.accept([Captured(b"", "dot", 1.0)])
    print(parts[0].sequence, flush=True)
    if k % 2:
        box.judge([(parts[0], Judgement(Verdict.GOOD, 1.0))])
"""


def test_what_was_accepted_survives_a_kill(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    said = [int(child.stdout.readline()) for _ in range(25)]
    child.kill()
    rest = child.stdout.read().split()
    child.wait()
    told = said + [int(word) for word in rest]
    with closing(Outbox(tmp_path)) as box:
        box.begin(2, "lost")
        rows = box.judged_after(0, 10_000)
    found = [row.sequence for row in rows]
    assert found == list(range(1, len(found) + 1))
    assert len(found) >= len(told)
    with closing(sqlite3.connect(tmp_path / outboxes.FILE)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_outbox_of_an_older_version_gets_the_columns_it_lacks(tmp_path):
    with closing(Outbox(tmp_path)) as made:
        made.begin(1, "lost")
        [part] = made.accept([Captured(b"", "dot", 1.0)])
        made.judge([(part, Judgement(Verdict.GOOD, 0.5))])
    with closing(sqlite3.connect(tmp_path / outboxes.FILE)) as database:
        for name in outboxes.LATER:
            database.execute(f"ALTER TABLE parts DROP COLUMN {name}")
        database.commit()
    [row] = outboxes.read(tmp_path)
    assert (row["score"], row["blind"], row["edge"]) == (0.5, None, None)
    with closing(Outbox(tmp_path)) as again:
        [kept] = again.judged_after(0, 9)
    assert (kept.score, kept.suspended, kept.blind, kept.edge) == (0.5, 0.0, 0.0, None)


def test_outboxes_that_are_set_aside_never_take_each_others_place(tmp_path):
    for _ in range(3):
        (tmp_path / outboxes.FILE).write_bytes(b"no database at all" * 100)
        with closing(Outbox(tmp_path)) as made:
            assert made.damaged is not None
    assert len(list(tmp_path.glob("damaged-*.sqlite"))) == 3


def test_the_newest_rows_are_read_alone(box, tmp_path):
    box.judge([(part, GOOD) for part in box.accept(some(5))])
    assert [row["sequence"] for row in outboxes.read(tmp_path, "verdict = ?", ["GOOD"], 2)] == [
        4,
        5,
    ]
