"""The OPC UA server of a line, in a thread with a loop of its own. Needs asyncua."""

import asyncio
import contextlib
import json
import logging
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import Node, Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.user_managers import UserManager
from cryptography.x509.oid import ExtendedKeyUsageOID

from backend.line import segments
from backend.settings import settings

SPACE = "urn:defect-distillery:line"
PATIENCE = 20.0  # seconds for the server to start, or to do what it is asked
STOP_SECONDS = 5.0  # for it to end
MOST = 1000  # results that one call gives
FIELDS = {  # of an event: its name, its type, and what of a message it is
    "ResultId": (ua.VariantType.String, "key"),
    "Number": (ua.VariantType.UInt64, "number"),
    "IsPartial": (ua.VariantType.Boolean, ""),
    "IsSimulated": (ua.VariantType.Boolean, ""),
    "PartId": (ua.VariantType.String, "serial"),
    "ProductId": (ua.VariantType.String, "feature"),
    "InternalRecipeId": (ua.VariantType.String, "recipe"),
    "InternalConfigurationId": (ua.VariantType.String, "config"),
    "CreationTime": (ua.VariantType.String, "captured"),
    "Verdict": (ua.VariantType.String, "verdict"),
    "Action": (ua.VariantType.String, "action"),
    "ResultContent": (ua.VariantType.String, "content"),
}


Allows = Callable[[str | None, str | None], bool]


class _Users(UserManager):
    def __init__(self, allows: Allows) -> None:
        self._allows = allows

    def get_user(
        self,
        iserver: Any,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        return User(role=UserRole.User) if self._allows(username, password) else None


class Running:
    """The server at work. secured: clients sign in, and messages are encrypted; allows: is this
    user let in with this password? confirmed: the number up to which a client has every result;
    `changed` is set when that grows. Raises OSError where it cannot listen."""

    def __init__(self, endpoint: str, line: str, secured: bool, allows: Allows) -> None:
        self.confirmed = 0
        self.changed = threading.Event()
        self._endpoint, self._line = endpoint, line
        self._secured, self._allows = secured, allows
        self._offered: dict[int, str] = {}
        self._state: dict[str, Node] = {}
        _refuse_taken(endpoint)
        logging.getLogger("asyncua").setLevel(logging.ERROR)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="opcua", daemon=True)
        self._thread.start()
        try:
            self._do(self._start())
        except BaseException:
            self._end_loop()
            raise

    def _do(self, work: Coroutine[Any, Any, Any], patience: float = 0.0) -> Any:
        """What it gives, within `patience` seconds, or PATIENCE."""
        try:
            asked = asyncio.run_coroutine_threadsafe(work, self._loop)
            return asked.result(patience or PATIENCE)
        except TimeoutError as error:
            raise ConnectionError("the OPC UA server does not answer") from error
        except ua.UaError as error:
            raise ConnectionError(f"the OPC UA server: {error}") from error

    async def _start(self) -> None:
        self._server = Server(user_manager=_Users(self._allows))
        await self._server.init()
        self._server.set_endpoint(self._endpoint)
        self._server.set_server_name(f"Line {self._line}")
        await self._secure()
        space = await self._server.register_namespace(SPACE)
        objects = self._server.nodes.objects
        vision = await objects.add_object(_node("VisionSystem", space), f"{space}:VisionSystem")
        await self._describe(vision, space)
        await self._server.start()

    async def _secure(self) -> None:
        """With a user: signed and encrypted alone, under a certificate made at the first start."""
        if not self._secured:
            self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
            self._server.set_identity_tokens([ua.AnonymousIdentityToken])
            return
        folder = settings().storage / segments.LINES / self._line / "opcua"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key, certificate = folder / "key.pem", folder / "certificate.der"
        uri = f"{SPACE}:{self._line}"
        await setup_self_signed_certificate(
            *(key, certificate, uri, socket.gethostname(), [ExtendedKeyUsageOID.SERVER_AUTH]),
            {"commonName": f"Line {self._line}"},
        )
        Path(key).chmod(0o600)
        await self._server.set_application_uri(uri)
        self._server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
        self._server.set_identity_tokens([ua.UserNameIdentityToken])
        await self._server.load_certificate(certificate)
        await self._server.load_private_key(key)

    async def _describe(self, vision: Node, space: int) -> None:
        """State, methods and the event of the object that stands for the line."""
        for name, value in (
            *(("CurrentState", "Preoperational"), ("InternalRecipeId", "")),
            *(("Heartbeat", datetime.now(UTC)), ("Parts", "{}")),
        ):
            node = _node(f"VisionSystem.{name}", space)
            self._state[name] = await vision.add_variable(node, f"{space}:{name}", value)
        number = ua.VariantType.UInt64
        await vision.add_method(
            _node("VisionSystem.GetResults", space),
            f"{space}:GetResults",
            self._get_results,
            [number],
            [ua.VariantType.String],
        )
        await vision.add_method(
            _node("VisionSystem.ConfirmResults", space),
            f"{space}:ConfirmResults",
            self._confirm,
            [number],
            [],
        )
        kind = await self._server.create_custom_event_type(
            space,
            "ResultReadyEventType",
            properties=[(name, variant) for name, (variant, _) in FIELDS.items()],
        )
        self._event = await self._server.get_event_generator(kind, vision.nodeid)

    async def _get_results(self, parent: Any, after: Any) -> list[Any]:
        """What is offered and not confirmed behind a number: JSON texts, oldest first."""
        found = [text for number, text in sorted(self._offered.items()) if number > after.Value]
        return [ua.Variant(found[:MOST], ua.VariantType.String, is_array=True)]

    async def _confirm(self, parent: Any, upto: Any) -> list[Any]:
        """A client has every result up to a number that was offered."""
        last = max(self._offered, default=self.confirmed)
        self.confirmed = max(self.confirmed, min(int(upto.Value), last))
        for number in [one for one in self._offered if one <= self.confirmed]:
            del self._offered[number]
        self.changed.set()
        return []

    def offer(self, told: Mapping[int, dict[str, Any]], fresh: Sequence[int]) -> None:
        """Results by number that can be read until they are confirmed, and an event of the fresh
        ones. Raises OSError."""
        self._do(self._offer(told, fresh))

    async def _offer(self, told: Mapping[int, dict[str, Any]], fresh: Sequence[int]) -> None:
        for number, one in told.items():
            if number > self.confirmed:
                self._offered[number] = json.dumps(one | {"number": number})
        for number in fresh:
            one = told[number]
            known = one | {
                "key": f"{one['line']}/{one['epoch']}/{one['sequence']}",
                **{"number": number, "recipe": f"{one['package']}/{one['thresholds']}"},
                "content": json.dumps(one | {"number": number}),
            }
            for name, (variant, source) in FIELDS.items():
                value = known[source] if source else False
                setattr(self._event.event, name, ua.Variant(value, variant))
            self._event.event.Severity = 500 if one["action"] != "pass" else 100
            await self._event.trigger(message=f"{one['verdict']} {one['feature']} {one['serial']}")
        if fresh:
            await self._state["InternalRecipeId"].write_value(known["recipe"])

    def beat(self, state: Mapping[str, Any]) -> None:
        """A sign of life. Raises OSError."""
        self._do(self._beat(state))

    async def _beat(self, state: Mapping[str, Any]) -> None:
        await self._state["Heartbeat"].write_value(datetime.now(UTC))
        await self._state["CurrentState"].write_value("Operational")
        await self._state["Parts"].write_value(json.dumps(state.get("totals", {})))

    def stop(self) -> None:
        """Say goodbye and close."""
        with contextlib.suppress(OSError):
            self._do(self._stop(), STOP_SECONDS)
        self._end_loop()

    async def _stop(self) -> None:
        await self._state["CurrentState"].write_value("Halted")
        await self._server.stop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if not self._loop.is_running():
            self._loop.close()


def _node(name: str, space: int) -> ua.NodeId:
    return ua.NodeId.from_string(f"ns={space};s={name}")


def _refuse_taken(endpoint: str) -> None:
    """Raises OSError where the port is taken: asyncua would only log it."""
    host, _, rest = endpoint.removeprefix("opc.tcp://").rpartition(":")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host.strip("[]"), int(rest.split("/")[0])))
