"""How many real images each batch has, and that a training goes on with the same ones."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.detection.mixing import FIRST, LEFT_OUT, MIXED, Mixing, Order


def order(real: int, synthetic: int, mixing: Mixing, batch: int = 8, length: int = 40) -> Order:
    """Of ten epochs, the first of which is asked for."""
    return Order([True] * real + [False] * synthetic, mixing, batch, length, 10, 3, lambda: 0)


def counts(one: Order, epoch: int) -> list[int]:
    """Real images in each batch of an epoch."""
    places = np.array(one.places(epoch))
    assert len(places) == len(one)
    return [
        int(one.real[places[k : k + one.batch]].sum()) for k in range(0, len(places), one.batch)
    ]


@pytest.mark.parametrize(
    ("share", "length", "expected"),
    [(0.5, 40, [4] * 5), (0.3, 40, [3] * 5), (1.0, 40, [8] * 5), (0.5, 37, [4, 4, 4, 4, 3])],
)
def test_each_batch_has_the_share_of_real_images_rounded_up(share, length, expected):
    one = order(3, 50, Mixing(MIXED, share), length=length)
    assert all(counts(one, epoch) == expected for epoch in range(10))


def test_each_kind_goes_through_all_its_images_before_any_comes_again():
    one = order(6, 12, Mixing(MIXED, 0.5))
    drawn = Counter(place for epoch in range(3) for place in one.places(epoch))
    assert set(drawn) == set(range(18))
    assert {drawn[k] for k in range(6)} == {10}
    assert {drawn[k] for k in range(6, 18)} == {5}


def test_synthetic_images_come_first_and_then_none():
    one = order(3, 50, Mixing(FIRST))
    assert [set(counts(one, epoch)) for epoch in range(10)] == [{0}] * 5 + [{8}] * 5
    single = Order([True, False], Mixing(FIRST), 4, 8, 1, 3, lambda: 0)
    assert counts(single, 0) == [4, 4]  # a training of one epoch must not go without real ones
    assert [set(counts(order(3, 50, Mixing(LEFT_OUT)), epoch)) for epoch in (0, 9)] == [{8}] * 2


@pytest.mark.parametrize(
    ("real", "synthetic", "mixing"),
    [
        (5, 50, Mixing(MIXED, 0)),
        (0, 30, Mixing(MIXED, 0.5)),
        (30, 0, Mixing(FIRST)),
        (30, 20, Mixing(MIXED, 0.5)),
    ],
)
def test_images_come_as_they_are_where_no_share_is_wanting(real, synthetic, mixing):
    """In the very order in which studies of earlier versions took them."""
    one = order(real, synthetic, mixing, length=16)
    random, count = np.random.default_rng([3, 11]), real + synthetic
    stream = [k for _ in range(3) for k in random.permutation(count).tolist()[::-1]]
    assert one.as_they_come
    assert [*one.places(0), *one.places(1), *one.places(2)] == stream[:48]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 20), st.integers(1, 60), st.floats(0, 1), st.permutations(range(5)))
def test_an_epoch_is_the_same_whatever_came_before_it(real, synthetic, share, asked):
    one, again = (order(real, synthetic, Mixing(MIXED, share)) for _ in range(2))
    straight = [one.places(epoch) for epoch in range(5)]
    assert [again.places(epoch) for epoch in asked] == [straight[epoch] for epoch in asked]


def test_another_seed_draws_in_another_order():
    one, other = order(10, 40, Mixing(MIXED, 0.5)), order(10, 40, Mixing(MIXED, 0.5))
    other.seed = 4
    other._begin()
    assert one.places(0) != other.places(0)
