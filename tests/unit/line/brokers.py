"""A real MQTT broker, mosquitto, that is started and killed, and who listens to it."""

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
TOPIC = "plant/press"
PATIENCE = 20.0  # seconds for a subscriber to be connected

Heard = list[tuple[str, dict[str, Any]]]  # (topic, message), in their order


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Broker:
    """It keeps what a subscriber has not taken, also when it is killed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.address = f"mqtt://127.0.0.1:{self.port}/{TOPIC}"
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {folder}/\nautosave_interval 1\nuser root\n"
            "max_queued_messages 0\n"
        )

    def start(self) -> None:
        self._process = subprocess.Popen(
            [str(MOSQUITTO), "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def running(folder: Path) -> Iterator[Broker]:
    """A broker with its files in `folder`."""
    made = Broker(folder)
    made.start()
    yield made
    made.kill()


@contextmanager
def listening(port: int) -> Iterator[Heard]:
    """What a subscriber to all of the plant hears; it connects again where it must."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    heard: Heard = []
    ready = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False)
    client.reconnect_delay_set(1, 1)
    client.on_message = lambda c, u, m: heard.append((m.topic, json.loads(m.payload)))
    client.on_connect = lambda c, *_: c.subscribe("plant/#", qos=1)
    client.on_subscribe = lambda *_: ready.set()
    client.connect_async("127.0.0.1", port)
    client.loop_start()
    assert ready.wait(PATIENCE), "the broker does not answer"
    yield heard
    client.disconnect()
    client.loop_stop()


def keys(heard: Heard) -> list[tuple[int, int]]:
    """Epoch and sequence number of each part that was told, in the order in which it was."""
    return [(told["epoch"], told["sequence"]) for topic, told in heard if topic == TOPIC]
