"""The door for writes: what was done is in the journal of actions, what was refused is not."""

import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass

import numpy as np
import pytest

from backend import demo
from backend.actions import results, work
from backend.core import audit, facts, jobs, maintenance, runs
from backend.core.audit import Actor, Line, Way
from backend.core.desk import CommandLine
from backend.experiments.plans import Plan, Step
from backend.images import curation, imagefiles
from backend.images.boxes import box_row
from backend.images.curation import Edit
from backend.inspection.threshold import active
from backend.records import Box, RunState, UserError
from backend.settings import PROJECT
from backend.ways import parts as parts_way
from tests.unit.inspection.test_threshold import make_inspected, make_threshold

ADA = Actor("Ada", Way.PAGE)
SOMEONE = Actor("", Way.PAGE)
SMALL = {"count": 2, "size": 128}


@pytest.fixture
def supervisor(storage, store):
    return jobs.Supervisor(storage, store)


@pytest.fixture
def done(storage):
    """The actions noted so far, oldest first."""
    return lambda: [one.action for one in reversed(audit.newest(storage.storage))]


@pytest.fixture
def images(storage):
    """A finished run of one image with one box."""
    run = runs.create(storage.runs, "generate", {"teacher": "rendered"})
    imagefiles.write(run.artifacts / "images/a.png", np.zeros((48, 64, 3), np.uint8))
    row = {"image": "a", "path": "artifacts/images/a.png", "source": "rendered"}
    facts.write(run.folder, "images", [row])
    box = box_row("a", Box("crack", (10.0, 12.0, 30.0, 40.0)))
    facts.write(run.folder, "boxes", [box])
    runs.finish(run.folder, RunState.COMPLETED, result={"images": 1})
    return runs.read(run.folder)


def test_a_run_s_life_is_noted_with_who_and_how(supervisor, storage, done):
    run = work.submit(ADA, supervisor, "generate", SMALL, name="two")
    [line] = audit.newest(storage.storage)
    assert line == Line(line.time, "Ada", "page", "submit", run.id, "two")
    work.cancel(SOMEONE, supervisor, run.id)
    assert audit.newest(storage.storage)[0].actor == "someone at this dashboard"
    work.resume(ADA, supervisor, run.id)
    work.cancel(ADA, supervisor, run.id)
    supervisor.tick()
    work.delete(ADA, supervisor, run.id)
    work.restore(ADA, supervisor, run.id)
    work.delete(ADA, supervisor, run.id)
    work.empty_trash(ADA, supervisor)
    after = ["resume", "cancel", "delete", "restore", "delete", "empty trash"]
    assert done() == ["submit", "cancel", *after]
    assert audit.newest(storage.storage)[0].detail == run.id
    assert not runs.folders(storage.trash)


def test_a_refused_action_says_nowhere_that_it_was_done(supervisor, storage, done):
    run = work.submit(ADA, supervisor, "generate", SMALL)
    for act, what in (
        (lambda: work.submit(ADA, supervisor, "generate", SMALL), "already pending"),
        (lambda: work.submit(ADA, supervisor, "generate", {"count": -1}), "Count must be"),
        (lambda: work.delete(ADA, supervisor, run.id), "Cancel it first"),
        (lambda: work.resume(ADA, supervisor, run.id), "only a stopped run"),
        (lambda: work.restore(ADA, supervisor, run.id), "not in the trash"),
        (lambda: work.cancel(ADA, supervisor, "none"), "no run 'none'"),
        (lambda: work.clear(ADA, storage, "runs"), "cannot be cleared"),
    ):
        with pytest.raises(UserError, match=what):
            act()
    work.empty_trash(ADA, supervisor)  # nothing was in there
    work.clear(ADA, storage, "exports")
    assert done() == ["submit"]


def test_canceling_what_has_ended_is_not_noted(supervisor, done, images):
    work.cancel(ADA, supervisor, images.id)
    assert done() == []


def test_the_command_line_is_noted_as_such(storage):
    desk = CommandLine(storage, queued=True)
    run = work.submit(Actor("", Way.COMMAND_LINE), desk, "generate", SMALL)
    work.cancel(Actor("eve", Way.COMMAND_LINE), desk, run.id)
    newest, first = audit.newest(storage.storage)
    assert (first.actor, first.way) == ("someone at this computer", "command line")
    assert (newest.actor, newest.action, newest.about) == ("eve", "cancel", run.id)
    assert not runs.read(run.folder).result


def test_decisions_about_images_are_noted(storage, images, done):
    results.curate(ADA, storage, images, "a rejected", [Edit("a", "rejected")])
    assert curation.verdicts(images.folder) == {"a": "rejected"}
    with pytest.raises(UserError, match="Keep at least one"):
        results.export_images(ADA, storage, images, "yolo")
    with pytest.raises(UserError, match="no image 'b'"):
        results.curate(ADA, storage, images, "b kept", [Edit("b", "kept")])
    assert results.undo(ADA, storage, images) == "a rejected"
    assert results.undo(ADA, storage, images) == ""
    results.export_images(ADA, storage, images, "coco")
    assert [path.name for path in storage.exports.iterdir()] == [f"{images.id}-coco.zip"]
    assert done() == ["curate", "undo", "export images"]
    assert [one.about for one in audit.newest(storage.storage)] == [images.id] * 3


def test_another_class_for_boxes_is_one_action_that_is_noted_and_taken_back(storage, images, done):
    with pytest.raises(UserError, match="Choose others"):
        results.relabel(ADA, storage, images, ["a"], "dent", "chip")
    words = results.relabel(ADA, storage, images, ["a"], "crack", "chip")
    assert words == "crack became chip in 1 image"
    assert list(curation.boxes(images.folder)["class_name"]) == ["chip"]
    assert results.undo(ADA, storage, images) == words
    assert list(curation.boxes(images.folder)["class_name"]) == ["crack"]
    assert done() == ["curate", "undo"]


def test_a_threshold_in_force_is_noted_and_needs_a_name(storage, done):
    run = make_threshold(storage.runs, make_inspected(storage.runs, {"dots": (30, 10)}))
    with pytest.raises(UserError, match="Who is missing"):
        results.put_in_force(SOMEONE, storage, run, "why")
    assert done() == []
    results.put_in_force(ADA, storage, run, " fewer alarms ")
    assert active.current(storage.storage).who == "Ada"
    [line] = audit.newest(storage.storage)
    assert (line.action, line.about, line.detail) == ("put in force", run.id, "fewer alarms")


@dataclass
class Dropped:
    name: str
    content: bytes = b"x"

    def getbuffer(self):
        return self.content


def test_uploads_are_noted_and_cleared_for_good(storage, done):
    kept = work.keep_uploads(ADA, storage, [Dropped("a.jpg"), Dropped("b.jpg")])
    assert audit.newest(storage.storage)[0].about == str(kept)
    with pytest.raises(UserError, match="one zip alone"):
        work.keep_uploads(ADA, storage, [Dropped("a.zip"), Dropped("b.jpg")])
    work.clear(ADA, storage, "uploads")
    assert not storage.uploads.exists()
    assert done() == ["keep uploads", "clear"]


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "no zip file, or a damaged one. Pack it again as zip."),
        (zipped(a_png=b"x" * 99)[:-30], "no zip file, or a damaged one. Pack it again as zip."),
        (zipped(a_txt=b"x"), "holds no image .*. Pack the images into it."),
    ],
    ids=["no zip", "cut off", "no image"],  # a zip's bytes hold the time
)
def test_a_zip_that_no_job_could_read_is_refused_at_once(
    supervisor, storage, done, tmp_path, content, words
):
    with pytest.raises(UserError, match=f"parts.zip (is )?{words}"):
        work.keep_uploads(ADA, storage, [Dropped("parts.zip", content)])
    assert not list(storage.uploads.iterdir())
    (tmp_path / "parts.zip").write_bytes(content)
    named = {"source": "folder", "folder": str(tmp_path / "parts.zip")}
    with pytest.raises(UserError, match=f"parts.zip (is )?{words}"):
        work.submit(ADA, supervisor, "parts", named)
    assert done() == [] and not runs.folders(storage.runs)


def test_the_journal_is_in_the_backup_and_survives_a_reindex(storage, images, done, tmp_path):
    work.migrate(ADA, storage)
    archive = work.back_up(ADA, storage)
    work.reindex(ADA, storage)
    assert done() == ["migrate", "back up", "reindex"]
    subprocess.run(["tar", "xf", archive, "-C", tmp_path, audit.JOURNAL], check=True)
    [line] = (tmp_path / audit.JOURNAL).read_text().splitlines()
    assert json.loads(line)["action"] == "migrate"
    assert maintenance.check(storage) == []


def test_every_step_of_the_demo_is_noted(supervisor, done):
    work.queue(ADA, supervisor, demo.PLAN)
    assert set(done()) == {"submit"}
    assert len(done()) == len(supervisor.active())


def test_a_plan_of_which_a_step_is_refused_leaves_nothing_waiting(supervisor, done):
    steps = (
        Step("generate", "images", SMALL),
        Step("distill", "student", {"preset": "paper", "size": 64}, {"teacher_run": "images"}),
    )
    with pytest.raises(UserError, match="this recipe paints 128 px"):
        work.queue(ADA, supervisor, Plan("Refused", steps))
    assert done() == ["submit", "cancel"]
    assert supervisor.active() == []


def test_nothing_is_done_where_it_cannot_be_noted(supervisor, storage, monkeypatch):
    audit.note(storage.storage, ADA, "first")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UserError, match=r"Nothing was changed: .*audit.jsonl cannot be written"):
        work.submit(ADA, supervisor, "generate", SMALL)
    assert supervisor.active() == []


def test_a_full_disk_is_told_after_the_action(storage, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(audit.journal, "append", full)
    with pytest.raises(UserError, match=r"It was done .*No space left on device"):
        work.migrate(ADA, storage)


WRITER = """
import sys
from pathlib import Path
from backend.core import audit
for k in range(100):
    audit.note(Path(sys.argv[1]), audit.Actor(sys.argv[2], audit.Way.PAGE), "act", str(k))
"""


def test_two_processes_lose_nothing_and_a_torn_line_is_passed_over(storage):
    storage.storage.mkdir(parents=True, exist_ok=True)
    path = storage.storage / audit.JOURNAL
    path.write_text('{"time": "2026')
    command = [sys.executable, "-c", WRITER, str(storage.storage)]
    writers = [subprocess.Popen([*command, name], cwd=PROJECT) for name in ("a", "b")]
    assert [process.wait(300) for process in writers] == [0, 0]
    found = audit.newest(storage.storage, 1000)
    assert [one.about for one in found if one.actor == "a"] == [str(k) for k in range(99, -1, -1)]
    assert len(found) == 200
    assert audit.newest(storage.storage, 3) == found[:3]


def test_a_step_is_queued_with_what_goes_with_it(supervisor, storage, done):
    before = runs.read(storage.runs / make_inspected(storage.runs, {"dots": (30, 3)}))
    first = runs.read(storage.runs / before.spec["parts_run"])
    step, made = parts_way.WAY.step(parts_way.MODEL), {parts_way.PARTS: first}
    model = work.take_step(ADA, supervisor, parts_way.WAY, step, made)
    queued = supervisor.active()
    assert sorted(run.kind for run in queued) == ["inspect", "latency", "package", "threshold"]
    by_kind = {run.kind: run for run in queued}
    assert model.spec["parts_run"] == first.id
    assert by_kind["threshold"].spec["alarm_rate"] == 0.05
    assert supervisor.waits_for(by_kind["threshold"]) == [model.id]
    assert supervisor.waits_for(by_kind["latency"]) == [by_kind["package"].id]
    assert all(run.name for run in queued)
    assert done() == ["submit"] * 4
