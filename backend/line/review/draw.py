"""Which parts are drawn for a person to look at, whatever their verdict."""

import hashlib
from pathlib import Path

from backend.line import secret

KEY = "review-key"  # in the line's folder


def key_of(home: Path) -> bytes:
    """The line's key, made at its first start; only the owner of the folder can read it."""
    return bytes.fromhex(secret.of(home / KEY))


def known_key(home: Path) -> bytes:
    """The line's key, b"" before its first start."""
    return bytes.fromhex((home / KEY).read_text().strip()) if (home / KEY).exists() else b""


def is_drawn(key: bytes, epoch: int, sequence: int, share: float) -> bool:
    """By the part's place and a key alone: nothing about the part decides it, nothing is to be
    remembered, and who does not know the key cannot foresee it."""
    return lot(key, f"{epoch}/{sequence}") < share


def lot(key: bytes, words: str) -> float:
    """A number from 0 to below 1 for these words (BLAKE2b), another for any others."""
    drawn = hashlib.blake2b(words.encode(), key=key, digest_size=8).digest()
    return int.from_bytes(drawn) / 2**64
