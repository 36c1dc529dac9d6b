"""Which account belongs to whom who is known elsewhere."""

import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from backend.access import accounts, database, sessions
from backend.access.accounts import Account
from backend.access.elsewhere import Outsider
from backend.access.rights import Role
from backend.records import UserError


def find(db: sqlite3.Connection, who: Outsider) -> Account | None:
    """Their account, None where they never came."""
    row = db.execute(
        "SELECT account.* FROM account JOIN known_as ON account.id = known_as.account "
        "WHERE source = ? AND subject = ?",
        (who.source, who.subject),
    ).fetchone()
    return accounts.of(row) if row else None


def add(db: sqlite3.Connection, who: Outsider, role: Role) -> Account:
    """An account of their own: one of the same name that was there before stays whose it is."""
    account = accounts.add(db, accounts.free_name(db, who.name), role, "")
    values = (who.source, who.subject, account.id)
    db.execute("INSERT INTO known_as (source, subject, account) VALUES (?, ?, ?)", values)
    return account


def followed(db: sqlite3.Connection, who: Outsider) -> Account | None:
    """Their account with the role that they have now, made where they never came; None where they
    have no role, and their sessions end."""
    account = find(db, who)
    if who.role is None:
        if account:
            sessions.end_all(db, account.id)
        return None
    if account is None:
        return add(db, who, who.role)
    if account.role is not who.role:
        accounts.follow_role(db, account, who.role)
    return replace(account, role=who.role)


def check_here(db: sqlite3.Connection, account: Account, what: str) -> None:
    """Raises UserError for somebody who is known elsewhere. what: is done there."""
    if account.id in ids(db):
        raise UserError(f"'{account.name}' signs in elsewhere: {what} there, not here.")


def everybody(storage: Path) -> set[int]:
    """Accounts whose owners sign in elsewhere."""
    if not database.there(storage):
        return set()
    with database.reading(storage) as db, suppress(sqlite3.OperationalError):
        return ids(db)
    return set()  # a file of an earlier version, which nobody wrote to since


def ids(db: sqlite3.Connection) -> set[int]:
    """As `everybody`."""
    return {row[0] for row in db.execute("SELECT account FROM known_as")}
