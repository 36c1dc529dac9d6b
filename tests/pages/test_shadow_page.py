"""The page Shadow: a candidate beside a line, and the last weeks again."""

import time

import pandas as pd
import pytest

from backend.core import runs
from backend.line import control, segments, steady
from backend.line.keeper import STATUS
from backend.line.shadow import candidate, stored
from backend.line.shadow.candidate import Candidate, Status
from pages.ui import resources
from tests.pages.test_forms import press
from tests.pages.test_line_pages import texts
from tests.pages.test_pages import is_well, open_page
from tests.pages.worked_lines import NAME, worked
from tests.unit.line.packages import MODEL_RUN, threshold_run

SHADOW = "pages/line/shadow.py"


@pytest.fixture
def line(storage, empty_dashboard):
    """A line that judged 24 parts with its package, and other limits of its model."""
    made = worked(storage)
    threshold_run(storage.runs, MODEL_RUN, {"dot": (0.5, 0.1), "edge": (9.0, 8.0)})
    resources.supervisor().tick()
    resources.store().feed(segments, storage.storage)
    return made


def again(app):
    return app.segmented_control[0].set_value("The last weeks again").run()


def shown(app):
    """Figures of a shift: name → (then, now)."""
    frame = next(one.value for one in app.dataframe if "a shift" in one.value)
    return {row[0]: tuple(row[1:]) for row in frame.itertuples(index=False, name=None)}


def test_the_last_weeks_again_with_other_limits(line):
    app = again(open_page(SHADOW, line=NAME))
    is_well(app)
    assert "**24 parts**" in texts(app) and "0 of them" in texts(app)
    picked = next(box for box in app.selectbox if box.label == "With the limits of")
    assert len(picked.options) == 2
    is_well(picked.set_value(picked.options[1]).run())
    assert "0 of them" not in texts(app)
    then, now = shown(app)["called BAD"]
    assert then.startswith("6.0 [") and now.startswith("9.0 ["), "dot above 0.5, edge none"
    assert shown(app)["BAD, passed"] == ("not known", "not known")
    assert "nobody knows which BAD ones pass" in texts(app)


def test_days_without_a_part_say_so(line):
    app = again(open_page(SHADOW, line=NAME))
    days = next(one for one in app.date_input if one.label == "Days (UTC)")
    is_well(days.set_value([days.value[0], days.value[0]]).run())
    assert "No part of these days" in texts(app)


def test_a_line_that_does_not_run_has_no_shadow(line):
    app = open_page(SHADOW, line=NAME)
    is_well(app)
    assert "no candidate can run beside it" in texts(app)
    assert "No candidate has judged a part" in texts(app)


def test_a_candidate_is_started_told_and_ended(line):
    run, home = line
    now = {"steady": steady.now() + 600, "boot": steady.boot(), "ended": False}
    runs.write_json(home / STATUS, runs.read_json(home / STATUS) | now)
    app = open_page(SHADOW, line=NAME)
    is_well(press(app, "Let it judge beside the line"))
    asked = candidate.asked(home)
    assert asked == Candidate(run.id, control.wish(home).package_run)
    assert "candidate is starting" in texts(app)
    told = Status(*(run.id, asked.package_run, "", time.time()), 9, 7, 2, "", 1.0, 2.0, 3.0, 4.0)
    candidate.tell(home, told)
    app = open_page(SHADOW, line=NAME)
    is_well(app)
    tiles = {metric.label: metric.value for metric in app.metric}
    assert (tiles["Dropped"], tiles["Candidate, a part"]) == ("2", "3.0 ms")
    is_well(press(app, "End this shadow"))
    assert candidate.asked(home).package_run == ""


def test_what_differs_is_shown_first(line, storage):
    _, home = line
    row = {"epoch": 1, "feature": "dot", "captured": 1.0, "judged": 2.0, "score": 1.0, "ms": 1.0}
    more = {"reason": "", "package": "aaa", "thresholds": 9, "config": "c", "picture": ""}
    rows = [
        row
        | more
        | {"id": k, "sequence": k, "serial": f"s{k}", "verdict": "GOOD"}
        | {"active": "BAD" if k == 1 else "GOOD", "active_score": 5.0}
        for k in range(1, 6)
    ]
    segments.write(candidate.home_of(home), pd.DataFrame(rows))
    resources.store().feed(stored, storage.storage)
    app = open_page(SHADOW, line=NAME)
    is_well(app)
    assert "80.0%" in texts(app) and "of 1 part they do not" in texts(app)
    serials = [one.value for one in app.markdown if one.value.startswith("dot s")]
    assert serials[0] == "dot s1" and len(serials) == 5
