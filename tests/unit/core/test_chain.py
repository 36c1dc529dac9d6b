"""The chain of the journal of actions: what was changed or taken out is seen."""

import json

import pytest

from backend.core import audit, chain
from backend.core.audit import Actor, Way

ADA = Actor("Ada", Way.PAGE, address="10.0.0.7")


@pytest.fixture
def path(storage):
    for number in range(5):
        audit.note(storage.storage, ADA, "act", str(number))
    return storage.storage / audit.JOURNAL


def lines(path):
    return path.read_text().splitlines(keepends=True)


def test_an_untouched_journal_is_whole(path):
    found = chain.verify(path)
    assert (found.lines, found.problems) == (5, ())
    assert found.newest == json.loads(lines(path)[-1])["chain"]
    assert chain.verify(path, found.newest).problems == ()
    assert chain.verify(path.with_name("none")).lines == 0


@pytest.mark.parametrize("place", range(4))
def test_a_line_taken_out_is_seen(path, place):
    kept = lines(path)
    del kept[place]
    path.write_text("".join(kept))
    assert chain.verify(path).problems


@pytest.mark.parametrize("word", ["Ada", "10.0.0.7", '"about": "2"', '"act"', "page"])
def test_a_changed_line_is_seen(path, word):
    kept = lines(path)
    kept[2] = kept[2].replace(word, word.replace("a", "e").replace("2", "9").replace("1", "3"))
    path.write_text("".join(kept))
    [problem] = chain.verify(path).problems
    assert problem.startswith("Line 3 ")


def test_a_line_put_in_or_moved_is_seen(path):
    kept = lines(path)
    for changed in ([*kept[:2], '{"time": "x"}\n', *kept[2:]], [kept[1], kept[0], *kept[2:]]):
        path.write_text("".join(changed))
        assert chain.verify(path).problems


@pytest.mark.parametrize(
    "change", [{"actor": "Eve", "salt": ""}, {"salt": None}, {"actor": None}, {"address": "::1"}]
)
def test_another_name_in_a_line_is_seen_with_and_without_its_salt(path, change):
    rows = [json.loads(line) for line in lines(path)]
    rows[2] |= change
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert chain.verify(path).problems == ("Line 3 names somebody else than it did.",)
    for name in change:
        del rows[2][name]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert chain.verify(path).problems == ("Line 3 names somebody else than it did.",)


def test_what_is_no_line_stops_neither_the_check_nor_the_next_action(path):
    with path.open("a") as file:
        file.write("[" * 100_000 + "\n")
    audit.note(path.parent, ADA, "act")
    assert chain.verify(path).problems == ("Line 6 is cut short, or bears no link.",)


def test_lines_cut_off_are_seen_beside_a_link_kept_elsewhere(path):
    newest = chain.verify(path).newest
    path.write_text("".join(lines(path)[:3]))
    assert chain.verify(path).problems == ()
    assert "were taken out" in chain.verify(path, newest).problems[0]


def test_what_was_there_before_the_chain_is_covered(path, storage):
    before = '{"time": "2026", "actor": "Eve", "way": "page", "action": "old"}\n{"torn'
    path.write_text(before)
    audit.note(storage.storage, ADA, "new")
    assert chain.verify(path).problems == ()
    assert [line.actor for line in audit.newest(storage.storage)] == ["Ada", "Eve"]
    path.write_text(path.read_text().replace("Eve", "Bob"))
    assert chain.verify(path).problems


def test_the_chain_is_found_behind_a_long_torn_end(path, storage):
    with path.open("a") as file:
        file.write('{"torn": "' + "x" * (chain.TAIL + 10))
    audit.note(storage.storage, ADA, "after")
    assert chain.verify(path).problems == ("Line 6 is cut short, or bears no link.",)
