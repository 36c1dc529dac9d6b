"""A line's log tells when troubles came and went, and stays small."""

import pytest

from backend.line import log
from backend.line.log import Log


@pytest.fixture
def noted(tmp_path):
    made = Log(tmp_path)
    yield made
    made.close()


def told(home):
    return [(one["what"], one["of"], one["words"]) for one in log.newest(home, 9)]


def test_a_trouble_is_noted_when_it_begins_and_when_it_ends(noted, tmp_path):
    noted.look({"disk": "full"})
    noted.look({"disk": "full, tried at 12:00"})
    noted.look({"source": "gone"})
    assert told(tmp_path)[0][:2] == ("ended", "disk"), "the newest first"
    assert told(tmp_path)[1:] == [("began", "source", "gone"), ("began", "disk", "full")]


def test_old_entries_are_put_aside_and_the_oldest_go(noted, tmp_path, monkeypatch):
    noted._handler.maxBytes = 1000
    for k in range(200):
        noted.note(log.NOTED, "line", f"number {k}")
    sizes = [path.stat().st_size for path in tmp_path.glob(f"{log.FILE}*")]
    assert len(sizes) == log.KEPT + 1 and max(sizes) <= 1000
    assert told(tmp_path)[0][2] == "number 199"


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path):
    (tmp_path / log.FILE).mkdir()
    Log(tmp_path).note(log.NOTED, "line", "words")


def test_what_a_process_said_is_put_aside_while_it_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(log, "MOST_BYTES", 10)
    path = tmp_path / "log.txt"
    with path.open("a") as said:
        said.write("a long first line\n")
        said.flush()
        log.shorten(path)
        said.write("second\n")
        said.flush()
        log.shorten(path)
    assert path.read_text() == "second\n"
    assert (tmp_path / "log.1.txt").read_text() == "a long first line\n"
