"""The drift alarm keeps its stated probability, and comes soon."""

import numpy as np
import pytest

from backend.numeric import drift
from backend.numeric.drift import Reference, Wealth
from tests.benchmarks.drift import Plant, alarms


def wealth_of(reference, values, piece=37):
    found = Wealth()
    for start in range(0, len(values), piece):
        found.add(reference, reference.gaps(values[start : start + piece], seed=start))
    return found


def test_the_mean_of_a_bet_stays_below_its_bound():
    rng = np.random.default_rng(0)
    gains = np.linspace(-1, 1, 101)
    means = rng.dirichlet(np.ones(101), 20_000) @ gains
    assert (means > drift.mean_bound(gains, 0.01)).mean() <= 0.01
    assert (means > drift.mean_bound(gains, 0.2)).mean() <= 0.2


@pytest.mark.parametrize("bad", [0.0, 0.02])
def test_without_drift_hardly_a_stream_raises_an_alarm(bad):
    found = alarms(Plant(100, bad=bad), 400, 5_000)
    assert (found >= 0).mean() <= drift.ALPHA


@pytest.mark.parametrize("begin", [0, 5_000])
def test_half_a_standard_deviation_is_found_however_late_it_comes(begin):
    found = alarms(Plant(400, begin, 0.5), 50, begin + 3_000)
    assert (found > begin).all()
    assert np.quantile(found - begin, 0.95) <= 1_500


def test_the_streams_of_the_simulation_are_counted_as_a_line_counts_them():
    rng = np.random.default_rng(0)
    reference = np.sort(rng.standard_normal((1, 100)), axis=1)[0]
    scores = np.concatenate([rng.standard_normal((1, 50)) + 1.5 for _ in range(20)], axis=1)[0]
    found = wealth_of(Reference(reference), scores, piece=50)
    assert found.alarm == alarms(Plant(100, 0, 1.5), 1, 1000)[0]


def test_pieces_of_any_length_give_the_same():
    rng = np.random.default_rng(1)
    reference, scores = Reference(rng.random(200)), rng.random(330)
    whole, pieces = wealth_of(reference, scores, 330), wealth_of(reference, scores, 7)
    assert whole.n == pieces.n == 330
    assert pieces.bets == pytest.approx(whole.bets)
    assert pieces.now == pytest.approx(whole.now)


@pytest.mark.parametrize("shift", [-0.5, 0.5])
def test_a_shift_to_either_side_is_found(shift):
    rng = np.random.default_rng(2)
    found = wealth_of(Reference(rng.standard_normal(400)), rng.standard_normal(3_000) + shift)
    assert found.alarm is not None and found.highest >= drift.ALARM


def test_equal_values_are_no_drift():
    found = wealth_of(Reference(np.full(100, 64.0)), np.full(5_000, 64.0))
    assert found.alarm is None
    assert wealth_of(Reference(np.full(100, 64.0)), np.full(500, 65.0)).alarm is not None


def test_too_few_values_make_no_reference():
    with pytest.raises(ValueError, match="finite values, not 5"):
        Reference(np.arange(5))
