"""Passwords: Argon2id as OWASP's cheat sheet asks for it, m = 19 MiB, t = 2, p = 1."""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend.records import UserError

SHORTEST, LONGEST = 12, 200
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # memory in KiB


def hashed(password: str) -> str:
    """Its hash. Raises UserError for one that is too short; there are no other rules."""
    text = _plain(password)
    if len(text) < SHORTEST:
        raise UserError(
            f"The password has {len(text)} characters; it needs at least {SHORTEST}. "
            "A few words that you remember make a good one."
        )
    if len(text) > LONGEST:
        raise UserError(f"The password may have {LONGEST} characters at most.")
    return HASHER.hash(text)


def fits(password: str, kept: str) -> bool:
    """Whether it is the one that `kept` is the hash of; "" fits none, and takes as long."""
    try:
        HASHER.verify(kept or _nobodys(), _plain(password)[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


def renewed(password: str, kept: str) -> str:
    """The hash anew where it was made by other settings than today's, else ""."""
    return HASHER.hash(_plain(password)) if HASHER.check_needs_rehash(kept) else ""


def _plain(password: str) -> str:
    """As every keyboard writes it."""
    return unicodedata.normalize("NFC", password)


@cache
def _nobodys() -> str:
    return HASHER.hash("nobody has this password")
