"""Which stretches stay in INT8: what saves time does, what hurts goes back to float."""

import pytest

from backend.deployment.gate.node_choice import Tried, choose, most_attempts

UNITS = tuple((name,) for name in "abcdefgh")


class Bench:
    """Units with a time saved each, a cost where INT8 begins, and a damage that adds up."""

    def __init__(self, saved, damage=None, ends=0.0, limit=1.0):
        self.saved, self.damage, self.ends, self.limit = saved, damage or {}, ends, limit
        self.tried = []

    def __call__(self, chosen):
        self.tried.append(tuple(chosen))
        places = [UNITS.index(unit) for unit in chosen]
        begins = sum(place - 1 not in places for place in places)
        saved = sum(self.saved[unit[0]] for unit in chosen) - self.ends * begins
        damage = sum(self.damage.get(unit[0], 0.0) for unit in chosen)
        return Tried(damage, damage <= self.limit, 1 / (1 - saved))


def names(units):
    return "".join(unit[0] for unit in units)


def test_what_is_fast_and_harmless_is_taken_at_once():
    bench = Bench(dict.fromkeys("abcdefgh", 0.05))
    assert names(choose(UNITS, bench, 1.3).int8) == "abcdefgh"
    assert len(bench.tried) == 1


def test_a_stretch_stays_whole_where_its_ends_cost_more_than_a_unit_saves():
    saved = dict.fromkeys("abcd", 0.04) | dict.fromkeys("efgh", -0.05)
    bench = Bench(saved, ends=0.05)
    chosen = choose(UNITS, bench, 1.3)
    assert names(chosen.int8) == "abcd" and names(chosen.slow) == "efgh"
    assert len(bench.tried) <= most_attempts(len(UNITS))


def test_the_fewest_that_hurt_go_back_the_worst_first():
    bench = Bench(dict.fromkeys("abcdefgh", 0.02), {"c": 5.0, "f": 3.0, "a": 0.4})
    chosen = choose(UNITS, bench, 1.3)
    assert names(chosen.hurt) == "cf" and names(chosen.int8) == "abdegh"
    assert len(bench.tried) <= most_attempts(len(UNITS))


@pytest.mark.parametrize(
    "bench",
    [Bench(dict.fromkeys("abcdefgh", -0.1)), Bench(dict.fromkeys("abcdefgh", 0.1), limit=-1)],
)
def test_nothing_stays_where_nothing_is_faster_or_all_of_it_hurts(bench):
    assert choose(UNITS, bench, 1.3).int8 == ()


def test_a_graph_without_units_is_not_tried():
    assert choose((), lambda _: pytest.fail("nothing to try"), 1.3).int8 == ()
