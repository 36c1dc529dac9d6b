"""What keeps an installation in order: serve it, look at it, bring it up to date, back it up."""

import sys
from pathlib import Path

import click

from backend import doctor as installation
from backend.actions import work
from backend.core import maintenance
from backend.settings import settings
from backend.verbs.caller import actor


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8501,
    show_default=True,
    help="Port to listen on; 0: one that is free.",
)
@click.option(
    "--open", "open_to_all", is_flag=True, help="Let everybody in who can reach the address."
)
def serve(host: str, port: int, open_to_all: bool) -> None:
    """Serve the dashboard."""
    maintenance.serve(settings(), host, port, open_to_all)


@click.command("migrate")
def migrate() -> None:
    """Bring the database to this version's tables (the dashboard does so when it starts)."""
    work.migrate(actor(), settings())
    click.echo(f"{settings().database} is up to date.")


@click.command("reindex")
def reindex() -> None:
    """Rebuild the database from the run folders."""
    problems = work.reindex(actor(), settings())
    _told(problems, f"{settings().database} was rebuilt from {settings().runs}.")


@click.command("check")
def check() -> None:
    """Compare the run folders with the database."""
    _told(maintenance.check(settings()), "Run folders and database agree.")


@click.command("doctor")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option("--url", default="", help="Address by which browsers reach it through a proxy.")
def doctor(port: int, url: str) -> None:
    """Look at this installation and say what to do; ends with 1 where something is wrong."""
    found = installation.examine(settings(), port, url)
    for one in found:
        mark = {"good": "✓", "look": "!", "wrong": "✗"}[one.state.value]
        click.echo(f"{mark} {one.name}: {one.words}.")
        if one.cure:
            click.echo(f"    {one.cure}")
    sys.exit(any(one.state is installation.State.WRONG for one in found))


def _told(problems: list[str], good: str) -> None:
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(1)
    click.echo(good)


@click.command("backup")
@click.option("--to", type=click.Path(path_type=Path), help="File to write [storage/backups/…].")
def backup(to: Path | None) -> None:
    """Write the finished runs and a database of just these into one tar file."""
    click.echo(f"Wrote {work.back_up(actor(), settings(), to)}.")


@click.command("update")
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def update(bundle: Path) -> None:
    """Put a newer bundle in the place of this release; goes back by itself where that fails."""
    work.update(actor(), settings(), bundle)


@click.command("rollback")
def rollback() -> None:
    """Use the release before this one again; what was done since stays."""
    work.roll_back(actor(), settings())


VERBS = (serve, migrate, reindex, check, doctor, backup, update, rollback)
