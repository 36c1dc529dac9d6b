"""Verdicts are cut to files that appear whole, and many small ones become one."""

from contextlib import closing

import pandas as pd
import pytest

from backend.core.store import Store, rebuild
from backend.line import job, report, segments, watch
from backend.line.outbox import Outbox
from backend.line.part import Captured, Judgement, Verdict
from backend.records import UserError


@pytest.fixture
def box(tmp_path):
    with closing(Outbox(tmp_path)) as made:
        made.begin(1, "lost")
        yield made


def run_parts(box, count, verdict=Verdict.GOOD):
    parts = box.accept([Captured(b"", "dot", 1.0) for _ in range(count)])
    box.judge([(part, Judgement(verdict, 0.5, ms=float(part.id))) for part in parts])


def test_what_is_judged_is_cut_once(box, tmp_path):
    run_parts(box, 5)
    assert segments.cut(tmp_path, box, least=6) == 0
    assert segments.cut(tmp_path, box) == 5
    run_parts(box, 2)
    assert segments.cut(tmp_path, box) == 2
    assert [path.name for path in segments.files(tmp_path)] == ["1-5.parquet", "6-7.parquet"]
    rows = pd.concat(map(pd.read_parquet, segments.files(tmp_path)))
    assert rows["id"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert set(rows["verdict"]) == {"GOOD"}


def test_a_part_without_verdict_holds_those_behind_it(box, tmp_path):
    first, second = box.accept([Captured(b"", "dot", 1.0)] * 2)
    box.judge([(second, Judgement(Verdict.BAD, 9.0))])
    assert segments.cut(tmp_path, box) == 0
    box.judge([(first, Judgement(Verdict.GOOD, 0.0))])
    assert segments.cut(tmp_path, box) == 2


def test_many_small_files_become_one_and_a_crash_between_is_harmless(box, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "MOST_FILES", 3)
    for _ in range(4):
        run_parts(box, 2)
        segments.cut(tmp_path, box)
    monkeypatch.setattr(segments, "_remove", lambda held: None)
    segments.melt(tmp_path)
    assert [path.name for path in segments.files(tmp_path)] == ["1-8.parquet"]
    assert len(list((tmp_path / segments.FOLDER).iterdir())) == 5
    monkeypatch.undo()
    (tmp_path / segments.FOLDER / "9-9.partial").write_bytes(b"")
    segments.leftovers(tmp_path)
    assert [p.name for p in (tmp_path / segments.FOLDER).iterdir()] == ["1-8.parquet"]
    assert pd.read_parquet(segments.files(tmp_path)[0])["id"].tolist() == list(range(1, 9))


def test_the_report_counts_what_is_cut_and_what_is_not(box, tmp_path):
    run_parts(box, 4)
    segments.cut(tmp_path, box)
    box.drop(2)  # the outbox still holds what some sink lacks; the report counts it once
    run_parts(box, 3, Verdict.BAD)
    box.accept([Captured(b"", "dot", 1.0)])
    found = report.of(tmp_path)
    assert (found.accepted, found.good, found.bad, found.review) == (8, 4, 3, 0)
    assert (found.duplicates, found.gaps) == (0, 0)
    assert found.p50_ms == 4.0


def test_the_report_names_what_is_missing(box, tmp_path):
    run_parts(box, 3)
    segments.cut(tmp_path, box)
    run_parts(box, 3)
    box.drop(0)
    box._connection.execute("DELETE FROM parts WHERE id IN (4, 5)")
    assert report.of(tmp_path).gaps == 2


def test_there_is_no_report_without_a_line(tmp_path):
    with pytest.raises(UserError, match="no line 'none'"):
        report.of(tmp_path / "none")


def test_an_empty_line_has_a_report(box, tmp_path):
    assert report.of(tmp_path).accepted == 0
    assert report.of(tmp_path).p50_ms is None


def test_the_store_takes_each_segment_in_once(storage, store):
    home = report.home(storage.storage, "press")
    with closing(Outbox(home)) as box:
        box.begin(1, "lost")
        run_parts(box, 4)
        segments.cut(home, box)
        store.feed(segments, storage.storage)
        run_parts(box, 3, Verdict.BAD)
        segments.cut(home, box)
        for _ in range(2):
            store.feed(segments, storage.storage)
    counts = store.read("SELECT verdict, count(*) AS n FROM verdicts GROUP BY ALL ORDER BY ALL")
    assert counts.to_dict("records") == [{"verdict": "BAD", "n": 3}, {"verdict": "GOOD", "n": 4}]
    assert store.read("SELECT upto FROM fed")["upto"].tolist() == [7]


def test_a_segment_made_of_known_ones_brings_nothing_twice(storage, store, monkeypatch):
    monkeypatch.setattr(segments, "MOST_FILES", 2)
    home = report.home(storage.storage, "press")
    with closing(Outbox(home)) as box:
        box.begin(1, "lost")
        for _ in range(3):
            run_parts(box, 2)
            segments.cut(home, box)
            store.feed(segments, storage.storage)
        segments.melt(home)
        run_parts(box, 1)
        segments.cut(home, box)
    store.feed(segments, storage.storage)
    assert sorted(store.read("SELECT sequence FROM verdicts")["sequence"]) == list(range(1, 8))


def test_a_rebuilt_database_knows_the_lines_again(storage):
    home = report.home(storage.storage, "press")
    with closing(Outbox(home)) as box:
        box.begin(1, "lost")
        run_parts(box, 4)
        segments.cut(home, box)
    rebuild(storage.database, storage.runs)
    with closing(Store(storage.database)) as store:
        assert len(store.read("SELECT * FROM verdicts")) == 4


def damage_the_third(home, box, count=6):
    """Segments of two rows each, of which the third cannot be read."""
    for _ in range(count):
        run_parts(box, 2)
        segments.cut(home, box)
    third = segments.files(home)[2]
    third.write_bytes(third.read_bytes()[:-9])
    return third


def test_a_damaged_segment_stays_where_it_is_and_ends_nothing(box, tmp_path, monkeypatch):
    third = damage_the_third(tmp_path, box)
    monkeypatch.setattr(segments, "MOST_FILES", 3)
    before = segments.cut_upto(tmp_path)
    for _ in range(3):
        segments.melt(tmp_path)
    assert [path.name for path in segments.files(tmp_path)] == [
        *("1-4.parquet", third.name, "7-12.parquet"),
    ]
    assert segments.cut_upto(tmp_path) == before
    found = report.of(tmp_path)
    assert (found.accepted, found.gaps, found.damaged) == (10, 2, (third.name,))
    (tmp_path / segments.FOLDER / "7-12.parquet").write_bytes(b"")
    assert watch.newest(tmp_path, 5).empty
    assert segments.epoch(tmp_path) == 1


def test_a_damaged_segment_holds_up_its_own_line_alone(storage, store):
    homes = [report.home(storage.storage, name) for name in ("a", "b")]
    with closing(Outbox(homes[0])) as one, closing(Outbox(homes[1])) as other:
        damaged = damage_the_third(homes[0], one, 4)
        run_parts(other, 3)
        segments.cut(homes[1], other)
    for _ in range(2):
        with pytest.raises(UserError, match=rf"a/segments/{damaged.name}.*take it out"):
            store.feed(segments, storage.storage)
    counts = "SELECT maker, count(*) AS n FROM verdicts GROUP BY maker ORDER BY maker"
    assert store.read(counts).values.tolist() == [["a", 4], ["b", 3]]
    assert len(rebuild(storage.storage / "other.duckdb", storage.runs)) == 1
    damaged.unlink()
    store.feed(segments, storage.storage)
    assert store.read(counts).values.tolist() == [["a", 6], ["b", 3]]


def test_an_epoch_never_comes_again(box, tmp_path):
    run_parts(box, 1)
    segments.cut(tmp_path, box)
    for left in ("", "nonsense", None):
        kept = tmp_path / "epoch"
        kept.unlink(missing_ok=True) if left is None else kept.write_text(left)
        job._begin(box, tmp_path, "config")
        assert box.epoch == 2
    assert job._begin(box, tmp_path, "config") == []
    assert box.epoch == 3


def test_a_damaged_segment_is_named(storage, store):
    home = report.home(storage.storage, "press") / segments.FOLDER
    home.mkdir(parents=True)
    (home / "1-4.parquet").write_bytes(b"no parquet")
    with pytest.raises(UserError, match=r"1-4\.parquet"):
        store.feed(segments, storage.storage)
