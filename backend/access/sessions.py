"""Sessions: kept at the server, so that they can be ended there.

The browser holds a random token in a cookie; the file holds its SHA-256 alone.
"""

import hashlib
import secrets
import sqlite3
import time
from dataclasses import dataclass

from backend.access import accounts
from backend.access.accounts import Account
from backend.access.elsewhere import Outsider
from backend.settings import Settings

SKEW = 60.0  # s by which another computer's clock may differ
NOTED_EVERY = 60.0  # s between two notes that a session is in use

BROWSERS = (  # the first that fits: others bear the names of those after them too
    *(("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrom", "Chrome")),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    *(("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad")),
    *(("Mac OS", "macOS"), ("Linux", "Linux")),
)


@dataclass(frozen=True)
class Lifetime:
    """idle: s without a sign of the browser. whole: s since it signed in."""

    idle: float
    whole: float


@dataclass(frozen=True)
class Session:
    """created, seen: s since 1970."""

    id: str
    created: float
    seen: float
    address: str
    browser: str


def lifetime(settings: Settings) -> Lifetime:
    """How long a session lasts here."""
    return Lifetime(idle=settings.idle_hours * 3600.0, whole=settings.session_days * 86400.0)


def browser_words(agent: str) -> str:
    """What a `User-Agent` says, in two words: "Firefox on Linux"."""
    name = next((word for mark, word in BROWSERS if mark in agent), agent.split("/")[0])
    system = next((word for mark, word in SYSTEMS if mark in agent), "")
    return f"{name or 'an unknown browser'}{f' on {system}' if system else ''}"


def cookie(installation: str) -> str:
    """The cookie's name; one for each installation, for cookies know no ports."""
    return f"distillery-{installation}"


def kept_as(token: str) -> str:
    """What the file holds of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(db: sqlite3.Connection, account: int, address: str, browser: str) -> str:
    """The token of a new session."""
    token, now = secrets.token_urlsafe(32), time.time()
    db.execute(
        "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)",
        (kept_as(token), account, now, now, address[:60], browser[:200]),
    )
    return token


def whose(db: sqlite3.Connection, token: str, lifetime: Lifetime) -> Account | None:
    """Who has this session; None where it ended, or its account is disabled."""
    now = time.time()
    row = db.execute(
        "SELECT account.* FROM session JOIN account ON account.id = session.account "
        "WHERE session.id = ? AND disabled = 0 AND session.seen > ? AND session.created > ?",
        (kept_as(token), now - lifetime.idle, now - lifetime.whole),
    ).fetchone()
    return accounts.of(row) if row else None


def note_use(db: sqlite3.Connection, token: str) -> None:
    """Keep the session from running out; written once a minute at most."""
    now = time.time()
    db.execute(
        "UPDATE session SET seen = ? WHERE id = ? AND seen < ?",
        (now, kept_as(token), now - NOTED_EVERY),
    )


def of_account(db: sqlite3.Connection, account: int, lifetime: Lifetime) -> list[Session]:
    """An account's living sessions, the one last in use first."""
    now = time.time()
    rows = db.execute(
        "SELECT id, created, seen, address, browser FROM session "
        "WHERE account = ? AND seen > ? AND created > ? ORDER BY seen DESC",
        (account, now - lifetime.idle, now - lifetime.whole),
    )
    return [Session(**dict(row)) for row in rows]


def end(db: sqlite3.Connection, account: int, session: str) -> bool:
    """End one of an account's sessions; False where there was none."""
    done = db.execute("DELETE FROM session WHERE id = ? AND account = ?", (session, account))
    return done.rowcount > 0


def end_all(db: sqlite3.Connection, account: int, except_for: str = "") -> None:
    """End an account's sessions. except_for: the id of one that stays."""
    db.execute("DELETE FROM session WHERE account = ? AND id <> ?", (account, except_for))


def note_elsewhere(db: sqlite3.Connection, token: str, who: Outsider) -> None:
    """Keep with a session what is known of the one elsewhere to which it belongs."""
    values = (kept_as(token), who.sid, who.at)
    db.execute("INSERT INTO session_elsewhere VALUES (?, ?, ?)", values)


def of_elsewhere(db: sqlite3.Connection, who: Outsider) -> list[tuple[str, Account]]:
    """Ids and accounts of the sessions that end with those that `who` names, and began by then: the
    one session there, where it is named and known; all of who is named, else.

    Both times are by the clock there. Of sessions of which it is not known, that of this computer
    counts, which may differ by SKEW.
    """
    rows = db.execute(
        "SELECT session.id AS session, account.* FROM session "
        "JOIN account ON account.id = session.account "
        "JOIN known_as ON known_as.account = session.account "
        "LEFT JOIN session_elsewhere ON session_elsewhere.session = session.id "
        "WHERE source = :source AND :subject IN (subject, '') "
        "AND coalesce(since, session.created - :skew) <= :at "
        "AND (sid = :sid OR :subject <> '' AND '' IN (:sid, coalesce(sid, '')))",
        {"source": who.source, "subject": who.subject, "sid": who.sid, "at": who.at, "skew": SKEW},
    )
    return [(row["session"], accounts.of(row)) for row in rows]


def sweep(db: sqlite3.Connection, lifetime: Lifetime) -> None:
    """Forget sessions and links that ran out."""
    now = time.time()
    db.execute(
        "DELETE FROM session WHERE seen < ? OR created < ?",
        (now - lifetime.idle, now - lifetime.whole),
    )
    db.execute("DELETE FROM link WHERE expires < ?", (now,))
