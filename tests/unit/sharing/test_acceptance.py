"""The acceptance protocol: each piece of evidence, and what it says where one is missing."""

import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from backend.__main__ import main
from backend.core import facts, runs
from backend.inspection.threshold import detection
from backend.line import control, segments
from backend.line.promise.watcher import Watcher
from backend.line.review import decisions
from backend.records import UserError
from backend.sharing.report import asked, formats, of_acceptance
from backend.sharing.report import scope as scopes
from backend.sharing.report.items import Blank, Chart, Gap, Table
from backend.sharing.report.scope import Period, Scope
from tests.unit.line import lived, packages

GAP = "{}: missing"


@pytest.fixture
def line(storage):
    """A line that judged 60 parts, all drawn by lot."""
    home, wish = lived.line(storage)
    judge = lived.judge_of(home, wish)
    shades = np.random.default_rng(2).normal(112, 12, 60)
    with lived.opened(home) as box:
        watcher = Watcher(home, box)
        watcher.follow(wish, judge.versions["package"])
        lived.run_by(home, box, judge, shades, captured=time.time() - 200)
        watcher.look()
        segments.cut(home, box)
    rows = pd.read_parquet(segments.files(home)[0])
    return SimpleNamespace(home=home, storage=storage.storage, rows=rows, wish=wish)


def report(line):
    return of_acceptance.report(line.storage, line.home.name, Period())


def gaps(made):
    return {item.title: item.words for item in made.items if isinstance(item, Gap)}


def tables(made):
    return {item.name: item.frame for item in made.items if isinstance(item, Table)}


def reviewed(line):
    """Two people look at every part, one of them at some twice; they err where it is near."""
    rng = np.random.default_rng(1)
    for who, again in (("Ann", 1.0), ("Ben", 1.0), ("Ann", 0.3)):
        for row in line.rows.itertuples():
            if rng.random() < again:
                bad = row.score + rng.normal(0, 0.2) > 1.5
                decisions.record(
                    line.home, (row.epoch, row.sequence), "bad" if bad else "good", who
                )


def with_defects(line, count=80, faint=0.0):
    """BAD parts of known sizes behind the limits, found the more likely the larger they are."""
    rng = np.random.default_rng(3)
    folder = control.runs_of(line.home)
    limits = runs.read(folder / line.wish.threshold_run)
    model = folder / str(limits.spec["inspect_run"])
    parts = facts.read(folder / str(runs.read(model).spec["parts_run"]), "parts")
    sizes = np.exp(rng.uniform(-1, 1.5, count))
    names = [f"b{k}" for k in range(count)]
    bad = pd.DataFrame(
        {"part": names, "feature": "dot", "label": 0, "path": "-", "group": names, "excess": sizes}
    )
    both = pd.concat([parts, bad], ignore_index=True).drop(columns="run_id", errors="ignore")
    facts.write(folder / str(runs.read(model).spec["parts_run"]), "parts", both)
    scores = facts.read(model, "scores").drop(columns="run_id", errors="ignore")
    found = 1.0 - faint + (3 - faint) * np.log(sizes) + rng.logistic(0, 1, count)
    rows = bad[["part", "feature", "label"]].assign(
        method="diffusion", repeat=0, fold=0, score=found
    )
    facts.write(model, "scores", pd.concat([scores, rows], ignore_index=True))
    limited = {"method": "diffusion", "alarm_limit": 2.0, "review_limit": 1.0}
    facts.write(limits.folder, "thresholds", [{"feature": name} | limited for name in ("dot",)])


def test_what_is_missing_is_said_with_the_way_to_get_it(line):
    made = report(line)
    found = gaps(made)
    assert "Blind share" in found[GAP.format("Escapes")]
    assert "nobody judged a part twice" in found[GAP.format("Attribute agreement")].lower()
    assert "Repeat share" in found[GAP.format("Attribute agreement")]
    assert "masks" in found[GAP.format("Detection probability by size (POD)")]
    assert "page Latency" in found[GAP.format("Latency on this computer")]
    assert "page Gate" in found[GAP.format("Gate")]
    assert GAP.format("Golden parts") not in found
    assert made.lead[0].startswith("1 of 7 pieces of evidence are whole")
    overview = tables(made)["1-overview"]
    assert list(overview["evidence"]) == [title for title, _ in of_acceptance.PIECES]
    assert set(overview["state"]) == {"there", "missing"}


def test_golden_parts_are_judged_again(line):
    shown = tables(report(line))["2-golden"]
    assert len(shown) == len(packages.SHADES) and set(shown["the same"]) == {"yes"}


def test_reviews_give_escapes_and_agreement(line):
    reviewed(line)
    made = report(line)
    escapes = tables(made)["4-escapes"]
    assert escapes["found"].iloc[0].endswith(f"of {(line.rows['verdict'] == 'GOOD').sum()}")
    agreement = tables(made)["5-agreement"]
    assert set(agreement["between"]) == {"with oneself", "two people", "line and people"}
    assert agreement["kappa"].str.contains(r"\[").all()
    assert GAP.format("Escapes") not in gaps(made)


def test_defects_of_known_size_give_a_curve(line):
    with_defects(line)
    made = report(line)
    chart = next(item for item in made.items if isinstance(item, Chart))
    assert set(chart.data["line"]) == {"curve", "bound"}
    whole = tables(made)["6-sizes"].iloc[0]
    assert whole["BAD parts"] == "80" and "[" in whole["a90 [95 % interval]"]
    said = next(words for words in made.lead if words.startswith("Detection probability"))
    assert "a90/95" in said and "tolerances" in said


def test_where_even_the_largest_is_missed_too_often_there_is_no_a90(line):
    with_defects(line, faint=2.5)
    made = report(line)
    told = gaps(made)[GAP.format("Detection probability by size (POD)")]
    assert "Even the largest defect here" in told and "90 % is not reached" in told
    assert [item for item in made.items if isinstance(item, Chart)], (
        "the curve is drawn all the same"
    )


def test_a_type_without_limits_is_left_out_of_the_curve(line):
    with_defects(line)
    limits = control.runs_of(line.home) / line.wish.threshold_run
    facts.write(limits, "thresholds", [{"feature": "edge", "method": "diffusion"}])
    with pytest.raises(UserError, match="size of the defect"):
        detection.sized(limits)


def test_everything_has_its_hash_and_there_is_room_to_sign(line):
    reviewed(line)
    made = report(line)
    hashes = tables(made)["hashes"]
    assert {"golden parts", "verdicts of the period", "decisions of people"} <= set(hashes["what"])
    assert hashes["SHA-256"].str.fullmatch(r"[0-9a-f]{64}|deleted, or damaged").all()
    blank = next(item for item in made.items if isinstance(item, Blank))
    assert list(blank.frame.columns) == ["role", "name", "date", "signature"]
    page = formats.written(made, {}, formats.STATIC).decode()
    assert 'class="blank"' in page and len(page) < 1_000_000
    decisions.record(line.home, (1, 1), "bad", "Cem")
    assert not tables(report(line))["hashes"].equals(hashes)


def test_decisions_about_parts_outside_of_the_period_do_not_count(line):
    reviewed(line)
    middle = pd.Timestamp(round(line.rows["captured"].median()), unit="s", tz="UTC").to_pydatetime()
    about = of_acceptance.subject(line.storage, line.home.name, Period(begin=middle))
    assert 0 < len(about.rows) < 60
    known = set(zip(about.rows["epoch"], about.rows["sequence"], strict=True))
    assert about.said and {one.place for one in about.said} <= known


def test_the_verb_writes_it_and_a_link_remembers_what_it_is_of(line, monkeypatch, tmp_path):
    monkeypatch.setenv("DISTILLERY_STORAGE", str(line.storage))
    target = tmp_path / "audit.zip"
    words = ["report", "--line", line.home.name, "--protocol", "--out", str(target)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert target.read_bytes().startswith(b"PK")
    wrong = CliRunner().invoke(main, ["report", "--protocol", "--out", "a.html"])
    assert wrong.exit_code == 2 and "of a line" in wrong.output
    scope = Scope(line=line.home.name, protocol=True)
    assert scopes.from_json(scope.to_json()) == scope
    assert not scopes.from_json({"runs": [], "line": "x", "period": {}}).protocol
    assert asked.report(line.storage, scope).title == f"Acceptance protocol: line {line.home.name}"


def test_a_line_that_judged_nothing_has_none(storage):
    home, _ = lived.line(storage)
    with pytest.raises(UserError, match="judged no part"):
        of_acceptance.report(storage.storage, home.name, Period())
    with pytest.raises(UserError, match="There is no line"):
        of_acceptance.report(storage.storage, "none", Period())
