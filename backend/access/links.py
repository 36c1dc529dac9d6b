"""One-time links: to set this installation up, to join it, to choose a new password."""

import secrets
import sqlite3
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from backend.access import database
from backend.access.accounts import Account
from backend.access.rights import Role
from backend.access.sessions import kept_as
from backend.records import UserError

LASTS = 7 * 24 * 3600.0  # s
GONE = "This link was used already or has run out. Ask an admin for a new one."


class Purpose(StrEnum):
    """What a link is for; also the first part of its address."""

    SET_UP = "set-up"
    JOIN = "invitation"
    RESET = "new-password"


@dataclass(frozen=True)
class Invitation:
    """One that nobody took up yet. expires: s since 1970."""

    name: str
    role: Role
    expires: float


@dataclass(frozen=True)
class Link:
    """account: whose password it sets, None where it makes one. name: proposed, "" where free."""

    purpose: Purpose
    account: int | None
    name: str
    role: Role


def address(purpose: Purpose, token: str) -> str:
    """The path at the server."""
    return f"/{purpose}/{token}"


def for_set_up(db: sqlite3.Connection) -> str:
    """The token of a new link for the first admin; earlier ones are void."""
    db.execute("DELETE FROM link WHERE purpose = ?", (Purpose.SET_UP.value,))
    return _kept(db, Link(Purpose.SET_UP, None, "", Role.ADMIN))


def for_joining(db: sqlite3.Connection, name: str, role: Role) -> str:
    """The token of a new invitation; earlier ones for this name are void."""
    values = (Purpose.JOIN.value, name)
    db.execute("DELETE FROM link WHERE purpose = ? AND name = ?", values)
    return _kept(db, Link(Purpose.JOIN, None, name, role))


def for_reset(db: sqlite3.Connection, account: Account) -> str:
    """The token of a link to a new password; earlier ones are void."""
    void(db, account)
    return _kept(db, Link(Purpose.RESET, account.id, account.name, account.role))


def invitations(storage: Path) -> list[Invitation]:
    """Those that may still be taken up, by name."""
    if not database.there(storage):
        return []
    sql = "SELECT name, role, expires FROM link WHERE purpose = ? AND expires > ? ORDER BY name"
    with database.reading(storage) as db:
        rows = db.execute(sql, (Purpose.JOIN.value, time.time())).fetchall()
    return [Invitation(row["name"], Role(row["role"]), row["expires"]) for row in rows]


def take_back(db: sqlite3.Connection, name: str) -> bool:
    """Make an invitation void; False where there was none."""
    values = (Purpose.JOIN.value, name, time.time())
    done = db.execute("DELETE FROM link WHERE purpose = ? AND name = ? AND expires > ?", values)
    return done.rowcount > 0


def void(db: sqlite3.Connection, account: Account) -> None:
    """Nobody can use an account's links any more."""
    db.execute("DELETE FROM link WHERE account = ?", (account.id,))


def find(db: sqlite3.Connection, token: str) -> Link:
    """What a link is for. Raises UserError where it was used or ran out."""
    row = db.execute(
        "SELECT * FROM link WHERE id = ? AND expires > ?", (kept_as(token), time.time())
    ).fetchone()
    if row is None:
        raise UserError(GONE)
    return Link(Purpose(row["purpose"]), row["account"], row["name"], Role(row["role"]))


def look_up(storage: Path, token: str) -> Link:
    """As `find`, where nobody may ever have made a link."""
    if not database.there(storage):
        raise UserError(GONE)
    with database.reading(storage) as db:
        return find(db, token)


def take(db: sqlite3.Connection, token: str) -> Link:
    """As `find`; from now on nobody can use it."""
    link = find(db, token)
    db.execute("DELETE FROM link WHERE id = ?", (kept_as(token),))
    return link


def _kept(db: sqlite3.Connection, link: Link) -> str:
    token = secrets.token_urlsafe(24)
    values = (kept_as(token), link.purpose, link.account, link.name, link.role)
    db.execute("INSERT INTO link VALUES (?, ?, ?, ?, ?, ?)", (*values, time.time() + LASTS))
    return token
