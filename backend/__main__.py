"""The command line: one verb per kind of job, and what keeps an installation in order.

Exit codes: 0 done, 1 the job failed, 2 the call or a setting is wrong, 3 interrupted, 4 done but
what was judged is refused, 130 canceled.
"""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from backend import demo
from backend.actions import work
from backend.core import jobs, maintenance, projects, registry, runs, specs, terminal, worker
from backend.core.desk import CommandLine
from backend.experiments.plans import Plan
from backend.records import RunState, UserError
from backend.settings import quiet_environment, settings
from backend.verbs import away, people, told, upkeep
from backend.verbs import projects as project_verbs
from backend.verbs.caller import REFUSED, actor

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
    def call(
        name: str, dry_run: bool, as_json: bool, queue: bool, project: str, **values: Any
    ) -> None:
        place = _project(project)
        values = _with_latest(kind, values, place or projects.DEFAULT)
        if dry_run:
            spec = jobs.check(settings(), kind.name, values)
            shown = {"kind": kind.name, "spec": specs.to_json(spec)}
            if hasattr(spec, "estimate"):
                shown["estimate"] = spec.estimate()
            click.echo(json.dumps(shown, indent=1))
            return
        desk = CommandLine(settings(), queued=queue, project=place)
        run = work.submit(actor(), desk, kind.name, values, name=name)
        if queue:
            _echo(run, as_json, f"{run.id} is queued; the dashboard will run it.")
            return
        sys.exit(_exit_code(kind, _follow(run.folder, as_json)))

    options = [_option(p) for p in specs.params(kind.spec_type)]
    common: list[click.Parameter] = [
        click.Option(["--name"], default="", help="A name for people."),
        click.Option(
            ["--dry-run"], is_flag=True, help="Print the full spec and what it costs, and stop."
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print the result as JSON."),
        click.Option(["--queue"], is_flag=True, help="Leave it to the dashboard's queue."),
        _PROJECT,
    ]
    return click.Command(
        kind.name, params=[*options, *common], callback=call, help=f"{kind.title}: {kind.summary}"
    )


_PROJECT_HELP = (
    "The project it belongs to [DISTILLERY_PROJECT, else that of the runs it is made from]."
)
_PROJECT = click.Option(["--project"], default="", envvar="DISTILLERY_PROJECT", help=_PROJECT_HELP)
_in_project = click.option(
    "--project", default="", envvar="DISTILLERY_PROJECT", help="The project it belongs to."
)


def _project(name: str) -> str | None:
    """The id of the project of that name, None where none is named."""
    return projects.named(settings().storage, name).id if name else None


def _exit_code(kind: registry.Kind, run: runs.Run) -> int:
    """That of the run's end; of a kind that judges, also whether what it judged is accepted."""
    if run.state is not RunState.COMPLETED:
        return EXIT_CODES[run.state]
    accepted = getattr(runs.result(run, kind.result_type), "accepted", True)
    return EXIT_CODES[run.state] if accepted else REFUSED


def _with_latest(kind: registry.Kind, values: dict[str, Any], project: str) -> dict[str, Any]:
    known = {p.name: p for p in specs.params(kind.spec_type)}
    for p in (p for p in known.values() if p.run):
        given = list(values[p.name]) if p.many else [values[p.name]]
        if LATEST in given:
            found = _newest(p, given, project) if specs.matters(p, values, known) else []
            values[p.name] = found if p.many else "".join(found)
    return values


def _newest(p: specs.Param, given: list[str], project: str) -> list[str]:
    """The runs given, each 'latest' among them replaced by the newest of the project that is not
    there yet."""
    ended = reversed(runs.readable(runs.folders(settings().runs)))
    mine = (r for r in ended if r.kind in p.runs and r.project == project)
    fit = [r.id for r in mine if r.state is RunState.COMPLETED]
    free = iter([run_id for run_id in fit if run_id not in given])
    found = [next(free, "") if run_id == LATEST else run_id for run_id in given]
    if "" in found:
        kinds = specs.run_words(p)
        there = f"no {kinds} run is completed yet"
        if fit:
            there = f"only {len(fit)} {kinds} run{'s are' if len(fit) > 1 else ' is'} completed"
        raise UserError(f"{p.label}: {there}. Run that verb first, or name a run.")
    return found


def _follow(folder: Path, as_json: bool) -> runs.Run:
    run = terminal.follow(actor(), settings(), folder)
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
    work.resume(actor(), desk, run_id)
    sys.exit(EXIT_CODES[_follow(desk.find(run_id).folder, False).state])


@main.command("cancel")
@click.argument("run_id")
def cancel_command(run_id: str) -> None:
    """Ask a pending or running run to stop."""
    work.cancel(actor(), CommandLine(settings()), run_id)


@main.command("runs")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("--project", default="", envvar="DISTILLERY_PROJECT", help="Those of one alone.")
def runs_command(as_json: bool, limit: int, project: str) -> None:
    """List the newest runs."""
    place = _project(project)
    every = runs.readable(runs.folders(settings().runs))
    found = [r for r in every if place is None or r.project == place][: -limit - 1 : -1]
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
@_in_project
@click.pass_context
def demo_command(ctx: click.Context, serve: bool, port: int, project: str) -> None:
    """Run both flows on the embedded defaults, then serve the results."""
    _work_through(demo.PLAN, _project(project))
    if serve:
        ctx.invoke(upkeep.serve, host="127.0.0.1", port=port, open_to_all=False)


def _work_through(plan: Plan, project: str | None) -> dict[str, runs.Run]:
    """Run a plan's steps one after the other; name of a step → its run. Exits where one fails."""
    made: dict[str, runs.Run] = {}
    for step in plan.steps:
        ids = plan.given | {name: run.id for name, run in made.items()}
        desk, name = CommandLine(settings(), project=project), plan.name_of(step)
        run = work.submit(actor(), desk, step.kind, step.values(ids), name=name)
        made[step.name] = _follow(run.folder, False)
        if made[step.name].state is not RunState.COMPLETED:
            sys.exit(EXIT_CODES[made[step.name].state])
    return made


@main.command("repeat")
@click.argument("paper", type=click.Choice(["glass", "inkjet"]))
@click.option(
    "--numbers",
    type=click.Choice(["quick", "paper"]),
    default="quick",
    show_default=True,
    help="Small numbers, or the paper's own.",
)
@click.option("--maker", default="", help="Who makes new images or parts [the built-in one].")
@click.option("--source-run", default="", help="Images or parts to begin with instead.")
@click.option("--test-run", default="", help="glass: locked test images to judge on.")
@click.option("--seed", type=click.IntRange(0, 1_000_000), default=0, show_default=True)
@click.option("--to", type=click.Path(path_type=Path), help="The zip to write [exports folder].")
@_in_project
def repeat_command(paper: str, to: Path | None, project: str, **chosen: Any) -> None:
    """Repeat a paper's experiment, and write its figures and tables into one zip."""
    from backend.actions import reports
    from backend.experiments import papers
    from backend.experiments.experiment import Choice

    if to:
        maintenance.refuse_missing_folder(to.parent)
    experiment = papers.EXPERIMENTS[paper]
    made = _work_through(experiment.checked_plan(Choice(**chosen)), _project(project))
    last = list(made.values())[-1]
    click.echo(f"Wrote {reports.write(actor(), settings(), experiment, last.id, to)}.")


for verb in (*away.VERBS, *people.VERBS, *project_verbs.VERBS, *told.VERBS, *upkeep.VERBS):
    main.add_command(verb)


if __name__ == "__main__":
    main(prog_name="python -m backend")
