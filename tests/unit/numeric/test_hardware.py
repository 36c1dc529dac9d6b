"""How fast this computer is, and a time in words."""

import pytest

from backend.numeric import hardware


def test_the_computers_speed_is_probed():
    assert hardware.cpu_macs_per_second() > 1e8


@pytest.mark.parametrize(
    "seconds, words",
    [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (5400, "2 h"), (172800, "2 days")],
)
def test_a_time_is_told_in_the_unit_that_suits_it(seconds, words):
    assert hardware.duration(seconds) == words
