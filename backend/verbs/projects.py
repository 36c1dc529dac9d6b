"""`project`: keep products, lines or customers apart."""

import click

from backend.actions import projects as actions
from backend.core import lineage, projects, runs
from backend.core.desk import CommandLine
from backend.settings import settings
from backend.verbs.caller import actor
from backend.wording import counted


@click.group("project")
def project() -> None:
    """Keep products, lines or customers apart."""


@project.command("add")
@click.argument("name")
def add_command(name: str) -> None:
    """Add a project."""
    click.echo(f"The project '{actions.add(actor(), settings(), name).name}' is there.")


@project.command("list")
def list_command() -> None:
    """List projects, how many runs each has, and who sees it."""
    places = [runs.project_of(folder) for folder in runs.folders(settings().runs)]
    every = projects.every(settings().storage).values()
    wide = max(30, *(len(one.name) for one in every))
    for one in every:
        count = counted(places.count(one.id), "run")
        state = "  archived" if one.archived else ""
        click.echo(f"{one.name:<{wide}} {count:>10}  {one.seen_by}{state}")


@project.command("rename")
@click.argument("name")
@click.argument("new")
def rename_command(name: str, new: str) -> None:
    """Give a project another name."""
    one = projects.named(settings().storage, name)
    actions.rename(actor(), settings(), one.id, new)
    click.echo(f"'{one.name}' is called '{new}' now.")


@project.command("members")
@click.argument("name")
@click.argument("people", nargs=-1)
def members_command(name: str, people: tuple[str, ...]) -> None:
    """Let these people alone see a project, beside admins; everybody where none is named."""
    one = projects.named(settings().storage, name)
    actions.set_members(actor(), settings(), one.id, people)
    click.echo(f"'{one.name}' is seen by {', '.join(people) or 'everybody'}.")


@project.command("archive")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Offer it again.")
def archive_command(name: str, undo: bool) -> None:
    """Offer a project no more; its runs stay."""
    one = projects.named(settings().storage, name)
    (actions.bring_back if undo else actions.archive)(actor(), settings(), one.id)
    click.echo(f"'{one.name}' is {'offered again' if undo else 'archived'}.")


@project.command("move")
@click.argument("run_ids", nargs=-1, required=True)
@click.option("--to", "name", required=True, help="The project they belong to from now on.")
@click.option("--with-sources", is_flag=True, help="And the runs that they were made from.")
def move_command(run_ids: tuple[str, ...], name: str, with_sources: bool) -> None:
    """Move ended runs to another project."""
    one = projects.named(settings().storage, name)
    behind = lineage.behind(settings().runs, run_ids) if with_sources else []
    moved = actions.move(actor(), CommandLine(settings()), [*run_ids, *behind], one.id)
    click.echo(f"Moved {counted(len(moved), 'run')} to '{one.name}'.")


VERBS = (project,)
