"""Refuses what this process, or one that it starts, asks of another computer, and notes it.

Python imports a module of this name as it starts, where its folder is in PYTHONPATH; tests/conftest
puts it there, and loads it into the tests' own process.
"""

import os
import string
import sys

CONNECTS = ("socket.connect", "socket.sendto")
LOOKS_UP = ("socket.getaddrinfo", "socket.gethostbyname")
HERE = ("", "localhost", "::", "::1", "0.0.0.0", os.uname().nodename)


def is_here(host):
    """Is it this computer, or no name of a computer at all?"""
    text = host.decode("latin-1") if isinstance(host, bytes) else host
    if not isinstance(text, str):
        return True
    return text in HERE or text.startswith(("127.", "::ffff:127.", "/", "\0"))


def _asked(event, values):
    """What is connected to or looked up, None for neither."""
    if event in CONNECTS:
        return values[1][0] if isinstance(values[1], tuple) and values[1] else values[1]
    if event not in LOOKS_UP:
        return None
    digits = set(str(values[0])) <= set(string.hexdigits + ".:")
    return None if digits else values[0]


def _look(event, values):
    host = _asked(event, values)
    if host is None or is_here(host) or "RECORDED_SOCKETS" not in os.environ:
        return
    with open(os.environ["RECORDED_SOCKETS"], "a") as file:  # noqa: PTH123
        file.write(f"{event} {host!r} by {' '.join(sys.argv[:3])}\n")
    raise ConnectionRefusedError(f"no test speaks with another computer: {host}")


sys.addaudithook(_look)
