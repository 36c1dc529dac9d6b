"""Red rabbits: painted on GOOD parts, judged as parts are, and never parts themselves."""

import time
from contextlib import closing
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from backend.line import outbox
from backend.line.engine import Engine, Terms
from backend.line.judge import Looked
from backend.line.outbox import Outbox
from backend.line.part import Captured, Judgement, Verdict
from backend.line.pictures import Limits, Pictures
from backend.line.rabbits import journal, painting, rates
from backend.line.rabbits.journal import Rabbit
from backend.line.rabbits.sending import LATELY, SHIFT, Rabbits
from backend.line.review.decisions import Decision
from backend.line.ring import WAIT, Ring
from backend.line.spec import Spec
from tests.unit.line.doubles import Listed

EDGE = 96


def plain(seed):
    """A GOOD part of plastic."""
    grain = np.random.default_rng(seed).normal(150, 3, (EDGE, EDGE, 3))
    target = BytesIO()
    Image.fromarray(np.clip(grain, 0, 255).astype(np.uint8)).save(target, "PNG")
    return target.getvalue()


def asked(rabbits=4, **more):
    return Spec(rabbits=rabbits, rabbit_material="plastic", **more)


class Differs:
    """Calls a part BAD that has a place unlike its middle grey."""

    suspended: frozenset[str] = frozenset()

    def look(self, one):
        pixels = np.asarray(Image.open(BytesIO(one.picture)), np.float64)
        score = float(np.abs(pixels - np.median(pixels)).max())
        verdict = Verdict.BAD if score > 25 else Verdict.GOOD
        return Looked(Judgement(verdict, score, package="hash", thresholds=3))

    def drift(self):
        return ""


def test_a_defect_of_known_size_is_painted_and_the_rest_stays(tmp_path):
    maker = painting.maker_of(asked(), tmp_path)
    made = painting.painted(np.random.default_rng(1), maker, plain(0), 16)
    before, after = (np.asarray(Image.open(BytesIO(p))) for p in (plain(0), made.picture))
    changed = float((before != after).any(2).mean())
    assert 0 < made.size < 50 and 0 < changed < 0.6
    assert made.kind in ("scratch", "dent", "inclusion", "crack", "stain") or made.kind


@pytest.fixture
def line(tmp_path):
    """A line that judges five GOOD parts, with so many rabbits that one is due at once."""
    home = tmp_path / "lines" / "press-3"
    home.mkdir(parents=True)
    with closing(Outbox(home)) as box:
        box.begin(1, "lost")
        parts = [Captured(plain(k), "dot", time.time(), f"s{k}") for k in range(5)]
        pictures = Pictures(home, home.name, Limits(1.0, 10**8, 10**4, 1.0))
        engine = Engine(
            *(box, Listed(parts), Differs(), ()), *(Ring(8, WAIT), pictures), Terms(0.0, "config")
        )
        rabbits = Rabbits(home, asked(), tmp_path, seed=3)
        rabbits.attach(engine, Keeping())
        yield home, engine, rabbits


class Waiting(Listed):
    """A source that has no more parts, but may get some."""

    def read(self, most, patience):
        found = super().read(most, patience)
        if found is None:
            time.sleep(0.01)
        return found or []


class Keeping:
    """A keeper that keeps nothing."""

    def also(self, seconds, work):
        self.work = work


def test_they_are_judged_and_kept_and_are_never_parts(line, until):
    home, engine, rabbits = line
    engine.start()
    until(lambda: engine.ended)
    assert len(rabbits._lately) == LATELY
    for _ in range(3):
        rabbits._due = 0.0
        rabbits.tick()
        rabbits.between(engine.judge)
    engine.finish(5)
    found = journal.read(home, 0.0)
    assert len(found) == 3 and set(found["verdict"]) <= {"GOOD", "BAD"}
    assert (found["size"] > 0).all() and (found["good"] < 25).all()
    assert set(found["package"]) == {"hash"} and set(found["maker"]) == {"renderer"}
    assert all((home / path).is_file() for path in found["picture"])
    assert len(outbox.read(home)) == 5, "no rabbit is in the outbox, from which all others read"
    assert engine.outbox.totals() == {"GOOD": 5}
    assert [path.suffix for path in journal.kept(home)] == [".jsonl"]


def test_the_judge_turns_to_one_while_no_part_waits(line, until):
    home, engine, rabbits = line
    made = painting.painted(
        np.random.default_rng(1), painting.maker_of(asked(), home), plain(0), 16
    )
    engine.source = Waiting(engine.source.parts)
    engine.start()
    until(lambda: engine.outbox.totals().total() == 5)
    rabbits._ready.append((made, (Captured(plain(0), "dot", 0.0), 1.0)))
    until(lambda: len(journal.read(home, 0.0)))
    engine.stop()
    engine.finish(5)
    assert engine.outbox.totals() == {"GOOD": 5}


def test_none_is_sent_unless_asked_for(tmp_path):
    watched = SimpleNamespace(watchers=[])
    Rabbits(tmp_path, asked(0), tmp_path).attach(watched, Keeping())
    assert watched.watchers == []
    assert Rabbits(tmp_path, asked(8), tmp_path).pause == SHIFT / 8


def test_what_cannot_be_painted_is_a_trouble_and_no_end(line):
    _, engine, rabbits = line
    rabbits._lately.append((Captured(b"no picture", "dot", 0.0), 1.0))
    rabbits._due = 0.0
    rabbits.tick()
    assert "could be painted" in engine.troubles["red rabbits"]
    rabbits._lately.clear()
    rabbits._lately.append((Captured(plain(1), "dot", 0.0), 1.0))
    rabbits._due = 0.0
    rabbits.tick()
    assert "red rabbits" not in engine.troubles


def rows(n, found=lambda k: k % 2 == 0, day=86400.0):
    one = Rabbit(0.0, "dot", "renderer", "crack", 1.0, "BAD", 3.0, 0.5, 5.0, "hash", 1)
    frame = pd.DataFrame([vars(one) | {"time": k * day, "size": 1.0 + k} for k in range(n)])
    return frame.assign(
        day=pd.to_datetime(frame["time"], unit="s"), found=[found(k) for k in range(n)]
    )


def test_shares_by_day_and_by_size_have_exact_intervals():
    some = rows(40, found=lambda k: k >= 20)
    assert (rates.of(some).k, rates.of(some).n) == (20, 40)
    assert len(rates.by_day(some)) == 40
    sizes = rates.by_size(some)
    assert sizes["n"].sum() == 40 and len(sizes) == 4
    assert sizes["value"].tolist() == [0, 0, 1, 1]
    assert (sizes["low"] <= sizes["value"]).all() and (sizes["high"] >= sizes["value"]).all()


def test_real_bad_parts_stand_beside_them():
    table = pd.DataFrame(
        {
            "epoch": 1,
            "sequence": range(4),
            "verdict": ["GOOD", "BAD", "REVIEW", "BAD"],
            "blind": [0.1, 0.1, 0.1, 0.0],
        }
    )
    said = [Decision(k + 1, 1, k, "bad", "Ann", 0.0) for k in range(4)]
    found = rates.real(table, said)
    assert (found.k, found.n) == (2, 3)


def test_those_that_nobody_could_judge_and_older_ones_are_left_out(tmp_path):
    one = Rabbit(1e9, "dot", "renderer", "crack", 1.0, "BAD", 3.0, 0.5, 5.0, "hash", 1)
    for time_, verdict in ((1e9, "BAD"), (1e9 + 1, "UNINSPECTED"), (1.1e9, "GOOD")):
        journal.note(tmp_path, Rabbit(**vars(one) | {"time": time_, "verdict": verdict}), b"png")
    assert journal.read(tmp_path, 0.0)["found"].tolist() == [True, False]
    assert journal.read(tmp_path, 1.05e9)["verdict"].tolist() == ["GOOD"]
    assert journal.read(tmp_path / "none", 0.0).empty
