"""A line's secrets: files that the owner of its folder alone can read."""

import secrets
from pathlib import Path


def of(path: Path) -> str:
    """The secret in a file, 64 hexadecimal digits where it is made now. One that a full disk left
    empty is made anew: whoever shows nothing must not be let in by it."""
    kept = path.read_text().strip() if path.exists() else ""
    if kept:
        return kept
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(secrets.token_hex(32))
    partial.replace(path)
    return path.read_text()
