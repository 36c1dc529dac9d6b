"""Accounts: a name, a role, a password. None is ever deleted, for the journal names them."""

import itertools
import re
import sqlite3
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from backend.access import database
from backend.access.rights import Role
from backend.records import UserError
from backend.settings import Settings

NAME = re.compile(r"[\w.@'-]+( [\w.@'-]+)*")
LONGEST = 60


@dataclass(frozen=True)
class Account:
    """created: UTC, ISO 8601. has_password: False until an invitation was taken up."""

    id: int
    name: str
    role: Role
    created: str
    disabled: bool
    has_password: bool

    @property
    def initials(self) -> str:
        """Two letters of the name, as a badge shows them."""
        words = re.split(r"[\s._@-]+", self.name)
        return "".join(word[0] for word in words if word)[:2].upper()


def of(row: sqlite3.Row) -> Account:
    return Account(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        created=row["created"],
        disabled=bool(row["disabled"]),
        has_password=bool(row["password"]),
    )


def any_there(storage: Path) -> bool:
    """Whether somebody has an account, so that people have to sign in."""
    if not database.there(storage):
        return False
    with database.reading(storage) as db:
        return any_in(db)


def any_in(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM account LIMIT 1").fetchone() is not None


def asked_for(settings: Settings) -> bool:
    """Whether people have to sign in: somebody has an account, or is known elsewhere."""
    return settings.sign_in is not None or any_there(settings.storage)


def everybody(storage: Path) -> list[Account]:
    """All accounts by name."""
    if not database.there(storage):
        return []
    with database.reading(storage) as db:
        return [of(row) for row in db.execute("SELECT * FROM account ORDER BY key")]


def checked_name(name: str) -> str:
    """The name as it is kept. Raises UserError for one that is none."""
    text = unicodedata.normalize("NFC", name).strip()
    if not NAME.fullmatch(text) or len(text) > LONGEST:
        raise UserError(
            "A name has letters, digits, single spaces and . @ ' - _ in it, "
            f"{LONGEST} characters at most."
        )
    return text


def tidy_name(name: str) -> str:
    """A name as near to this one as may be kept."""
    words = re.sub(r"[^\w.@'-]+", " ", unicodedata.normalize("NFC", name))
    return words[: LONGEST - 5].strip() or "somebody"


def free_name(db: sqlite3.Connection, name: str) -> str:
    """A name as near to this one as may be kept and is free: "Ada", or "Ada 2"."""
    plain = tidy_name(name)
    names = itertools.chain([plain], (f"{plain} {number}" for number in itertools.count(2)))
    return next(one for one in names if row_of(db, one) is None)


def key(name: str) -> str:
    """The name as it is compared: neither case nor width of letters tells people apart."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def add(db: sqlite3.Connection, name: str, role: Role, kept: str) -> Account:
    """A new account. kept: its password's hash. Raises UserError for a name that is taken or
    none."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    text = checked_name(name)
    values = (text, key(text), role.value, kept, now)
    try:
        db.execute(
            "INSERT INTO account (name, key, role, password, created) VALUES (?, ?, ?, ?, ?)",
            values,
        )
    except sqlite3.IntegrityError as error:
        raise UserError(f"There is an account '{text}' already. Choose another name.") from error
    return named(db, text)


def named(db: sqlite3.Connection, name: str) -> Account:
    """Raises UserError where nobody has that name."""
    row = row_of(db, name)
    if row is None:
        raise UserError(f"Nobody here has the name '{name}'. `user list` names everybody.")
    return of(row)


def row_at(storage: Path, name: str) -> sqlite3.Row | None:
    """As `row_of`, where nobody may ever have set up accounts."""
    if not database.there(storage):
        return None
    with database.reading(storage) as db:
        return row_of(db, name)


def row_of(db: sqlite3.Connection, name: str) -> sqlite3.Row | None:
    found = db.execute("SELECT * FROM account WHERE key = ?", (key(name),)).fetchone()
    return found if isinstance(found, sqlite3.Row) else None


def set_password(db: sqlite3.Connection, account: int, kept: str) -> None:
    """kept: the hash, "" where nobody is to sign in until a new password is set."""
    db.execute("UPDATE account SET password = ? WHERE id = ?", (kept, account))


def set_role(db: sqlite3.Connection, account: Account, role: Role) -> None:
    """Raises UserError where nobody would be left who may look after people."""
    if role is not Role.ADMIN:
        _check_another_admin(db, account)
    follow_role(db, account, role)


def follow_role(db: sqlite3.Connection, account: Account, role: Role) -> None:
    """The role that somebody has elsewhere, whoever is left."""
    db.execute("UPDATE account SET role = ? WHERE id = ?", (role.value, account.id))


def set_disabled(db: sqlite3.Connection, account: Account, disabled: bool) -> None:
    """Raises UserError where nobody would be left who may look after people."""
    if disabled:
        _check_another_admin(db, account)
    db.execute("UPDATE account SET disabled = ? WHERE id = ?", (int(disabled), account.id))


def _check_another_admin(db: sqlite3.Connection, account: Account) -> None:
    others = db.execute(
        "SELECT 1 FROM account WHERE role = ? AND disabled = 0 AND id <> ? "
        "AND (password <> '' OR id IN (SELECT account FROM known_as))",
        (Role.ADMIN.value, account.id),
    ).fetchone()
    if account.role is Role.ADMIN and others is None:
        raise UserError(f"'{account.name}' is the last admin. Make somebody else one first.")
