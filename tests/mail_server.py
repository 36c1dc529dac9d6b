"""A mail server and a web server on this computer, as far as notices need them."""

import base64
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOST = "localhost"


@dataclass
class MailServer:
    """mails: what arrived. user, password: asked for where there are any. refuses: answers 451.
    secured: the ways in which mails came, "" in the clear."""

    certificate: Path | None = None
    user: str = ""
    password: str = ""
    refuses: bool = False
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    secured: list[str] = field(default_factory=list)


@contextmanager
def mail_server(found: MailServer, tls: bool = False) -> Iterator[MailServer]:
    """It answers meanwhile. tls: from the first byte on."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            way = "TLS" if tls else ""
            if tls:
                self._secure()
            self._say("220 ready")
            while line := self.rfile.readline():
                words = line.decode().strip()
                verb = words.split(" ")[0].upper()
                if verb == "EHLO":
                    more = ["250-STARTTLS"] if found.certificate and not way else []
                    self._say("250-here", *more, "250 AUTH PLAIN")
                elif verb == "STARTTLS":
                    self._say("220 go on")
                    self._secure()
                    way = "STARTTLS"
                elif verb == "AUTH":
                    told = base64.b64decode(words.split(" ")[2]).decode().split("\0")[1:]
                    good = told == [found.user, found.password]
                    self._say("235 welcome" if good else "535 wrong")
                elif verb == "RCPT" and found.refuses:
                    self._say("451 not now")
                elif verb == "DATA":
                    self._say("354 go on")
                    self._take(way)
                elif verb == "QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 fine")

        def _say(self, *lines: str) -> None:
            self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())
            self.wfile.flush()

        def _secure(self) -> None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(str(found.certificate))
            self.request = context.wrap_socket(self.request, server_side=True)
            self.rfile = self.request.makefile("rb")
            self.wfile = self.request.makefile("wb")

        def _take(self, way: str) -> None:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line)
            found.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
            found.secured.append(way)
            self._say("250 taken")

    with socketserver.ThreadingTCPServer((HOST, 0), Handler) as server, _serving(server):
        found.port = server.server_address[1]
        yield found


@contextmanager
def web_server(status: int = 200, to: str = "") -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its address and what was posted to it. to: where it redirects."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            if to:
                self.send_header("Location", to)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server, _serving(server):
        yield f"http://{HOST}:{server.server_port}", taken


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def certificate(folder: Path) -> Path:
    """A key and its certificate for this computer's name, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
