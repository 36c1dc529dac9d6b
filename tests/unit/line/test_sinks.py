"""Machines are told of each verdict at least once, with its key."""

import csv
import http.server
import json
import threading
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from backend.line import sinks
from backend.line.outbox import Row
from backend.line.sinks.sink import message
from backend.records import UserError
from tests.unit.line import brokers


def row(k, verdict="GOOD", serial="s", reason=""):
    return Row(
        *(k, 1, k, serial, "dot", 1.0, 2.0, 3.0),
        *(verdict, reason, 0.5, 12.345, "hash", 4, "config", ""),
    )


@pytest.mark.parametrize(
    ("verdict", "action"),
    [("GOOD", "pass"), ("REVIEW", "hold"), ("BAD", "reject"), ("UNINSPECTED", "reject")],
)
def test_a_message_says_what_to_do_with_the_part(verdict, action):
    told = message("press", row(7, verdict), "reject")
    assert (told["line"], told["epoch"], told["sequence"]) == ("press", 1, 7)
    assert (told["verdict"], told["action"]) == (verdict, action)
    assert told["captured"] == "1970-01-01T00:00:01.000+00:00"
    assert message("press", row(7, "UNINSPECTED"), "hold")["action"] == "hold"


@pytest.mark.parametrize(
    "address", ["", "out.csv", "ftp://x/y", "mqtt://host", "mqtt:///topic", "mqtt://h/a/#", "http:"]
)
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(UserError, match="Sink"):
        sinks.opened(address, "press", "reject")


def test_csv_goes_on_behind_a_line_that_was_cut_short(tmp_path):
    path = tmp_path / "out.csv"
    sink = sinks.opened(f"csv:{path}", "press", "reject")
    assert sink.send([row(1), row(2)]) == 2
    with path.open("a") as file:
        file.write("press,1,3,cut sh")
    assert sink.send([row(3, serial="=cmd()")]) == 1
    with path.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [one["sequence"] for one in found] == ["1", "2", "3"], "what the crash left is gone"
    assert found[-1]["serial"] == "'=cmd()", "no spreadsheet takes it for a formula"


def test_a_csv_needs_its_folder(tmp_path):
    with pytest.raises(UserError, match="Make it first"):
        sinks.opened(f"csv:{tmp_path}/none/out.csv", "press", "reject")


@pytest.fixture
def server():
    """A web server: what it was sent, and what it answers next."""
    got: list[tuple[str, Any]] = []
    answers: list[int] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, json.loads(body)))
            code = answers.pop(0) if answers else 200
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}/hook", got, answers
        made.shutdown()


def test_a_webhook_gets_up_to_a_hundred_at_once(server):
    address, got, _ = server
    with closing(sinks.opened(address, "press", "hold")) as sink:
        assert sink.send([row(k) for k in range(150)]) == 100
    path, told = got[0]
    assert path == "/hook"
    assert [one["sequence"] for one in told["parts"]] == list(range(100))


@pytest.mark.parametrize("code", [302, 404, 500])
def test_a_webhook_that_answers_otherwise_has_taken_nothing(server, code):
    address, got, answers = server
    answers.append(code)
    with closing(sinks.opened(address, "press", "hold")) as sink:
        with pytest.raises(OSError, match=str(code)):
            sink.send([row(1)])
        assert len(got) == 1, "no redirect is followed"
        assert sink.send([row(1)]) == 1


def test_nobody_there_is_an_oserror():
    sink = sinks.opened("http://127.0.0.1:9/hook", "press", "hold")
    with closing(sink), pytest.raises(OSError):
        sink.send([row(1)])


@pytest.fixture
def broker(tmp_path):
    if not brokers.MOSQUITTO:
        pytest.skip("mosquitto is not installed")
    with brokers.running(tmp_path) as made:
        yield made


@pytest.fixture
def subscriber(broker):
    with brokers.listening(broker.port) as heard:
        yield heard


def test_mqtt_tells_parts_and_heartbeats(broker, subscriber, until):
    sink = sinks.opened(broker.address, "press", "reject")
    assert sink.send([row(k) for k in range(300)]) == 300
    sink.beat({"buffer": 1})
    until(lambda: len(subscriber) >= 301)
    parts = [told for topic, told in subscriber if topic == "plant/press"]
    assert [one["sequence"] for one in parts] == list(range(300))
    sink.close()
    until(lambda: subscriber[-1][1].get("state") == "stopped")
    states = [told["state"] for topic, told in subscriber if topic == "plant/press/heartbeat"]
    assert states == ["running", "stopped"]


def test_a_broker_that_was_killed_is_told_when_it_is_back(broker, subscriber, until, monkeypatch):
    monkeypatch.setattr("backend.line.sinks.mqtt.PATIENCE", 0.5)
    sink = sinks.opened(broker.address, "press", "reject")
    left = [row(k) for k in range(50)]
    left = left[sink.send(left[:20]) :]
    until(lambda: len(subscriber) >= 20)  # a killed broker forgets what it has just taken
    broker.kill()
    with pytest.raises(OSError):
        sink.send(left)
    broker.start()

    def told():
        nonlocal left
        try:
            left = left[sink.send(left) :]
        except OSError:
            return False
        return not left

    until(told)
    until(lambda: {t["sequence"] for _, t in subscriber if "sequence" in t} == set(range(50)))
    sink.close()


def test_a_broker_that_is_nowhere_is_an_oserror(monkeypatch):
    monkeypatch.setattr("backend.line.sinks.mqtt.PATIENCE", 0.2)
    sink = sinks.opened(f"mqtt://127.0.0.1:{brokers.free_port()}/t", "press", "hold")
    with closing(sink), pytest.raises(OSError, match="no broker answers"):
        sink.send([row(1)])


def test_csv_keeps_the_columns_of_a_file_that_an_older_version_began(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("line,sequence,verdict\npress,1,GOOD\n")
    sinks.opened(f"csv:{path}", "press", "reject").send([row(2, "BAD")])
    assert path.read_text().splitlines()[-1] == "press,2,BAD"


def test_a_message_says_that_the_promise_was_suspended():
    assert message("press", row(1), "reject")["suspended"] is False
    assert message("press", replace(row(1), suspended=1.0), "reject")["suspended"] is True
