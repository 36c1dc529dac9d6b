"""Which account belongs to whom who is known elsewhere."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from backend.access import accounts, database
from backend.access.accounts import Account
from backend.access.elsewhere import Outsider
from backend.access.rights import Role


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
