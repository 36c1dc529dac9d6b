"""A line in one process."""

from contextlib import closing

import pytest

from backend.line.engine import Engine, Terms
from backend.line.outbox import Outbox
from backend.line.pictures import Limits, Pictures
from backend.line.ring import WAIT, Ring
from tests.unit.line.doubles import Listed, Told


@pytest.fixture
def box(tmp_path):
    with closing(Outbox(tmp_path)) as made:
        made.begin(1, "lost")
        yield made


@pytest.fixture
def engine(tmp_path, box):
    """`engine(parts, judge=…, sinks=…, ring=…)`: not started yet; stopped at the end."""
    made = []

    def make(parts, judge=None, sinks=(), ring=None, share=0.0, deadline=0.0):
        box.join([sink.name for sink in sinks])
        pictures = Pictures(tmp_path, "line", Limits(share, 10**9, 10**6))
        source = Listed(parts)
        one = Engine(
            *(
                box,
                source,
                judge or Told(),
                list(sinks),
                ring if ring is not None else Ring(64, WAIT),
                pictures,
            ),
            Terms(deadline, "config"),
        )
        made.append(one)
        return one

    yield make
    for one in made:
        one.stop()
        one.finish(5)
