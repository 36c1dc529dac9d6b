"""The command line: one verb per kind of job, and what keeps an installation in order.

Exit codes: 0 done, 1 the job failed, 2 the call or a setting is wrong, 3 interrupted,
130 canceled.
"""

import contextlib
import getpass
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from backend import demo
from backend.actions import work
from backend.core import jobs, maintenance, registry, runs, specs, terminal, worker
from backend.core.audit import Actor, Way
from backend.core.desk import CommandLine
from backend.records import RunState, UserError
from backend.settings import quiet_environment, settings

LATEST = "latest"  # in place of a run's id: the newest that is completed
EXIT_CODES = {
    RunState.COMPLETED: 0,
    RunState.FAILED: 1,
    RunState.INTERRUPTED: 3,
    RunState.CANCELED: 130,
}


class Main(click.Group):
    """Makes a kind's verb when it is asked for; turns a UserError into one line and exit code 2.

    A job's process so imports its own kind alone: it starts sooner, and one that is broken
    leaves the others working.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *(kind.name for kind in registry.KINDS)])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in (kind.name for kind in registry.KINDS):
            return _verb(registry.get(cmd_name))
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise click.UsageError(str(error)) from error


@click.group(
    cls=Main, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
def main() -> None:
    """Defect Distillery: synthetic defects, honest detectors, GOOD-only inspection."""
    os.environ.update(quiet_environment(settings()))


class Value(click.ParamType):
    """A spec field's value, read and refused as the form reads and refuses it."""

    def __init__(self, p: specs.Param):
        self.p = p
        self.name = _TYPE_NAMES[p.type]

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        if self.p.choices is not None:
            return f"[{'|'.join(map(str, self.p.choices))}]"
        return self.name.upper()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value in the field's type. Raises click.BadParameter that names field and cure."""
        try:
            return specs.check_one(self.p, _read(self.p, value))
        except UserError as error:
            self.fail(str(error), param, ctx)


_TYPE_NAMES = {int: "whole number", float: "number", str: "text"}


def _read(p: specs.Param, text: Any) -> Any:
    """The number in a text, where it holds one and the field asks for one."""
    if p.type is str or not isinstance(text, str):
        return text
    with contextlib.suppress(ValueError):
        return p.type(text)
    return text


def _option(p: specs.Param) -> click.Option:
    """The command-line twin of a form's field."""
    default = LATEST if p.required else p.default
    flag = p.name.replace("_", "-")
    return click.Option(
        [
            *(["-n"] if p.name == "count" else []),
            f"--{flag}/--no-{flag}" if p.type is bool else f"--{flag}",
        ],
        type=bool if p.type is bool else Value(p),
        default=default,
        multiple=p.many,
        show_default=True,
        help=p.help + _conditions(p),
    )


def _conditions(p: specs.Param) -> str:
    """What the help says about where an option counts and what it takes."""
    words = f" [a {' or '.join(p.runs)} run, or '{LATEST}']" if p.run else ""
    words += f" [{specs.range_words(p)}]" if specs.range_words(p) else ""
    if p.when is None:
        return words
    return f"{words} [{p.when[0].replace('_', '-')}: {', '.join(map(str, p.when[1]))}]"


def _verb(kind: registry.Kind) -> click.Command:
    def call(name: str, dry_run: bool, as_json: bool, queue: bool, **values: Any) -> None:
        values = _with_latest(kind, values)
        if dry_run:
            spec = jobs.check(settings(), kind.name, values)
            shown = {"kind": kind.name, "spec": specs.to_json(spec)}
            if hasattr(spec, "estimate"):
                shown["estimate"] = spec.estimate()
            click.echo(json.dumps(shown, indent=1))
            return
        desk = CommandLine(settings(), queued=queue)
        run = work.submit(_actor(), desk, kind.name, values, name=name)
        if queue:
            _echo(run, as_json, f"{run.id} is queued; the dashboard will run it.")
            return
        sys.exit(EXIT_CODES[_follow(run.folder, as_json).state])

    options = [_option(p) for p in specs.params(kind.spec_type)]
    common: list[click.Parameter] = [
        click.Option(["--name"], default="", help="A name for people."),
        click.Option(
            ["--dry-run"], is_flag=True, help="Print the full spec and what it costs, and stop."
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print the result as JSON."),
        click.Option(["--queue"], is_flag=True, help="Leave it to the dashboard's queue."),
    ]
    return click.Command(
        kind.name, params=[*options, *common], callback=call, help=f"{kind.title}: {kind.summary}"
    )


def _with_latest(kind: registry.Kind, values: dict[str, Any]) -> dict[str, Any]:
    known = {p.name: p for p in specs.params(kind.spec_type)}
    for p in (p for p in known.values() if p.run):
        given = list(values[p.name]) if p.many else [values[p.name]]
        if LATEST in given:
            found = _newest(p, given) if specs.matters(p, values, known) else []
            values[p.name] = found if p.many else "".join(found)
    return values


def _newest(p: specs.Param, given: list[str]) -> list[str]:
    """The runs given, each 'latest' among them replaced by the newest that is not there yet."""
    ended = reversed(runs.readable(runs.folders(settings().runs)))
    fit = [r.id for r in ended if r.kind in p.runs and r.state is RunState.COMPLETED]
    free = iter([run_id for run_id in fit if run_id not in given])
    found = [next(free, "") if run_id == LATEST else run_id for run_id in given]
    if "" in found:
        kinds = specs.run_words(p)
        there = f"no {kinds} run is completed yet"
        if fit:
            there = f"only {len(fit)} {kinds} run{'s are' if len(fit) > 1 else ' is'} completed"
        raise UserError(f"{p.label}: {there}. Run that verb first, or name a run.")
    return found


def _actor() -> Actor:
    """The user of this computer who called."""
    with contextlib.suppress(OSError, KeyError, ImportError):  # a container may know no user
        return Actor(getpass.getuser(), Way.COMMAND_LINE)
    return Actor("", Way.COMMAND_LINE)


def _follow(folder: Path, as_json: bool) -> runs.Run:
    run = terminal.follow(_actor(), settings(), folder)
    maintenance.ingest_if_free(settings(), run)
    _echo(run, as_json)
    return run


def _echo(run: runs.Run, as_json: bool, words: str = "") -> None:
    """The run as JSON, else `words`, if any."""
    if as_json:
        record = {"id": run.id, "state": run.state, "error": run.error, "result": run.result}
        click.echo(json.dumps(record, indent=1))
    elif words:
        click.echo(words)


@main.command("run", hidden=True)
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
def run_command(folder: str) -> None:
    """Work on a run folder; started by the queue or by a verb."""
    worker.main(folder)


@main.command("resume")
@click.argument("run_id")
def resume_command(run_id: str) -> None:
    """Go on with an interrupted, canceled or failed run, from its checkpoint."""
    desk = CommandLine(settings())
    work.resume(_actor(), desk, run_id)
    sys.exit(EXIT_CODES[_follow(desk.find(run_id).folder, False).state])


@main.command("cancel")
@click.argument("run_id")
def cancel_command(run_id: str) -> None:
    """Ask a pending or running run to stop."""
    work.cancel(_actor(), CommandLine(settings()), run_id)


@main.command("runs")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
def runs_command(as_json: bool, limit: int) -> None:
    """List the newest runs."""
    found = runs.readable(runs.folders(settings().runs))[: -limit - 1 : -1]
    if as_json:
        rows = [{"id": r.id, "kind": r.kind, "state": r.state, "error": r.error} for r in found]
        click.echo(json.dumps(rows, indent=1))
        return
    for run in found:
        click.echo(f"{run.id:<44} {run.state.value:<12} {run.name} {run.error}".rstrip())


@main.command("demo")
@click.option(
    "--serve/--no-serve", default=True, show_default=True, help="Open the dashboard after."
)
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.pass_context
def demo_command(ctx: click.Context, serve: bool, port: int) -> None:
    """Run both flows on the embedded defaults, then serve the results."""
    for step in demo.STEPS:
        values = demo.values(settings(), step)
        run = work.submit(_actor(), CommandLine(settings()), step.kind, values, name=step.name)
        state = _follow(run.folder, False).state
        if state is not RunState.COMPLETED:
            sys.exit(EXIT_CODES[state])
    if serve:
        ctx.invoke(serve_command, host="127.0.0.1", port=port)


@main.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8501,
    show_default=True,
    help="Port to listen on; 0: one that is free.",
)
def serve_command(host: str, port: int) -> None:
    """Serve the dashboard."""
    maintenance.serve(settings(), host, port)


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database to this version's tables (the dashboard does so when it starts)."""
    work.migrate(_actor(), settings())
    click.echo(f"{settings().database} is up to date.")


@main.command("reindex")
def reindex_command() -> None:
    """Rebuild the database from the run folders."""
    problems = work.reindex(_actor(), settings())
    _report(problems, f"{settings().database} was rebuilt from {settings().runs}.")


@main.command("check")
def check_command() -> None:
    """Compare the run folders with the database."""
    _report(maintenance.check(settings()), "Run folders and database agree.")


def _report(problems: list[str], good: str) -> None:
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(1)
    click.echo(good)


@main.command("backup")
@click.option("--to", type=click.Path(path_type=Path), help="File to write [storage/backups/…].")
def backup_command(to: Path | None) -> None:
    """Write the finished runs and a database of just these into one tar file."""
    click.echo(f"Wrote {work.back_up(_actor(), settings(), to)}.")


if __name__ == "__main__":
    main(prog_name="python -m backend")
