"""`archive` and `fetch`: finished runs on a network folder or in an object store, and back."""

import sys
from collections.abc import Callable

import click

from backend.records import UserError
from backend.settings import settings
from backend.verbs.caller import actor


@click.command("archive")
@click.argument("run_ids", metavar="RUN...", nargs=-1)
@click.option(
    "--to", "url", default="", help="A folder, or an address as s3://…  [DISTILLERY_ARCHIVE]"
)
@click.option(
    "--older-than", type=click.IntRange(0), help="All that are not in use, of so many days ago."
)
@click.option("--dry-run", is_flag=True, help="Say which runs, and stop.")
def archive(run_ids: tuple[str, ...], url: str, older_than: int | None, dry_run: bool) -> None:
    """Move the files of completed runs elsewhere; their figures stay here."""
    from backend.actions import archives

    found = list(run_ids)
    if older_than is not None:
        found += [one for one in archives.movable(settings(), older_than) if one not in found]
    elif not found:
        raise UserError("Name runs, or say how old with --older-than DAYS.")
    if dry_run:
        click.echo("\n".join(found) or "No run.")
        return
    target = url or settings().archive

    def one(run_id: str) -> str:
        made = archives.archive(actor(), settings(), run_id, target, lambda fraction: None)
        return f"{run_id}: {made.size / 2**20:.1f} MB to {target}, read back and compared."

    _each(found, one)


@click.command("fetch")
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
def fetch(run_ids: tuple[str, ...]) -> None:
    """Bring the files of archived runs back, compared with what was archived."""
    from backend.actions import archives

    def one(run_id: str) -> str:
        size = archives.fetch(actor(), settings(), run_id, lambda fraction: None)
        return f"{run_id}: {size / 2**20:.1f} MB are here again."

    _each(list(run_ids), one)


def _each(run_ids: list[str], work: Callable[[str], str]) -> None:
    """Every run, whatever becomes of the others; ends with 1 where one could not be moved."""
    failed = False
    for run_id in run_ids:
        try:
            click.echo(work(run_id))
        except UserError as error:
            failed = True
            click.echo(f"{run_id}: {error}", err=True)
    sys.exit(failed)


VERBS = (archive, fetch)
