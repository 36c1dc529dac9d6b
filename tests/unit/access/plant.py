"""A plant's sign-in for tests: a small OpenID Connect provider, TLS by a private authority."""

import base64
import datetime
import hashlib
import hmac
import ipaddress
import json
import secrets
import ssl
import threading
import time
from contextlib import contextmanager
from urllib.parse import parse_qs, urlencode

import httpx
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

CLIENT, SECRET = "defect-distillery", "a secret of the client"


def coded(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def part(record):
    return coded(json.dumps(record).encode())


class Plant:
    """groups, name, subject: of who signs in. claims: in place of the right ones. sign: makes the
    token of claims. says: of the provider itself, in place of what is right."""

    def __init__(self):
        self.key = ECKey.generate_key("P-256", {"kid": "one", "alg": "ES256"}, auto_kid=False)
        self.other = ECKey.generate_key("P-256", {"kid": "one", "alg": "ES256"}, auto_kid=False)
        self.port = 0
        self.codes = {}
        self.was_asked = []
        self.reset()

    def reset(self):
        self.groups, self.name, self.subject = ["quality"], "ada", "s-1"
        self.claims, self.says, self.more = {}, {}, {}
        self.sign = self.signed

    @property
    def issuer(self):
        return f"https://127.0.0.1:{self.port}"

    def signed(self, claims, key=None, **header):
        return jwt.encode({"alg": "ES256", "kid": "one"} | header, claims, key or self.key)

    def unsigned(self, claims):
        return f"{part({'alg': 'none'})}.{part(claims)}."

    def by_public_key(self, claims):
        """HS256 with the public key as its secret, as somebody could sign who has no other."""
        text = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(claims)}"
        public = self.key.as_pem(private=False)
        return f"{text}.{coded(hmac.digest(public, text.encode(), 'sha256'))}"

    def routes(self):
        return [
            Route("/.well-known/openid-configuration", self.discovery),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/keys", self.keys),
            Route("/userinfo", self.userinfo),
        ]

    async def discovery(self, request):
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
        names |= {"jwks_uri": "keys", "end_session_endpoint": "leave"}
        names |= {"userinfo_endpoint": "userinfo"} if self.more else {}
        found: dict[str, object] = {k: f"{self.issuer}/{name}" for k, name in names.items()}
        algorithms = ["none", "HS256", "ES256"]
        found |= {"issuer": self.issuer, "id_token_signing_alg_values_supported": algorithms}
        return JSONResponse(found | self.says)

    async def authorize(self, request):
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT and asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"]
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"]}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 303)

    async def token(self, request):
        form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
        self.was_asked.append(form)
        asked = self.codes.pop(form["code"], None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '+')}".encode()).decode()
        plain = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        known = request.headers["authorization"] in (f"Basic {basic}", f"Basic {plain}")
        challenge = coded(hashlib.sha256(form["code_verifier"].encode()).digest())
        if not asked or not known or challenge != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": self.subject, "iat": now}
        claims |= {"exp": now + 300, "nonce": asked["nonce"], "preferred_username": self.name}
        claims |= {} if self.more else {"groups": self.groups}
        found = {"access_token": "x", "token_type": "Bearer"}
        return JSONResponse(found | {"id_token": self.sign(claims | self.claims)})

    async def keys(self, request):
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def userinfo(self, request):
        assert request.headers["authorization"] == "Bearer x"
        return JSONResponse(self.more)


def authority(folder):
    """Files of a private authority's certificate, and of a server's that it signed: CA, both."""
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)

    def certified(name, key, by, by_key, *extensions):
        made = x509.CertificateBuilder().subject_name(name).issuer_name(by)
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - day).not_valid_after(now + day)
        for extension in extensions:
            made = made.add_extension(
                extension, critical=isinstance(extension, x509.BasicConstraints)
            )
        return made.sign(by_key, hashes.SHA256())

    def called(name):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in "ab")
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    uses = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    whole = x509.BasicConstraints(True, None)
    ca = certified(called("Plant CA"), ca_key, called("Plant CA"), ca_key, whole, ca_id, uses)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id)
    own = certified(called("sign-in"), key, called("Plant CA"), ca_key, here, by)
    pem = serialization.Encoding.PEM
    kept = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "both.pem").write_bytes(own.public_bytes(pem) + key.private_bytes(pem, *kept))
    return folder / "ca.pem", folder / "both.pem"


@contextmanager
def serving(folder):
    """The provider, and the file of its authority."""
    ca, both = authority(folder)
    plant = Plant()
    config = uvicorn.Config(
        Starlette(routes=plant.routes()), port=0, ssl_certfile=both, log_level="critical"
    )
    server = uvicorn.Server(config)
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    plant.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield plant, ca
    finally:
        server.should_exit = True
        running.join()


def visit(address, ca):
    """Where the provider sends a browser that comes with this address."""
    context = ssl.create_default_context(cafile=ca)
    return httpx.get(address, verify=context).headers["location"]
