"""Which addresses a request may have been sent to, and from which page."""

import socket

import pytest

from backend.access import hosts


@pytest.mark.parametrize("host", ["localhost", "localhost:8501", "127.0.0.1:1", "[::1]:8501"])
def test_this_computer_is_known_everywhere(host):
    assert hosts.is_ours(host, (), local=True)
    assert hosts.is_ours(host, (), local=False)


@pytest.mark.parametrize("host", ["evil.example", "192.168.1.7", "127.0.0.1.evil.example"])
def test_a_server_for_this_computer_alone_knows_no_other_name(host):
    assert not hosts.is_ours(host, (), local=True)


def test_a_server_on_the_network_knows_digits_its_name_and_names_given():
    assert hosts.is_ours("192.168.1.7:8501", (), local=False)
    assert hosts.is_ours("[fe80::1]", (), local=False)
    assert hosts.is_ours(socket.gethostname().upper(), (), local=False)
    assert hosts.is_ours("Inspect.plant.example", ("inspect.plant.example",), local=True)
    assert not hosts.is_ours("evil.example", ("inspect.plant.example",), local=False)


@pytest.mark.parametrize(
    "host", ["", "a@localhost", "localhost/x", "localhost?x", "localhost:x", "localhost:99999999"]
)
def test_a_malformed_host_is_nobody(host):
    assert not hosts.is_ours(host, (), local=False)


def test_a_page_is_the_same_with_and_without_the_usual_port():
    assert hosts.is_same("http://a:8501", "a:8501", "http")
    assert hosts.is_same("https://a", "a", "http")
    assert hosts.is_same("https://a", "a:443", "ws")
    for origin in ("http://a", "http://b:8501", "null", "", "http://a:8501.evil", "http://a:x"):
        assert not hosts.is_same(origin, "a:8501", "http")
