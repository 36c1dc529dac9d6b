"""How parts are divided: whatever their types, labels and groups, a partition or one sentence."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.inspection.model import baselines, folds
from backend.inspection.model.spec import Spec
from backend.records import UserError

TYPES = st.lists(st.tuples(st.integers(0, 25), st.integers(0, 12)), min_size=1, max_size=4)


def parts(counts, groups=0, seed=0):
    """So many (GOOD, BAD) parts of each type, in any order, in so many groups; 0: each its own."""
    rows = [
        (f"t{k}", int(i < good))
        for k, (good, bad) in enumerate(counts)
        for i in range(good + bad)
    ]  # fmt: skip
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        [rows[k] for k in rng.permutation(len(rows))], columns=["feature", "label"]
    )
    numbers = rng.integers(0, groups, len(frame)) if groups else np.arange(len(frame))
    names = [f"p{k:04d}" for k in range(len(frame))]
    return folds.described(frame.assign(part=names, group=[f"g{n}" for n in numbers]))


def is_whole(data, made, wanted):
    """Each part is tested once, no group lies on both sides, each type has GOOD parts to fit on."""
    groups = data.frame["group"].to_numpy()
    assert len(made) == wanted
    assert sorted(np.concatenate([fold.test for fold in made])) == list(range(len(groups)))
    for fold in made:
        assert len(fold.test)
        assert sorted(np.concatenate([fold.train, fold.test])) == list(range(len(groups)))
        assert not set(groups[fold.train]) & set(groups[fold.test])
        good = fold.train[data.good[fold.train]]
        assert np.bincount(data.types[good], minlength=len(data.names)).min() >= folds.MIN_FIT
        held_some_out(data, good)


def held_some_out(data, good):
    """Some GOOD parts to calibrate on, and three of each type left to fit on."""
    held = folds.calibration_split(data, good, seed=0)
    assert held.any()
    kept = np.bincount(data.types[good[~held]], minlength=len(data.names))
    assert kept.min() >= 3


@settings(max_examples=300, deadline=None)
@given(TYPES, st.integers(0, 40), st.integers(2, 10), st.integers(1, 3), st.integers(0, 2**16))
def test_any_parts_are_divided_or_refused_in_one_sentence(counts, groups, number, repeats, seed):
    data = parts(counts, groups, seed)
    try:
        made = folds.make_folds(data, number, repeats, seed)
    except UserError as error:
        assert re.search("fewer test rounds, or more groups|try more test rounds", str(error))
        return
    for repeat in range(repeats):
        is_whole(data, [fold for fold in made if fold.repeat == repeat], number)


def test_more_folds_than_any_type_has_parts_of_a_label_deal_out_the_groups():
    data = parts([(8, 3), (8, 3)])
    made = folds.make_folds(data, 10, 2, seed=0)
    is_whole(data, made[:10], 10)
    least = min(
        np.bincount(data.types[fold.train[data.good[fold.train]]]).min() for fold in made
    )  # fmt: skip
    assert least == 7, "a fold takes one GOOD part of a type away, no more"
    assert "groups were dealt out one by one" in next(folds.notes(made))
    assert made[0].test.tolist() != made[10].test.tolist(), "each repeat deals anew"
    again = folds.make_folds(data, 10, 2, seed=0)
    assert all((a.test == b.test).all() for a, b in zip(made, again, strict=True))


def test_folds_that_can_be_stratified_say_nothing():
    made = folds.make_folds(parts([(30, 12), (30, 12)]), 5, 1, seed=0)
    assert all(fold.stratified for fold in made)
    assert not list(folds.notes(made))


def test_one_group_of_good_parts_is_still_held_out_type_by_type():
    """Types by turns: every fifth part of all would be all parts of one type."""
    frame = pd.DataFrame(
        {
            "part": [f"p{k:02d}" for k in range(50)],
            "feature": [f"t{k % 5}" for k in range(50)],
            "label": 1,
            "group": ["a"] * 25 + ["b"] * 25,
        }
    )
    data = folds.described(frame)
    is_whole(data, folds.make_folds(data, 2, 1, seed=0), 2)


def test_bad_parts_that_must_be_learned_from_are_counted_before_any_work():
    data = parts([(20, 2), (20, 0)])
    spec = Spec(parts_run="x", folds=5, mode="uses-bad")
    with pytest.raises(UserError, match="Mode uses-bad needs BAD parts in the training of every"):
        folds.planned(spec, data)
    assert len(folds.planned(Spec(parts_run="x", folds=5), data)) == 5


def test_a_supervised_baseline_is_not_asked_about_a_type_without_test_parts():
    rng = np.random.default_rng(0)
    known, types = rng.normal(size=(40, 4, 2, 2)).astype(np.float32), np.arange(40) % 2
    asked = rng.normal(size=(3, 4, 2, 2)).astype(np.float32), np.zeros(3, np.int64)
    good = np.arange(40) < 30
    found = baselines.supervised((known, types, good), asked, 2)
    assert found.shape == (3,) and np.isfinite(found).all()
