"""A watched folder: what stood still is given once, what is bad goes into quarantine."""

import os

import pytest

from backend.line.part import Judgement, Part, Verdict
from backend.line.sources.folder import INSPECTED, MOST_BYTES, QUARANTINE, Folder, compiled
from backend.records import UserError

GOOD = Judgement(Verdict.GOOD, 0.1)


@pytest.fixture
def watched(tmp_path):
    return Folder(tmp_path, "{feature}/{serial}", settle=0.0)


def part(one):
    return Part(1, 1, 1, one, 0.0)


def put(folder, name, content=b"picture"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_path_tells_type_and_serial(tmp_path, watched):
    put(tmp_path, "dot/A-17.png")
    put(tmp_path, "loose.PNG")
    put(tmp_path, "notes.txt")
    put(tmp_path, ".hidden.png")
    found = sorted(watched.read(9, 0), key=lambda one: one.serial)
    assert [(one.feature, one.serial) for one in found] == [("dot", "A-17"), ("", "loose")]
    assert watched.read(9, 0) == [], "each once"


def test_a_file_that_still_grows_waits(tmp_path):
    watched = Folder(tmp_path, "{feature}/{serial}", settle=30.0)
    put(tmp_path, "dot/1.png")
    assert watched.read(9, 0) == []
    watched._first_seen = {
        p: (look, since - 31) for p, (look, since) in watched._first_seen.items()
    }
    put(tmp_path, "dot/1.png", b"more of it")
    assert watched.read(9, 0) == [], "it changed"
    watched._first_seen = {
        p: (look, since - 31) for p, (look, since) in watched._first_seen.items()
    }
    assert [one.picture for one in watched.read(9, 0)] == [b"more of it"]


def test_a_new_file_of_the_same_name_is_a_new_part(tmp_path, watched):
    path = put(tmp_path, "dot/1.png")
    [first] = watched.read(9, 0)
    path.unlink()
    assert watched.read(9, 0) == []
    assert watched.gone() == [first.mark]
    put(tmp_path, "dot/1.png", b"another")
    [second] = watched.read(9, 0) or []
    assert second.mark != first.mark


def test_judged_files_move_out_of_the_way(tmp_path, watched):
    put(tmp_path, "dot/1.png")
    put(tmp_path, "dot/2.png")
    first, second = sorted(watched.read(9, 0), key=lambda one: one.serial)
    watched.done(part(first), GOOD)
    watched.done(part(second), Judgement(Verdict.UNINSPECTED, reason="no picture"))
    assert (tmp_path / INSPECTED / "dot" / "1.png").exists()
    assert (tmp_path / QUARANTINE / "dot" / "2.png").exists()
    assert watched.read(9, 0) == []


def test_files_stay_where_that_is_asked(tmp_path):
    watched = Folder(tmp_path, "{serial}", settle=0.0, move=False)
    put(tmp_path, "1.png")
    [one] = watched.read(9, 0) or []
    watched.done(part(one), GOOD)
    assert (tmp_path / "1.png").exists()
    assert watched.read(9, 0) == []


def test_a_folder_that_vanishes_is_a_trouble_and_comes_back(tmp_path):
    gone = tmp_path / "share"
    watched = Folder(gone, "{serial}", settle=0.0)
    assert watched.read(9, 0) == []
    assert "is tried again" in watched.trouble
    gone.mkdir()
    put(gone, "1.png")
    assert len(watched.read(9, 0)) == 1
    assert watched.trouble == ""


def test_a_file_too_large_is_a_part_nobody_can_look_at(tmp_path, watched):
    path = put(tmp_path, "dot/1.png")
    os.truncate(path, MOST_BYTES + 1)
    [one] = watched.read(9, 0)
    assert "MB, more than" in one.fault
    assert one.picture == b""


def test_links_out_of_the_folder_are_not_followed(tmp_path, watched):
    outside = put(tmp_path.parent, "outside.png")
    (tmp_path / "dot").mkdir()
    (tmp_path / "dot" / "1.png").symlink_to(outside)
    (tmp_path / "other").symlink_to(tmp_path.parent)
    assert watched.read(9, 0) == []


def test_many_at_once_come_in_batches_oldest_first(tmp_path, watched):
    for k in range(50):
        os.utime(put(tmp_path, f"dot/{k}.png"), ns=(10**18, 10**18 + (50 - k) * 10**9))
    batches = []
    while batch := watched.read(16, 0) or []:
        batches.append([int(one.serial) for one in batch])
    assert [len(batch) for batch in batches] == [16, 16, 16, 2]
    assert [serial for batch in batches for serial in batch] == list(range(49, -1, -1))


@pytest.mark.parametrize("pattern", ["{other}", "{serial}/{serial}", "{}"])
def test_a_pattern_knows_two_names(pattern):
    with pytest.raises(UserError, match="each once"):
        compiled(pattern)


def test_a_pattern_takes_the_rest_as_it_is():
    found = compiled("cam.1/{feature}_{serial}").fullmatch("cam.1/dot_A+7")
    assert found.groupdict() == {"feature": "dot", "serial": "A+7"}
    assert compiled("cam.1/{serial}").fullmatch("camX1/a") is None
