"""How far people agree with themselves, with each other and with the line: an attribute study as
measurement system analysis (MSA) knows it, from what people said in the review queue.

None of them saw a verdict, or what another said. With each other counts, of each part, whoever
looked first and second; and, of parts that come to everybody by lot, all. A third opinion that was
asked for because two differed would bend it, and does not count.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backend.line.part import Verdict
from backend.line.review import decisions, queue
from backend.line.review.decisions import Decision, Place, Said
from backend.numeric import agreement, shares
from backend.numeric.agreement import Kappa
from backend.numeric.shares import Share

WITHIN, BETWEEN, ALL, SYSTEM = "with oneself", "two people", "all people", "line and people"
SETTLED = {Verdict.GOOD.value: Said.GOOD.value, Verdict.BAD.value: Said.BAD.value}


@dataclass(frozen=True)
class Agreement:
    """kind: one of WITHIN, BETWEEN, ALL, SYSTEM. who: in words. agree: the share of parts, or of
    ALL of pairs of judgements, that are called the same, with its exact interval."""

    kind: str
    who: str
    agree: Share
    kappa: Kappa

    @property
    def words(self) -> str:
        """How good it is, as far as the interval tells."""
        if not self.kappa.known:
            return "cannot be told: everything was called the same"
        if self.kappa.low >= agreement.FINE:
            return "good"
        if self.kappa.high < agreement.POOR:
            return "poor"
        return "at least fair" if self.kappa.low >= agreement.POOR else "not settled: more parts"


def found(
    rows: pd.DataFrame, standing: list[Decision], comes_to_all: Callable[[Place], bool]
) -> list[Agreement]:
    """All that the decisions tell. rows: of the line, with the columns of the outbox; comes_to_all:
    whether a part was drawn to come to everybody."""
    by_part = _first_words(standing)
    fair = {p: _fair(said, comes_to_all(p)) for p, said in by_part.items()}
    return [
        *_within(standing),
        *_between(fair),
        *_everybody(fair),
        *_with_the_line(rows, standing),
    ]


def _first_words(standing: list[Decision]) -> dict[Place, dict[str, str]]:
    """Part → person → what that person said of it first, in the order in which they did."""
    found: dict[Place, dict[str, str]] = {}
    for one in standing:
        found.setdefault(one.place, {}).setdefault(one.who, one.decision)
    return found


def _fair(said: dict[str, str], comes_to_all: bool) -> dict[str, str]:
    """Of those who judged a part, the ones of whom nobody was asked for what others had said."""
    return said if comes_to_all else dict(itertools.islice(said.items(), 2))


def _within(standing: list[Decision]) -> Iterator[Agreement]:
    """Of each person, the first word against the second on the same part."""
    said: dict[str, dict[Place, list[str]]] = {}
    for one in standing:
        said.setdefault(one.who, {}).setdefault(one.place, []).append(one.decision)
    for who, by_part in sorted(said.items()):
        pairs = [(words[0], words[1]) for words in by_part.values() if len(words) > 1]
        if pairs:
            yield _of_pairs(WITHIN, who, pairs)


def _between(fair: dict[Place, dict[str, str]]) -> Iterator[Agreement]:
    people = sorted({who for said in fair.values() for who in said})
    for a, b in itertools.combinations(people, 2):
        pairs = [(said[a], said[b]) for said in fair.values() if a in said and b in said]
        if pairs:
            yield _of_pairs(BETWEEN, f"{a}, {b}", pairs)


def _everybody(fair: dict[Place, dict[str, str]]) -> Iterator[Agreement]:
    """Fleiss' kappa, where three people or more judged."""
    several = [list(said.values()) for said in fair.values() if len(said) > 1]
    people = {who for said in fair.values() if len(said) > 1 for who in said}
    if len(people) < 3:
        return
    counts = np.array([[words.count(name) for name in Said] for words in several])
    kappa = agreement.fleiss(counts)
    k = round(kappa.agreed * kappa.n)
    yield Agreement(ALL, f"{len(people)} people (Fleiss)", shares.share(k, kappa.n), kappa)


def _with_the_line(rows: pd.DataFrame, standing: list[Decision]) -> Iterator[Agreement]:
    """The line's word against that of most people, of parts drawn by lot that both settled."""
    votes = decisions.votes(standing)
    drawn = rows[rows["blind"] > 0]
    pairs = [
        (SETTLED[verdict], decisions.truth(votes[place]).value)
        for place, verdict in zip(queue.places(drawn), drawn["verdict"], strict=True)
        if place in votes and verdict in SETTLED
    ]
    settled = [pair for pair in pairs if pair[1] != Said.UNSURE]
    if settled:
        yield _of_pairs(SYSTEM, "the line, most people", settled)


def _of_pairs(kind: str, who: str, pairs: list[tuple[str, str]]) -> Agreement:
    first, second = zip(*pairs, strict=True)
    same = sum(a == b for a, b in pairs)
    return Agreement(kind, who, shares.share(same, len(pairs)), agreement.cohen(first, second))


def table(made: list[Agreement]) -> pd.DataFrame:
    """For pages and reports: who, parts, the same, interval, kappa, its interval, in words."""
    return pd.DataFrame(
        [
            {
                "between": one.kind,
                "who": one.who,
                "parts": one.kappa.n,
                "the same": f"{one.agree.value:.0%} [{one.agree.low:.0%}, {one.agree.high:.0%}]",
                "kappa": _kappa(one.kappa),
                "agreement": one.words,
            }
            for one in made
        ]
    )


def _kappa(found: Kappa) -> str:
    if not found.known:
        return "–"
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]".replace("-", "−")
