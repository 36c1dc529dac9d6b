"""The process of a line. It goes on where a line of that name was, however that one ended."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from backend.core import runs
from backend.line import control, judges, log, report, segments, service, sinks
from backend.line.control import Wish
from backend.line.engine import Engine, Terms
from backend.line.keeper import Keeper
from backend.line.metrics import Metrics
from backend.line.outbox import Outbox
from backend.line.pictures import Limits, Pictures
from backend.line.recorder.recorder import Extent, Recorder
from backend.line.ring import Ring
from backend.line.service import Service
from backend.line.shadow import candidate
from backend.line.shadow.beside import Beside
from backend.line.sources import Source, camera, genicam
from backend.line.sources.folder import Folder
from backend.line.sources.http import Http
from backend.line.sources.replay import Replay
from backend.line.spec import Result, Spec, check_name
from backend.records import Progress, Shortage, UserError
from backend.wording import counted

LOST = "the line ended before it was judged"
PATIENCE = 10.0  # seconds for what is under way when the line ends
TOLD_PATIENCE = 3.0  # seconds for sinks to take the rest
TICK = 0.1
REPORTED = 600.0  # seconds between two lines of the run's progress, for a line without end
RECORDINGS = 200  # of alarms, at most


def check_inputs(spec: Spec, runs_folder: Path) -> None:
    """Raises UserError for limits of another model than the package's, or a camera that cannot be
    opened and set."""
    if spec.source == "genicam":
        genicam.probe(spec.setup())
    if spec.threshold_run:
        control.check_limits(runs_folder, spec.package_run, spec.threshold_run)


def goes_by(run: runs.Run) -> set[str]:
    """Ids of the runs that a line was asked to judge with since it began, and its candidate's.
    Raises UserError where that cannot be read."""
    home = report.home(run.folder.parent.parent, run.name)
    asked = [one for one in (control.wish(home), candidate.asked(home)) if one]
    mine = [one for one in asked if one.run == run.id]
    return {one for wish in mine for one in (wish.package_run, wish.threshold_run) if one}


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Run the line until its last part, or until it is stopped."""
    name = runs.read(out_dir).name
    check_name(name)
    home = report.home(out_dir.parent.parent, name)
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home):
        return _run(spec, out_dir, home, progress)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Raises UserError where a line of this name runs already."""
    with (home / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(
                f"The line '{home.name}' runs already. Stop that one, or choose another name."
            ) from error
        yield


def _run(spec: Spec, out_dir: Path, home: Path, progress: Progress) -> Result:
    progress(0.0, "reading the package")
    asked = control.current(home, Wish(out_dir.name, spec.package_run, spec.threshold_run))
    judge = judges.of(home, spec, asked)
    segments.leftovers(home)
    with closing(Outbox(home, segments.cut_upto(home) + 1)) as outbox:
        notes = _begin(outbox, home, judge.config)
        target = _target(outbox, spec.count)
        source = _source(spec, out_dir, outbox.last(), target)
        told = [sinks.opened(address, home.name, spec.uninspected) for address in spec.sink]
        outbox.join([sink.name for sink in told])
        room = spec.keep_megabytes * 10**6, spec.keep_files
        limits = Limits(spec.keep_good, *room, spec.blind_share)
        engine = Engine(
            *(outbox, source, judge, told),
            *(Ring(spec.buffer, spec.full), Pictures(home, home.name, limits)),
            Terms(_deadline(spec), judge.config),
        )
        about = {"name": home.name, "run": out_dir.name, "epoch": outbox.epoch, "notes": notes}
        about |= judge.versions | {"began": time.time()}
        keeper = Keeper(home, engine, spec.golden_hours, about)
        keeper.obey(asked, partial(judges.of, home, spec))
        keeper.shorten(out_dir / "log.txt")
        _note(keeper, notes)
        served = _service(spec, keeper)
        beside = Beside(home, out_dir.name, spec)
        beside.attach(engine, keeper)
        _send_rabbits(home, spec, engine, keeper)
        recorder = Recorder(home, engine, _extent(spec))
        recorder.attach(keeper)
        try:
            _work(engine, keeper, out_dir, progress, target)
        except UserError as error:
            recorder.alarm(str(error))
            raise
        finally:
            recorder.close()
            beside.close()
            if served:
                served.stop()
        return _result(home, engine, notes)


def _send_rabbits(home: Path, spec: Spec, engine: Engine, keeper: Keeper) -> None:
    """Paint known defects onto GOOD parts, where that is asked for."""
    if spec.rabbits:
        from backend.line.rabbits.sending import Rabbits  # loads OpenCV

        Rabbits(home, spec, control.runs_of(home)).attach(engine, keeper)


def _extent(spec: Spec) -> Extent:
    """How much is recorded around alarms."""
    return Extent(spec.record_parts, spec.record_megabytes * 10**6, RECORDINGS, spec.threads)


def _begin(outbox: Outbox, home: Path, config: str) -> list[str]:
    """Open the next epoch; what is to be told of how the one before ended."""
    kept = home / "epoch"
    text = kept.read_text().strip() if kept.exists() else ""
    before = max(int(text) if text.isdecimal() else 0, outbox.newest_epoch(), segments.epoch(home))
    partial = home / "epoch.partial"
    partial.write_text(str(before + 1))
    partial.replace(kept)
    lost = outbox.begin(before + 1, LOST, config)
    told = f"{counted(lost, 'part')} of an earlier start had no verdict: UNINSPECTED."
    notes = [told] if lost else []
    if outbox.damaged:
        notes.append(
            f"The outbox was damaged and is set aside as {outbox.damaged.name}: verdicts that were "
            "in no segment yet, and not told to every machine, may be missing."
        )
    return notes


def _note(keeper: Keeper, notes: list[str]) -> None:
    """How it begins, in its log."""
    keeper.log.note(log.NOTED, "line", f"Start number {keeper.engine.outbox.epoch}.")
    for words in notes:
        keeper.log.note(log.NOTED, "line", words)


def _target(outbox: Outbox, count: int) -> int:
    """The place at which the line ends, 0 for never: that of a start which never came to its end,
    where the same was asked of it, else `count` parts from here."""
    last = outbox.last()
    goes_on = outbox.fact("target") > last and outbox.fact("count") == count
    target = outbox.fact("target") if goes_on else last + count if count else 0
    outbox.note("target", target)
    outbox.note("count", count)
    return target


def _deadline(spec: Spec) -> float:
    """Seconds that a part may take, 0 for any. Who hands one in is told UNINSPECTED after a while:
    nobody may store another verdict then."""
    if spec.source != "http":
        return spec.deadline
    longest = service.PATIENCE - 1
    return min(spec.deadline, longest) if spec.deadline else longest


def _source(spec: Spec, out_dir: Path, last: int, target: int) -> Source:
    if spec.source == "replay":
        folder = runs.sibling(out_dir, spec.parts_run)
        return Replay(folder, spec.pace, last, max(0, target - last))
    if spec.source == "camera":
        return camera.stream(spec.camera.strip(), spec.pace, spec.feature)
    if spec.source == "genicam":
        return genicam.camera(spec.setup(), spec.pace, spec.feature)
    if spec.source == "http":
        return Http()
    return Folder(Path(spec.folder).expanduser(), spec.pattern, move=spec.move)


def _service(spec: Spec, keeper: Keeper) -> Service | None:
    """The service of a line whose parts are handed in, or whose figures are read; None for others.

    Raises UserError where its port is taken."""
    engine = keeper.engine
    source = engine.source if isinstance(engine.source, Http) else None
    host, port = (spec.host, spec.port) if source else (spec.metrics_host, spec.metrics_port)
    if not port:
        return None
    terms = service.Terms(spec.uninspected, spec.rate)
    made = Service(keeper.home, keeper, Metrics(keeper.home.name, engine), source, terms)
    made.start(host, port)
    return made


def _work(engine: Engine, keeper: Keeper, out_dir: Path, progress: Progress, target: int) -> None:
    """Until the source ends, the line is stopped or nothing can be judged."""
    first = done = engine.outbox.last()
    keeper.tick()  # the golden parts come before the first one
    engine.start()
    reported = 0.0
    try:
        while not engine.ended:
            keeper.tick()
            with suppress(Shortage):  # told by the keeper
                done = engine.outbox.last()
            if target and done >= target:
                engine.stop()
            every = 1.0 if target else REPORTED
            if (out_dir / "cancel").exists() or time.monotonic() - reported >= every:
                share = (done - first) / max(1, target - first) if target else 0.0
                with suppress(OSError, Shortage):  # told by the engine and the keeper
                    judged = counted(engine.outbox.totals().total(), "part")
                    progress(min(0.99, share), f"{judged} judged")
                reported = time.monotonic()
            time.sleep(TICK)
    finally:
        _end(engine, keeper)
    if engine.fault:
        raise engine.fault


def _end(engine: Engine, keeper: Keeper) -> None:
    """Judge what is inside, tell it, cut it, and let go."""
    engine.stop()
    engine.finish(PATIENCE, TOLD_PATIENCE)
    keeper.hush()
    keeper.about["ended"] = True
    for work in (keeper.watch, lambda: keeper.cut(at_once=True), keeper.write_status):
        with suppress(Shortage):  # what is not cut is cut at the next start
            work()
    keeper.log.look({})
    keeper.log.note(log.NOTED, "line", "The line ended.")
    keeper.log.close()
    engine.source.close()
    for sink in engine.sinks:
        sink.close()


def _result(home: Path, engine: Engine, notes: list[str]) -> Result:
    found = report.of(home)
    notes += [f"{name} is damaged: its verdicts are not counted." for name in found.damaged]
    for sink in engine.sinks:
        left = engine.outbox.pending(sink.name)
        if left:
            notes.append(
                f"{sink.name} has {left} verdicts to take; it gets them at the next start."
            )
    return Result(
        *(found.accepted, found.good, found.review, found.bad, found.uninspected),
        *(found.p50_ms, found.p99_ms),
        tuple(notes),
    )
