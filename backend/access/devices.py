"""A mark in a browser that somebody signed in with before: guesses elsewhere do not make it wait.

OWASP calls it a device cookie. It lets nobody in, so it is signed, and kept nowhere.
"""

import hashlib
import hmac
import secrets
from pathlib import Path

from backend.access import accounts, database

LASTS = 180 * 24 * 3600  # s


def cookie(session_cookie: str) -> str:
    """The name of the cookie that holds the mark, beside the session's."""
    return f"{session_cookie}-device"


def mark(storage: Path, name: str) -> str:
    """A new mark for the account of that name."""
    chance = secrets.token_urlsafe(12)
    return f"{chance}.{_signed(storage, name, chance)}"


def is_marked(storage: Path, name: str, given: str) -> bool:
    """Whether a browser has this account's mark."""
    chance, _, signature = given.partition(".")
    if not signature or not database.there(storage):
        return False
    return hmac.compare_digest(signature.encode(), _signed(storage, name, chance).encode())


def _signed(storage: Path, name: str, chance: str) -> str:
    with database.reading(storage) as db:
        key = str(db.execute("SELECT key FROM device_key").fetchone()[0])
    text = f"{accounts.key(name)}\n{chance}"
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
