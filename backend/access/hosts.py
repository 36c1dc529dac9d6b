"""Which addresses a request may have been sent to, and from which page.

A page elsewhere can give its own name the address of this server (DNS rebinding); its requests then
bear a foreign `Host`. An address in digits cannot be given away like that.
"""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

LOCAL = ("localhost", "127.0.0.1", "::1")
FORWARDED = ("forwarded", "x-forwarded-", "x-real-ip", "via")  # how headers of a proxy begin
PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def name_of(host: str) -> str:
    """The name in a `Host`, without its port; "" where it is malformed."""
    return _split(f"//{host}")[0]


def is_ours(host: str, names: Iterable[str], local: bool) -> bool:
    """Whether a `Host` means this server. names: that its owner gave. local: it listens for this
    computer alone."""
    name = name_of(host)
    if not name:
        return False
    if name in LOCAL or name in {one.lower() for one in names}:
        return True
    if local:
        return False
    return name == socket.gethostname().lower() or _in_digits(name)


def is_same(origin: str, host: str, scheme: str) -> bool:
    """Whether an `Origin` is the page of the `Host` itself. scheme: of the request."""
    name, port = _split(origin)
    own_name, own_port = _split(f"//{host}")
    asked = urlsplit(origin).scheme if "://" in origin else scheme
    default = PORTS.get(asked, 0)
    return bool(name) and (name, port or default) == (own_name, own_port or default)


def _split(text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(text)
        port = parts.port or 0
    except ValueError:
        return "", 0
    if parts.username is not None or (text.startswith("//") and (parts.path or parts.query)):
        return "", 0
    return (parts.hostname or "").lower().rstrip("."), port


def _in_digits(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
