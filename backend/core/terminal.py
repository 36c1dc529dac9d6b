"""Follow a run from a terminal: a progress bar for a person, plain lines for a log."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from backend.core import audit, jobs, registry, runs
from backend.core.audit import Actor
from backend.core.runs import Run
from backend.records import Cause, RunState
from backend.settings import Settings

POLL_SECONDS = 0.2
WARNINGS = ("lookalikes", "misses", "busy")  # of a result: sentences that go with its figures
console = Console(stderr=True, highlight=False)


def follow(actor: Actor, settings: Settings, folder: Path) -> Run:
    """Start the run in `folder` and show its progress until it ends.

    Ctrl-C or SIGTERM cancels it, whenever it comes: no signal leaves a job behind.
    """
    run = runs.read(folder)
    show = _Bar(run) if console.is_terminal else _Lines(run)
    asked, said = threading.Event(), False

    def cancel(*_: object) -> None:
        asked.set()  # said and noted below: a second signal may break into a handler
        jobs.request_cancel(folder)

    with _on_signals(cancel), show:
        process = jobs.start(settings, folder)
        while process.poll() is None:
            jobs.wait(folder, process, POLL_SECONDS)
            if asked.is_set() and not said:
                said = True
                show.say("canceling …")
            show.update(runs.last_event(folder))
            jobs.enforce_cancel(folder)
    ended = runs.read(folder)
    _say_how_it_ended(ended)
    if asked.is_set() and ended.state is RunState.CANCELED:
        audit.note(settings.storage, actor, "cancel", run.id)
    return ended


@contextmanager
def _on_signals(handler: Callable[..., None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _say_how_it_ended(run: Run) -> None:
    if run.state is RunState.COMPLETED:
        _say_what_came_out(run, vars(runs.result(run, registry.get(run.kind).result_type)))
        return
    console.print(f"{run.id} {run.state}. {run.error}", soft_wrap=True)
    if run.cause is Cause.MISTAKE:
        console.print("Change that and start again; resumed, it would only fail again.")
    if run.state is RunState.FAILED:
        console.print(f"Its log: {run.folder / 'log.txt'}", soft_wrap=True)


def _say_what_came_out(run: Run, fields: dict[str, Any]) -> None:
    """Verdicts, figures, warnings and notes, in this order. fields: those of the kind's result."""
    for words in _verdicts(fields):
        console.print(words, soft_wrap=True, markup=False)
    figures = ", ".join(f"{k} {_short(v)}" for k, v in fields.items() if _is_figure(v))
    console.print(f"{run.id} completed in {run.seconds:.0f} s: {figures}", soft_wrap=True)
    for name in WARNINGS:
        if fields.get(name):
            console.print(f"Warning: {fields[name]}", soft_wrap=True, markup=False)
    for note in fields.get("notes", ()):
        console.print(f"Note: {note}", soft_wrap=True, markup=False)


def _verdicts(result: dict[str, Any]) -> list[str]:
    """What the run found, in sentences, the main one first; none where figures say it all."""
    return [words for words in (result.get("verdict"), *result.get("verdicts", ())) if words]


def _is_figure(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def _short(value: float) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


class _Bar:
    """A progress bar on one line."""

    def __init__(self, run: Run):
        self.title = registry.get(run.kind).title
        self.progress = Progress(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[message]}"),
            console=console,
        )
        self.task = self.progress.add_task(self.title, total=1.0, message="")

    def __enter__(self) -> "_Bar":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def update(self, event: dict[str, Any]) -> None:
        if event:
            self.progress.update(
                self.task, completed=event["fraction"], message=event.get("message", "")
            )

    def say(self, words: str) -> None:
        self.progress.update(self.task, message=words)


class _Lines:
    """A line at most every five seconds."""

    def __init__(self, run: Run):
        self.title = registry.get(run.kind).title
        self.next = 0.0

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        sys.stderr.flush()

    def update(self, event: dict[str, Any]) -> None:
        if event and time.monotonic() >= self.next:
            self.next = time.monotonic() + 5.0
            self.say(f"{event['fraction']:4.0%}  {event.get('message', '')}")

    def say(self, words: str) -> None:
        console.print(f"{self.title}: {words}", soft_wrap=True)
