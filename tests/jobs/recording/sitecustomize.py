"""Every address that this process, or one it starts, connects to or looks up: a line a time."""

import os
import sys


def _record(event, values):
    if event == "socket.connect":
        words = repr(values[1])
    elif event == "socket.getaddrinfo":
        words = repr(values[0])
    else:
        return
    with open(os.environ["RECORDED_SOCKETS"], "a") as file:  # noqa: PTH123
        file.write(words + "\n")


if "RECORDED_SOCKETS" in os.environ:
    _record("socket.getaddrinfo", ["localhost"])  # so that there is a file, if nothing else
    sys.addaudithook(_record)
