"""`report`, `line-report`, `rejudge`: what runs and lines have to say."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from backend.records import UserError
from backend.settings import settings
from backend.verbs.caller import REFUSED, actor


@click.command("line-report")
@click.option("--name", required=True, help="The line's name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def line_report(name: str, as_json: bool) -> None:
    """What a line did since it was first started: parts, verdicts, what is missing, how fast."""
    from backend.line import report as reports
    from backend.line.spec import check_name

    check_name(name)
    found = asdict(reports.of(reports.home(settings().storage, name)))
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    told = found | {"damaged": ", ".join(found["damaged"]) or "none"}
    for word, value in told.items():
        click.echo(f"{word:<12} {value:.2f}" if isinstance(value, float) else f"{word:<12} {value}")


@click.command("rejudge")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rejudge(file: Path, as_json: bool) -> None:
    """Judge the parts of a recorded alarm again, with the package and limits in it."""
    from backend.line.recorder.rejudge import rejudge

    found = rejudge(file)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=1))
    else:
        click.echo(found.words)
    if not found.accepted:
        sys.exit(REFUSED)


@click.command("report")
@click.argument("run_ids", metavar="RUN...", nargs=-1)
@click.option("--line", default="", help="A line's name, in place of runs.")
@click.option("--since", type=click.DateTime(), help="Of a line: parts from here on, UTC.")
@click.option("--until", type=click.DateTime(), help="Of a line: parts before this, UTC.")
@click.option("--protocol", is_flag=True, help="Of a line: its acceptance protocol, for an audit.")
@click.option("--static", is_flag=True, help="An HTML page without script, small, for e-mail.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write: .html, .pdf or .zip.",
)
def report(
    run_ids: tuple[str, ...],
    line: str,
    since: datetime | None,
    until: datetime | None,
    protocol: bool,
    static: bool,
    out: Path,
) -> None:
    """One file that tells all about a run, several of a kind beside each other, or a line."""
    from backend.actions import reports
    from backend.sharing.report import formats
    from backend.sharing.report.scope import Period, Scope

    begin, end = (moment.replace(tzinfo=UTC) if moment else None for moment in (since, until))
    if protocol and not line:
        raise UserError("An acceptance protocol is of a line: name it with --line.")
    scope = Scope(run_ids, line, Period(begin, end), protocol)
    reports.keep(actor(), settings(), scope, formats.of_file(out.name, static), out)
    click.echo(f"Wrote {out}.")


VERBS = (line_report, rejudge, report)
