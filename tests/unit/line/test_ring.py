"""The ring hands back what it cannot hold; nothing vanishes in it."""

import threading

import pytest

from backend.line.part import Captured, Part
from backend.line.ring import DROP_NEWEST, DROP_OLDEST, POLICIES, WAIT, Ring


def part(k):
    return Part(k, 1, k, Captured(b"", "dot", 0.0), 0.0)


def test_first_in_first_out():
    ring = Ring(4, WAIT)
    assert [ring.put(part(k)) for k in range(3)] == [None] * 3
    assert [one.id for one in ring.take(2, 0.1)] == [0, 1]
    assert [one.id for one in ring.take(2, 0.1)] == [2]
    assert ring.take(2, 0.01) == []


@pytest.mark.parametrize(("policy", "dropped"), [(DROP_OLDEST, [0, 1]), (DROP_NEWEST, [2, 3])])
def test_a_full_ring_gives_one_back(policy, dropped):
    ring = Ring(2, policy)
    back = [ring.put(part(k)) for k in range(4)]
    assert [one.id for one in back if one] == dropped


def test_a_full_ring_lets_its_writer_wait(until):
    ring = Ring(1, WAIT)
    ring.put(part(0))
    back = []
    thread = threading.Thread(target=lambda: back.append(ring.put(part(1))))
    thread.start()
    assert [one.id for one in ring.take(1, 1)] == [0]
    thread.join(10)
    assert back == [None]
    assert [one.id for one in ring.take(1, 1)] == [1]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_closed_ring_takes_nothing_and_gives_what_is_inside(policy):
    ring = Ring(2, policy)
    ring.put(part(0))
    ring.close()
    assert ring.put(part(1)).id == 1
    assert [one.id for one in ring.take(5, 1)] == [0]
    assert ring.take(5, 1) == []


def test_closing_frees_a_writer_that_waits():
    ring = Ring(1, WAIT)
    ring.put(part(0))
    back = []
    thread = threading.Thread(target=lambda: back.append(ring.put(part(1))))
    thread.start()
    ring.close()
    thread.join(10)
    assert back[0].id == 1
