"""A candidate beside a line sees the same parts and delays nobody; what is dropped is counted."""

from contextlib import closing

import pandas as pd
import pytest

from backend.core.store import Store
from backend.deployment.package import contract
from backend.line import segments
from backend.line.judge import PackageJudge
from backend.line.part import Captured, Judgement, Part, Verdict
from backend.line.shadow import beside as beside_module
from backend.line.shadow import candidate, compared, stored
from backend.line.shadow.beside import Beside
from backend.line.shadow.candidate import Candidate
from backend.line.spec import Spec
from backend.records import UserError
from tests.unit.line.packages import MODEL_RUN, TYPES, package_run, packed, threshold_run

RUN = "20260101T000000-line-000000"


@pytest.fixture
def home(tmp_path):
    made = tmp_path / "lines" / "press"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def line(home, tmp_path):
    """A line's folder, its parts as they are judged, and a candidate with other limits."""
    parts, package = packed(tmp_path / "runs")
    judge = PackageJudge(contract.folder_of(package.folder), "", 1)
    limits = threshold_run(tmp_path / "runs", MODEL_RUN, dict.fromkeys(TYPES, (0.5, 0.1)))
    judged = []
    for k in range(8):
        picture = (parts.folder / f"artifacts/{k}.png").read_bytes()
        one = Captured(picture, TYPES[k % 2], float(k), f"s{k}")
        judged.append((Part(k + 1, 1, k + 1, one, 0.0), judge.look(one).said))
    return home, judged, Candidate(RUN, package.id, limits.id)


def in_store(home):
    with closing(Store(":memory:")) as store:
        store.feed(stored, home.parent.parent)
        (config,) = compared.candidates(store, "press")["config"]
        counts = compared.table(store, "press", config)
        return counts, compared.parts(store, "press", config, 100)


def test_it_judges_the_same_parts_and_what_differs_comes_first(line, until):
    home, judged, asked = line
    shadow = Beside(home, RUN, Spec())
    candidate.ask(home, asked)
    shadow.tick()
    for part, said in judged:
        shadow.saw(part, said)
    lost = Judgement(Verdict.UNINSPECTED, reason="the buffer was full")
    shadow.saw(judged[0][0], lost)
    until(lambda: shadow.tick() or candidate.status(home).judged == 8)
    shadow.close()
    told = candidate.status(home)
    assert (told.offered, told.judged, told.dropped, told.trouble) == (8, 8, 0, "")
    assert told.p50_ms > 0
    counts, rows = in_store(home)
    assert counts.values.tolist() == [
        *(["BAD", "BAD", 2], ["GOOD", "BAD", 2], ["GOOD", "GOOD", 2], ["REVIEW", "BAD", 2]),
    ]
    agree = compared.agreement(counts)
    assert (agree.parts, agree.same) == (8, 4) and agree.low < 0.5 < agree.high
    assert rows["active"].tolist()[:2] == ["GOOD", "GOOD"], "far apart first"
    assert rows["differ"].tolist() == [True] * 4 + [False] * 4
    assert all((home / path).is_file() for path in rows["picture"][:4])
    assert rows["score"].tolist() == rows["active_score"].tolist(), "one model, other limits"


def test_what_it_is_too_slow_for_is_dropped_and_counted(line, monkeypatch):
    home, judged, asked = line
    monkeypatch.setattr(beside_module, "HELD", 3)
    monkeypatch.setattr(beside_module.Process, "_hand_over", lambda self: None)
    shadow = Beside(home, RUN, Spec())
    candidate.ask(home, asked)
    shadow.tick()
    for part, said in judged:
        shadow.saw(part, said)
    shadow.tick()
    assert (candidate.status(home).offered, candidate.status(home).dropped) == (8, 5)
    monkeypatch.setattr(beside_module, "PATIENCE", 0.01)
    shadow.close()


def test_one_that_cannot_judge_here_says_why(line, until, tmp_path, monkeypatch):
    monkeypatch.setattr(beside_module, "PAUSE", 3600.0)  # it is not started again meanwhile
    home, judged, _ = line
    drifted = package_run(tmp_path / "runs", shift=1.0)
    candidate.ask(home, Candidate(RUN, drifted.id))
    shadow = Beside(home, RUN, Spec())
    shadow.tick()
    until(lambda: shadow.tick() or "golden part" in candidate.status(home).trouble)
    shadow.saw(*judged[0])
    shadow.tick()
    assert candidate.status(home).dropped == 1
    candidate.ask(home, Candidate(RUN, ""))
    shadow.tick()
    before = candidate.status(home).time
    shadow.tick()
    assert candidate.status(home).time == before, "nothing runs any more"


def test_limits_of_another_model_and_what_is_no_package_are_refused(line, tmp_path):
    home, _, asked = line
    other = threshold_run(tmp_path / "runs", "20260101T000000-inspect-999999", {})
    with pytest.raises(UserError, match="another anomaly model"):
        candidate.ask(home, Candidate(RUN, asked.package_run, other.id))
    with pytest.raises(UserError, match="no finished package"):
        candidate.ask(home, Candidate(RUN, asked.threshold_run))
    assert candidate.asked(home) is None


def test_a_shadow_asked_for_another_start_of_the_line_does_not_run(line):
    home, _, asked = line
    candidate.ask(home, asked)
    shadow = Beside(home, "20260101T000000-line-111111", Spec())
    shadow.tick()
    assert candidate.status(home) is None


def test_its_files_are_kept_with_a_backup(home):
    rows = pd.DataFrame({"id": [3, 9], "epoch": 1, "sequence": [3, 9], "verdict": "GOOD"})
    segments.write(candidate.home_of(home), rows)
    storage = home.parent.parent
    assert [p.name for p in stored.kept(storage)] == ["3-9.parquet"]
    assert list(stored.fresh(storage, {"press": 9})) == []
    assert [last for _, last, _ in stored.fresh(storage, {"press": 3})] == [9]
