"""Parts are handed in over HTTP, each gets a verdict, and nobody without the key."""

import json
import stat
import threading
import time
from io import BytesIO

import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from backend.deployment.package import contract
from backend.line import service
from backend.line.engine import Engine, Terms
from backend.line.judge import PackageJudge
from backend.line.keeper import Keeper
from backend.line.metrics import Metrics
from backend.line.pictures import Limits, Pictures
from backend.line.ring import WAIT, Ring
from backend.line.service import Service
from backend.line.sources.http import Http
from tests.unit.line.packages import SHADES, package_run, picture


@pytest.fixture
def line(tmp_path, box):
    """A line whose parts are handed in: its service, and its engine."""
    made = package_run(tmp_path / "runs")
    judge = PackageJudge(contract.folder_of(made.folder), "", 1)
    pictures = Pictures(tmp_path, "line", Limits(0, 10**9, 10**6))
    source = Http()
    engine = Engine(box, source, judge, [], Ring(8, WAIT), pictures, Terms(0.0, "config"))
    keeper = Keeper(tmp_path, engine, 8, {"name": "press"})
    metrics = Metrics("press", engine)
    engine.start()
    yield Service(tmp_path, keeper, metrics, source, service.Terms("hold", 1000.0)), engine
    engine.stop()
    engine.finish(5)


@pytest.fixture
def client(line):
    with TestClient(line[0].app) as made:
        made.headers["Authorization"] = f"Bearer {line[0]._key}"
        yield made


def png(shade):
    target = BytesIO()
    Image.fromarray(picture(shade)).save(target, "PNG")
    return target.getvalue()


@pytest.mark.parametrize(
    ("shade", "verdict", "action"),
    [
        (SHADES[0], "GOOD", "pass"),
        (SHADES[1], "GOOD", "pass"),
        (SHADES[2], "REVIEW", "hold"),
        (SHADES[3], "BAD", "reject"),
    ],
)
def test_a_part_that_is_handed_in_gets_its_verdict(client, shade, verdict, action):
    answer = client.post("/inspect?feature=dot&serial=A1", content=png(shade))
    told = answer.json()
    assert answer.status_code == 200
    assert (told["verdict"], told["action"]) == (verdict, action)
    assert (told["epoch"], told["sequence"], told["thresholds"]) == (1, 1, 4)
    assert told["score"] == pytest.approx((shade - 100) / 10)


@pytest.mark.parametrize(
    ("query", "content", "reason"),
    [
        ("feature=dot", b"", "cannot be decoded"),
        ("feature=dot", b"\x89PNG\r\n\x1a\n broken", "cannot be decoded"),
        ("feature=none", png(100), "does not know the feature type 'none'"),
        ("", png(100), "does not know the feature type ''"),
    ],
)
def test_what_cannot_be_judged_is_uninspected(client, query, content, reason):
    told = client.post(f"/inspect?{query}", content=content).json()
    assert (told["verdict"], told["action"], told["score"]) == ("UNINSPECTED", "hold", None)
    assert reason in told["reason"]


def test_without_the_key_nobody_gets_in(line, client):
    with TestClient(line[0].app) as stranger:
        assert stranger.post("/inspect", content=png(100)).status_code == 401
        assert stranger.get("/metrics").status_code == 401
        wrong = {"X-API-Key": "x"}
        assert stranger.get("/metrics", headers=wrong).status_code == 401
        right = {"X-API-Key": line[0]._key}
        assert stranger.get("/metrics", headers=right).status_code == 200
        assert stranger.get("/health").json() == {"state": "running", "troubles": {}}


def test_the_key_is_the_owners_alone_and_stays(tmp_path):
    key = service.key_of(tmp_path)
    assert service.key_of(tmp_path) == key
    assert len(key) > 30
    assert stat.S_IMODE((tmp_path / service.KEY).stat().st_mode) == 0o600


def test_an_empty_key_lets_nobody_in(tmp_path, line):
    (tmp_path / service.KEY).write_text("")  # as a full disk leaves it
    assert len(service.key_of(tmp_path)) > 30
    assert stat.S_IMODE((tmp_path / service.KEY).stat().st_mode) == 0o600


def test_too_large_and_too_many_are_uninspected_too(line, client, monkeypatch):
    monkeypatch.setattr(service, "MOST_BYTES", 1000)
    answer = client.post("/inspect", content=b"x" * 1001)
    assert (answer.status_code, answer.json()["verdict"]) == (413, "UNINSPECTED")
    line[0]._rate = service.Rate(1.0)
    codes = [client.post("/inspect?feature=dot", content=png(100)).status_code for _ in range(3)]
    assert codes == [200, 429, 429]


def test_no_verdict_in_time_is_uninspected(line, client, monkeypatch):
    monkeypatch.setattr(service, "PATIENCE", 0.05)
    look = line[1].judge.look
    monkeypatch.setattr(line[1].judge, "look", lambda one: (time.sleep(0.3), look(one))[1])
    answer = client.post("/inspect?feature=dot", content=png(100))
    assert (answer.status_code, answer.json()["verdict"]) == (504, "UNINSPECTED")


def test_many_at_once_each_get_their_own(client):
    found = {}

    def hand_in(k):
        told = client.post(f"/inspect?feature=dot&serial={k}", content=png(SHADES[k % 4])).json()
        found[k] = (told["sequence"], told["verdict"])

    threads = [threading.Thread(target=hand_in, args=(k,)) for k in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(sequence for sequence, _ in found.values()) == list(range(1, 21))
    assert [found[k][1] for k in range(4)] == ["GOOD", "GOOD", "REVIEW", "BAD"]


def test_metrics_are_prometheus_own_words(client):
    for shade in SHADES:
        client.post("/inspect?feature=dot", content=png(shade))
    families = {f.name: f for f in text_string_to_metric_families(client.get("/metrics").text)}
    counts = {s.labels["verdict"]: s.value for s in families["distillery_parts"].samples}
    assert counts == {"GOOD": 2, "REVIEW": 1, "BAD": 1, "UNINSPECTED": 0}
    stages = {s.labels["stage"] for s in families["distillery_stage_seconds"].samples}
    assert stages == {"wait", "judge", "store"}
    assert families["distillery_buffer_parts"].samples[0].value == 0
    info = families["distillery_model_info"].samples[0]
    assert info.name == "distillery_model_info" and info.labels["thresholds"] == "4"


def test_a_line_in_trouble_is_not_healthy(line, client):
    line[1].troubles["disk"] = "full"
    assert client.get("/health").status_code == 503
    line[1].troubles.clear()
    assert client.get("/health").status_code == 200


def test_the_service_describes_itself(client):
    told = client.get("/openapi.json").json()
    assert set(told["paths"]) == {"/inspect", "/metrics", "/health"}
    json.dumps(told)


def test_a_suspended_promise_is_said_in_each_answer_and_in_the_metrics(line, client):
    engine = line[1]
    engine.judge.suspended = frozenset({"dot"})
    for feature, suspended in (("dot", True), ("edge", False)):
        told = client.post(f"/inspect?feature={feature}", content=png(SHADES[0])).json()
        assert (told["verdict"], told["suspended"]) == ("GOOD", suspended)
    families = {f.name: f for f in text_string_to_metric_families(client.get("/metrics").text)}
    [sample] = families["distillery_promise_suspended"].samples
    assert (sample.labels, sample.value) == ({"line": "press"}, 1.0)
