"""No test speaks with another computer: what tries is refused, and noted for `nothing_outside`."""

import socket
import subprocess
import sys
import threading

import pytest

from tests import outside

ELSEWHERE = "203.0.113.7"  # RFC 5737: nobody's
CHILD = f"""
import socket
try:
    socket.create_connection(("{ELSEWHERE}", 9), timeout=1)
except ConnectionRefusedError as error:
    print(error)
"""


@pytest.mark.parametrize("ask", ["connect", "look up", "send"])
def test_what_this_process_asks_elsewhere_is_refused_and_noted(ask):
    with socket.socket(type=socket.SOCK_DGRAM) as made, pytest.raises(ConnectionRefusedError):
        if ask == "connect":
            made.connect((ELSEWHERE, 9))
        elif ask == "send":
            made.sendto(b"x", (ELSEWHERE, 9))
        else:
            socket.getaddrinfo("telemetry.example", 443)
    [line] = outside.asked()
    assert ELSEWHERE in line or "telemetry.example" in line


def test_what_a_child_process_asks_elsewhere_is_noted_too():
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True)
    assert "no test speaks with another computer" in done.stdout, done.stderr
    [line] = outside.asked()
    assert ELSEWHERE in line and line.startswith("socket.connect")


def test_this_computer_may_be_spoken_with():
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = threading.Thread(target=lambda: server.accept()[0].close())
        answer.start()
        socket.create_connection(("localhost", server.getsockname()[1])).close()
        answer.join()
    assert outside.asked() == []
