"""Parts that come again unseen, and how far people agree."""

import numpy as np
import pandas as pd
import pytest

from backend.line.review import agreement, decisions, queue, repeats
from backend.line.review.agreement import ALL, BETWEEN, SYSTEM, WITHIN
from backend.line.review.queue import Wanted
from backend.line.review.repeats import REST, Draw
from tests.unit.line import lived

EVERY, NONE = Draw(b"k" * 32, 1.0), Draw(b"k" * 32, 0.0)


def rows(n, verdict="GOOD"):
    return pd.DataFrame(
        {"epoch": 1, "sequence": range(n), "verdict": verdict, "blind": 0.1, "kept": True}
    )


def said(*words):
    """Decisions in their order: (who, part, word)."""
    return [
        decisions.Decision(k, 1, part, word, who, 0.0)
        for k, (who, part, word) in enumerate(words, start=1)
    ]


def by(who, count, start=0):
    return [(who, part, "good") for part in range(start, start + count)]


def test_a_part_comes_to_others_at_once_and_to_the_same_person_after_a_rest():
    table, some = rows(100), said(*by("Ann", REST))
    assert len(repeats.due(table, some, EVERY, "Ben")) == REST
    assert repeats.due(table, some, EVERY, "Ann") == []
    more = said(*by("Ann", REST + 2))
    assert set(repeats.due(table, more, EVERY, "Ann")) == {(1, 0), (1, 1)}


def test_it_comes_twice_to_nobody_and_not_without_its_picture():
    table = rows(100)
    table.loc[1, "kept"] = False
    some = said(*by("Ann", 2), *by("Ann", 1), *by("Ann", REST, 10))
    assert (1, 0) not in repeats.due(table, some, EVERY, "Ann"), "it came twice"
    assert (1, 1) not in repeats.due(table, some, EVERY, "Ann"), "its picture is gone"


def test_they_are_a_share_by_lot_and_none_where_that_is_0():
    table, some = rows(4000), said(*by("Ann", 4000))
    drawn = repeats.due(table, some, Draw(b"k" * 32, 0.05), "Ben")
    assert 150 < len(drawn) < 250
    assert drawn != sorted(drawn), "nobody can foresee the order"
    assert repeats.due(table, some, NONE, "Ben") == []
    assert repeats.due(table, some, Draw(b"", 0.5), "Ben") == []


def test_they_are_mixed_with_parts_that_nobody_looked_at():
    table = rows(200)
    again = 0
    for count in range(100, 150):
        some = said(*by("Ann", 60, 140), *by("Ben", count - 60))
        dealt = repeats.dealt(table, some, Wanted(), EVERY, "Ben")
        again += dealt[0] in {one.place for one in some}
    assert 3 <= again <= 25
    second = Wanted(opinion=queue.SECOND)
    assert repeats.dealt(table, some, second, EVERY, "Cem") == queue.waiting(
        table, some, second, "Cem"
    )
    assert repeats.dealt(table, some, Wanted(), EVERY, "") == queue.waiting(
        table, some, Wanted(), ""
    )


def test_a_line_tells_its_draw(storage):
    home, _ = lived.line(storage)
    assert repeats.of(home) == Draw(b"", 0.0), "before its first start, and as its settings say"
    home.joinpath("review-key").write_text("ab" * 32)
    assert repeats.of(home).key == bytes.fromhex("ab" * 32)


def kinds(made):
    return {(one.kind, one.who): one for one in made}


def test_agreement_with_oneself_with_others_and_with_the_line():
    words = [*by("Ann", 10), ("Ann", 10, "bad"), ("Ann", 0, "bad"), ("Ann", 1, "good")]
    words += [*by("Ben", 10), ("Ben", 10, "bad")]
    table = rows(11)
    table.loc[10, "verdict"] = "BAD"
    table.loc[9, "verdict"] = "REVIEW"
    made = kinds(agreement.found(table, said(*words), lambda place: False))
    assert set(made) == {
        (WITHIN, "Ann"),
        (BETWEEN, "Ann, Ben"),
        (SYSTEM, "the line, most people"),
    }
    within = made[WITHIN, "Ann"]
    assert (within.agree.k, within.agree.n) == (1, 2)
    between = made[BETWEEN, "Ann, Ben"]
    assert (between.agree.k, between.agree.n, between.kappa.value) == (11, 11, 1.0)
    line = made[SYSTEM, "the line, most people"]
    assert line.agree.n == 9, "without the part that it left to people, and that they differ on"


def test_a_third_opinion_counts_only_where_it_was_not_asked_for():
    words = [("Ann", 0, "good"), ("Ben", 0, "bad"), ("Cem", 0, "bad")]
    words += [("Ann", 1, "bad"), ("Ben", 1, "bad")]
    asked = kinds(agreement.found(rows(2), said(*words), lambda place: False))
    assert not [who for kind, who in asked if "Cem" in who]
    drawn = kinds(agreement.found(rows(2), said(*words), lambda place: True))
    assert (BETWEEN, "Ben, Cem") in drawn and (ALL, "3 people (Fleiss)") in drawn
    assert drawn[ALL, "3 people (Fleiss)"].kappa.agreed == pytest.approx((1 / 3 + 1) / 2)


def test_the_table_says_how_good_it_is():
    rng = np.random.default_rng(0)
    truth = rng.random(300) < 0.5
    words = [(who, k, "bad" if bad else "good") for k, bad in enumerate(truth) for who in "AB"]
    shown = agreement.table(agreement.found(rows(300), said(*words), lambda place: False))
    assert shown["agreement"].tolist()[0] == "good" and shown["kappa"].iloc[0].startswith("1.00")
    alike = agreement.table(agreement.found(rows(3), said(*by("A", 3), *by("B", 3)), bool))
    assert "cannot be told" in alike["agreement"].iloc[0] and alike["kappa"].iloc[0] == "–"
