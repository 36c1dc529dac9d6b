"""Verdicts over OPC UA, heard by a client of the library itself."""

import asyncio
import json
import socket
import threading

import pytest

from backend.line import sinks
from backend.line.outbox import Row
from backend.records import UserError
from tests.unit.line.opcua_client import Listening, asyncua, confirm, node, read_back, watch


def row(k, verdict="GOOD"):
    times = (1.0, 2.0, 3.0)
    about = (verdict, "", 0.5, 12.0, "abc", 4, "cfg", "")
    return Row(k, 1, k, f"s{k}", "dot", *times, *about)


@pytest.fixture
def port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def opened():
    """`opened(address)`: a sink, closed at the end."""
    made = []

    def make(address):
        made.append(sinks.opened(address, "press", "reject"))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_part_is_an_event_and_taken_once_it_is_confirmed(opened, port):
    sink = opened(f"opc.tcp://127.0.0.1:{port}")
    sink.beat({"totals": {"GOOD": 2}})
    heard = Listening()

    async def listen():
        async with asyncua.Client(sink.endpoint) as client:
            await watch(client, heard)
            state = await (await node(client, "VisionSystem.CurrentState")).read_value()
            telling = asyncio.create_task(asyncio.to_thread(sink.send, [row(1), row(2, "BAD")]))
            while len(heard.events) < 2:
                await asyncio.sleep(0.01)
            back = await read_back(client, 0)
            await confirm(client, 1)
            taken = await telling
            left = await read_back(client, 0)
            return state, back, taken, left

    state, back, taken, left = asyncio.run(listen())
    assert (state, taken) == ("Operational", 1)
    assert [one["number"] for one in back] == [1, 2] and [one["number"] for one in left] == [2]
    first, second = heard.events
    assert (first.ResultId, first.PartId, first.Number) == ("press/1/1", "s1", 1)
    assert (second.Verdict, second.Action) == ("BAD", "reject")
    assert json.loads(second.ResultContent) == back[1]


def test_what_nobody_confirms_is_not_taken_and_stays_to_be_read(opened, port, monkeypatch):
    monkeypatch.setattr("backend.line.sinks.opcua.PATIENCE", 0.05)
    sink = opened(f"opc.tcp://127.0.0.1:{port}")
    for _ in range(2):
        with pytest.raises(ConnectionError, match="no OPC UA client has confirmed"):
            sink.send([row(1), row(2)])

    async def later():
        async with asyncua.Client(sink.endpoint) as client:
            found = await read_back(client, 0)
            await confirm(client, 99)
            return found

    assert [one["sequence"] for one in asyncio.run(later())] == [1, 2]
    assert sink.send([row(1), row(2)]) == 2, "no more is confirmed than was offered"


def test_with_a_user_it_is_encrypted_and_asks_for_the_password(opened, port, tmp_path):
    sink = opened(f"opc.tcp://plant:secret@127.0.0.1:{port}")
    assert "secret" not in sink.name
    sink.beat({})

    async def come(user, password, secure):
        client = asyncua.Client(sink.endpoint)
        if secure:
            from asyncua.crypto.cert_gen import setup_self_signed_certificate
            from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
            from cryptography.x509.oid import ExtendedKeyUsageOID

            key, certificate = tmp_path / "key.pem", tmp_path / "certificate.der"
            usage = [ExtendedKeyUsageOID.CLIENT_AUTH]
            await setup_self_signed_certificate(
                key, certificate, client.application_uri, "here", usage, {}
            )
            await client.set_security(SecurityPolicyBasic256Sha256, str(certificate), str(key))
        if user:
            client.set_user(user)
            client.set_password(password)
        async with client:
            return await (await node(client, "VisionSystem.CurrentState")).read_value()

    assert asyncio.run(come("plant", "secret", True)) == "Operational"
    for user, password, secure in (
        *(("plant", "wrong", True), ("other", "secret", True), ("", "", True)),
        ("plant", "secret", False),
    ):
        with pytest.raises(Exception, match=r"(?i)denied|rejected|security|endpoint|identity"):
            asyncio.run(come(user, password, secure))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("opc.tcp://0.0.0.0:4840", "others could read along"),
        ("opc.tcp://plant-server:4840", "others could read along"),
        ("opc.tcp://plant@127.0.0.1:4840", "needs a password"),
        ("opc.tcp://:4840", "needs a host"),
    ],
)
def test_what_is_not_safe_is_refused(opened, address, words):
    with pytest.raises(UserError, match=words):
        opened(address)


def test_a_taken_port_is_a_trouble(opened, port):
    with socket.socket() as one:
        one.bind(("127.0.0.1", port))
        one.listen()
        with pytest.raises(OSError):
            opened(f"opc.tcp://127.0.0.1:{port}").beat({})


def test_a_server_that_hangs_at_its_start_holds_up_no_end(opened, port, monkeypatch, until):
    entered = threading.Event()

    async def hang(server):
        entered.set()
        await asyncio.sleep(600)

    monkeypatch.setattr(asyncua.Server, "init", hang)
    monkeypatch.setattr("backend.line.sinks.opcua.CLOSE_SECONDS", 0.01)
    monkeypatch.setattr("backend.line.sinks.opcua_server.PATIENCE", 600.0)
    sink = opened(f"opc.tcp://127.0.0.1:{port}")
    beat = threading.Thread(target=sink.beat, args=({},), daemon=True)
    beat.start()
    assert entered.wait(60)
    sink.close()
    assert beat.is_alive(), "it still hangs, and nobody waits for it"
