"""Waits between failures: they grow, they end, nobody is locked out for good."""

from backend.access import limits
from backend.access.limits import Limits


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_waits_grow_to_a_minute_and_end():
    clock = Clock()
    tries = Limits(clock)
    for _ in range(limits.FREE["name"]):
        tries.failed("name ada", "address 1")
    assert tries.wait("name ada") == 0
    tries.failed("name ada")
    assert tries.wait("name ada", "address 2") == 2
    for _ in range(20):
        tries.failed("name ada")
    assert tries.wait("name ada") == limits.LONGEST
    clock.now = limits.LONGEST
    assert tries.wait("name ada") == 0
    tries.failed("name ada")
    assert tries.wait("name ada") == limits.LONGEST
    clock.now += limits.REMEMBERED + 1
    tries.failed("name ada")
    assert tries.wait("name ada") == 0


def test_success_forgets_and_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(limits, "MOST", 3)
    tries = Limits(Clock())
    for _ in range(9):
        tries.failed("name a")
    tries.succeeded("name a")
    assert tries.wait("name a") == 0
    for k in range(10):
        tries.failed(f"name {k}")
    assert len(tries._failed) == 3
