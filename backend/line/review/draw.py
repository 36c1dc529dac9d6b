"""Which parts are drawn for a person to look at, whatever their verdict."""

import hashlib
from pathlib import Path

from backend.line import secret

KEY = "review-key"  # in the line's folder


def key_of(home: Path) -> bytes:
    """The line's key, made at its first start; only the owner of the folder can read it."""
    return bytes.fromhex(secret.of(home / KEY))


def is_drawn(key: bytes, epoch: int, sequence: int, share: float) -> bool:
    """By the part's place and a key alone (BLAKE2b): nothing about the part decides it, nothing is
    to be remembered, and who does not know the key cannot foresee it."""
    place = f"{epoch}/{sequence}".encode()
    lot = int.from_bytes(hashlib.blake2b(place, key=key, digest_size=8).digest()) / 2**64
    return lot < share
