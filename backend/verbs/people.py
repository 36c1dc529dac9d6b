"""`user`: who has an account; `audit`: whether the journal of actions is whole."""

import sys
from datetime import UTC, datetime

import click

from backend.access import accounts, known_as, links
from backend.access.rights import Role
from backend.actions import people
from backend.core import audit, chain
from backend.records import UserError
from backend.settings import settings
from backend.verbs.caller import actor

ROLE = click.Choice([role.value for role in Role])


@click.group("user")
def user() -> None:
    """Add people, and say what they may do."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=ROLE, required=True, help="What they may do.")
def add_command(name: str, role: str) -> None:
    """Add an account; asks for its password twice, or reads it from standard input."""
    accounts.checked_name(name)
    made = people.add(actor(), settings(), name, Role(role), _password())
    click.echo(f"'{made.name}' may sign in now, as {made.role}.")


@user.command("list")
def list_command() -> None:
    """List accounts, and invitations that nobody took up yet."""
    storage = settings().storage
    elsewhere = known_as.everybody(storage)
    for one in accounts.everybody(storage):
        state = "disabled" if one.disabled else "" if one.has_password else "has no password yet"
        state = "signs in elsewhere" if one.id in elsewhere and not one.disabled else state
        click.echo(f"{one.name:<30} {one.role:<10} since {one.created[:10]}  {state}".rstrip())
    for link in links.invitations(storage):
        until = datetime.fromtimestamp(link.expires, UTC)
        click.echo(f"{link.name:<30} {link.role:<10} invited until {until:%Y-%m-%d %H:%M} UTC")


@user.command("uninvite")
@click.argument("name")
def uninvite_command(name: str) -> None:
    """Take an invitation back that nobody took up yet."""
    people.take_back(actor(), settings(), name)
    click.echo(f"The invitation of '{name}' is void.")


@user.command("role")
@click.argument("name")
@click.argument("role", type=ROLE)
def role_command(name: str, role: str) -> None:
    """Change what somebody may do."""
    people.set_role(actor(), settings(), name, Role(role))
    click.echo(f"'{name}' is {role} now.")


@user.command("reset")
@click.argument("name")
def reset_command(name: str) -> None:
    """Give somebody another password; asked for as by `add`. Their sessions end."""
    people.set_password(actor(), settings(), name, _password())
    click.echo(f"'{name}' has a new password.")


@user.command("disable")
@click.argument("name")
def disable_command(name: str) -> None:
    """Let somebody in no more; what is open of theirs closes."""
    people.disable(actor(), settings(), name)
    click.echo(f"'{name}' is disabled.")


@user.command("enable")
@click.argument("name")
def enable_command(name: str) -> None:
    """Let somebody in again."""
    people.enable(actor(), settings(), name)
    click.echo(f"'{name}' may sign in again.")


def _password() -> str:
    """Asked for twice at a terminal; else the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise UserError("Standard input holds no password. At a terminal you are asked for it.")
    return line


@click.group("audit")
def audit_group() -> None:
    """Look into the journal of actions."""


@audit_group.command("verify")
@click.option("--against", default="", help="A link that was noted elsewhere: is it still there?")
def verify_command(against: str) -> None:
    """Say whether a line of the journal was changed or taken out."""
    found = chain.verify(settings().storage / audit.JOURNAL, against)
    for problem in found.problems:
        click.echo(problem, err=True)
    if found.problems:
        sys.exit(1)
    newest = f" The newest link is {found.newest}." if found.newest else ""
    click.echo(f"{found.lines} lines, none changed or taken out.{newest}")


VERBS = (user, audit_group)
