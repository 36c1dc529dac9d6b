"""Trainings against the clock: how fast they learn, when they end, and that they can be stopped."""

import math
import time

import pytest
import torch
from torch import nn

from backend.numeric import learning
from backend.numeric.learning import Checkpoint, Pace, TimedTraining


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass where a test says so."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def training(pace: Pace, rate: float = 0.01) -> TimedTraining:
    torch.manual_seed(0)
    network = nn.Linear(4, 1)
    return TimedTraining(network, torch.optim.Adam(network.parameters(), rate), pace)


def losses(one: TimedTraining, steps: int, clock: list[float] | None = None, seconds: float = 1.0):
    """Of so many steps, each of which takes some seconds and draws by its number alone."""
    for _ in range(steps):
        random = torch.Generator().manual_seed(one.step)
        yield {"error": one.network(torch.randn(8, 4, generator=random)).square().mean()}
        if clock:
            clock[0] += seconds


def test_time_or_steps_end_it_whatever_is_over_first(clock):
    short, few = training(Pace(seconds=4, steps=100)), training(Pace(seconds=400, steps=3))
    for one, steps in ((short, 4), (few, 3)):
        while one.done < 1:
            one.round(losses(one, 1, clock))
        assert one.step == steps
    assert training(Pace(seconds=0)).done == 1


def test_the_rate_rises_in_stairs_and_falls_to_its_floor(clock):
    one = training(Pace(seconds=20, warm_up=4, stair=2, floor=0.1), rate=0.5)
    rates = []
    while one.done < 1:
        done = one.done
        one.round(losses(one, 1, clock))
        rates.append(one.optimizer.param_groups[0]["lr"] / learning.falling(done, 0.1) / 0.5)
    assert rates == pytest.approx([0.5] * 2 + [1.0] * 18)
    assert learning.falling(0.0) == 1
    assert learning.falling(1.0, 0.1) == pytest.approx(0.1)
    assert learning.falling(0.7, 1.0) == 1


def test_within_a_stride_the_fraction_stands_still(clock):
    one, seen = training(Pace(seconds=1000, steps=10, stride=5)), []

    def watched():
        for found in losses(one, 5, clock):
            seen.append(one.done)
            yield found

    one.round(watched())
    assert seen == [0.0] * 5
    assert one.done == 0.5
    assert one.rounds == 1


def test_a_round_gives_the_means_of_what_its_steps_lost():
    one = training(Pace(seconds=math.inf))

    def some():
        for step in range(4):
            loss = one.network(torch.ones(1, 4)).square().mean() * 0 + step
            yield {"a": loss} | ({"b": 2 * loss} if step == 3 else {})

    assert one.round(some()) == {"a": 1.5, "b": 6.0, "loss": 3.0}


def test_the_average_follows_and_without_decay_is_the_newest():
    slow, newest = training(Pace(math.inf, decay=0.9)), training(Pace(math.inf))
    for one in (slow, newest):
        one.round(losses(one, 3))
    assert not torch.equal(slow.average.weight, slow.network.weight)
    assert torch.equal(newest.average.weight, newest.network.weight)


def test_a_stopped_training_goes_on_to_the_same_weights(tmp_path):
    pace = Pace(math.inf, steps=6, warm_up=3, decay=0.9)
    straight, stopped, resumed = (training(pace) for _ in range(3))
    straight.round(losses(straight, 6))
    stopped.round(losses(stopped, 3))
    file = tmp_path / "checkpoint" / "one.pt"
    checkpoint = Checkpoint(file, 100.0, stopped)
    checkpoint.keep()
    assert not file.exists(), "it is not yet time"
    checkpoint.keep(now=True)
    again = Checkpoint(file, 100.0, resumed)
    assert (checkpoint.goes_on, again.goes_on) == (False, True)
    resumed.round(losses(resumed, 3))
    for one, other in ((straight.network, resumed.network), (straight.average, resumed.average)):
        assert torch.equal(one.weight, other.weight)
    assert resumed.done == 1
