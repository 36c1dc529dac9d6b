"""Verdicts over MQTT 5 with QoS 1: TOPIC has one message a part, TOPIC/heartbeat the line's state.

The heartbeat is kept by the broker, and the last will says that the line is gone: who hears
nothing takes parts for uninspected.
"""

import json
import os
import threading
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, MQTTMessageInfo, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from backend.line.outbox import Row
from backend.line.sinks.sink import message
from backend.records import UserError

PATIENCE = 5.0  # seconds to wait for the broker's word
SESSION_SECONDS = 24 * 3600
PASSWORD = "DISTILLERY_MQTT_PASSWORD"


class Mqtt:
    """address: mqtt://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC, mqtts:// for TLS.

    The password may come from the environment instead, DISTILLERY_MQTT_PASSWORD; a broker's own
    authority from DISTILLERY_MQTT_CA, a file.
    """

    def __init__(self, address: str, line: str, uninspected: str) -> None:
        url = urlsplit(address)
        self._topic = unquote(url.path.lstrip("/"))
        unfit = set(self._topic) & set("+#\0") or url.fragment or url.query or "#" in address
        if not url.hostname or not self._topic or unfit:
            raise UserError(f"Sink: '{address}' needs a host and a topic: mqtt://HOST:PORT/TOPIC.")
        self._line, self._uninspected = line, uninspected
        self._secure = url.scheme == "mqtts"
        self._host, self._port = url.hostname, url.port or (8883 if self._secure else 1883)
        self.name = f"{url.scheme}://{self._host}:{self._port}/{self._topic}"
        self._client = self._made(url.username, url.password)
        self._started = False
        self._connected = threading.Event()

    def _made(self, user: str | None, password: str | None) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"distillery-{self._line}", protocol=MQTTv5
        )
        if user:
            client.username_pw_set(unquote(user), unquote(password or os.environ.get(PASSWORD, "")))
        if self._secure:
            client.tls_set(ca_certs=os.environ.get("DISTILLERY_MQTT_CA") or None)
        client.max_queued_messages_set(10_000)
        client.reconnect_delay_set(1, 5)
        client.will_set(f"{self._topic}/heartbeat", self._state("gone"), qos=1, retain=True)
        client.on_connect = lambda *_: self._connected.set()
        client.on_disconnect = lambda *_: self._connected.clear()
        return client

    def _state(self, word: str, **more: Any) -> str:
        return json.dumps({"line": self._line, "state": word, "time": time.time(), **more})

    def _connect(self) -> None:
        """Begin to connect, once, and wait for it. Raises OSError where nobody answers."""
        if not self._started:
            session = Properties(PacketTypes.CONNECT)
            session.SessionExpiryInterval = SESSION_SECONDS
            self._client.connect_async(
                self._host, self._port, keepalive=15, clean_start=False, properties=session
            )
            self._client.loop_start()
            self._started = True
        if not self._connected.wait(PATIENCE):
            raise ConnectionError(f"no broker answers at {self._host}:{self._port}")

    def send(self, rows: Sequence[Row]) -> int:
        self._connect()
        sent = [
            self._client.publish(
                self._topic, json.dumps(message(self._line, row, self._uninspected)), qos=1
            )
            for row in rows
        ]
        deadline = time.monotonic() + PATIENCE
        taken = 0
        for info in sent:
            if not _is_taken(info, deadline):
                break
            taken += 1
        if rows and not taken:
            raise ConnectionError(f"the broker at {self._host}:{self._port} confirms nothing")
        return taken

    def beat(self, state: dict[str, Any]) -> None:
        if self._connected.is_set():
            said = self._state("running", **state)
            self._client.publish(f"{self._topic}/heartbeat", said, qos=1, retain=True)

    def close(self) -> None:
        if self._connected.is_set():
            said = self._client.publish(
                f"{self._topic}/heartbeat", self._state("stopped"), qos=1, retain=True
            )
            _is_taken(said, time.monotonic() + 1)
        self._client.disconnect()
        self._client.loop_stop()


def _is_taken(info: MQTTMessageInfo, deadline: float) -> bool:
    """Has the broker confirmed a message, within the time?"""
    try:
        info.wait_for_publish(max(0.01, deadline - time.monotonic()))
        return info.is_published()
    except (RuntimeError, ValueError):  # no connection, or the queue is full
        return False
