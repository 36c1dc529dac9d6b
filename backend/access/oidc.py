"""The plant's sign-in by OpenID Connect: authorization code with PKCE, by Authlib.

OpenID Connect Core 1.0, section 3.1; RFC 7636 (PKCE), RFC 9207 (issuer in the answer). What was
begun is kept in memory and used once, by the browser that began it. Who signs out at the provider
is signed out here: OpenID Connect Back-Channel Logout 1.0, by `sub`, `sid` or both.
"""

import asyncio
import hmac
import secrets
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from backend.access import elsewhere
from backend.access.elsewhere import Elsewhere, Outsider, Provider
from backend.access.sessions import kept_as
from backend.records import UserError

if TYPE_CHECKING:
    from authlib.integrations.starlette_client import StarletteOAuth2App

PACKAGES = "authlib==1.9.10 joserfc==1.8.0"
LASTS = 600.0  # s from the first click to the answer
MOST = 10_000  # that are begun at once
PATIENCE = 10.0  # s for an answer of the provider
LEEWAY = 60  # s by which its clock may differ
SIGNED = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
MAYBE = ("userinfo_endpoint", "end_session_endpoint")
ALGORITHMS = "id_token_signing_alg_values_supported"
LOG_OUT = "http://schemas.openid.net/event/backchannel-logout"
LONGEST_LOG_OUT = 3600.0  # s that a log-out may hold
NAMES_ITSELF = "authorization_response_iss_parameter_supported"
HEEDED = ("issuer", *ENDPOINTS, *MAYBE, ALGORITHMS, NAMES_ITSELF, "jwks", "_loaded_at")
TOO_LATE = "This sign-in took too long, was used already, or began in another browser. Begin again."


@dataclass(frozen=True)
class Begun:
    """browser: hash of what its cookie holds. back: where the answer is sent. after: the page that
    was asked for. until: clock, s."""

    browser: str
    nonce: str
    verifier: str
    back: str
    after: str
    until: float


@dataclass(frozen=True)
class LogOut:
    """A provider's word that somebody signed out there. until: s since 1970."""

    who: Outsider
    id: str
    until: float


class SignIn:
    """One provider, and the sign-ins that were begun with it."""

    def __init__(self, known: Elsewhere, provider: Provider):
        self._known = known
        self.provider = provider
        self._app = _app(provider)
        self._begun: dict[str, Begun] = {}
        self._logged_out: dict[str, float] = {}  # jti of a log-out → until when it would hold

    async def begin(self, browser: str, back: str, after: str) -> str:
        """The provider's address to go to. browser: what its cookie holds. Raises UserError where
        the provider cannot be used."""
        with _plainly(self.provider):
            await self._discover()
            made = await self._app.create_authorization_url(back)
        now = time.monotonic()
        self._begun = {key: one for key, one in self._begun.items() if one.until > now}
        while len(self._begun) >= MOST:
            del self._begun[next(iter(self._begun))]
        self._begun[made["state"]] = Begun(
            kept_as(browser), made["nonce"], made["code_verifier"], back, after, now + LASTS
        )
        return str(made["url"])

    async def end(self, browser: str, answer: Mapping[str, str]) -> tuple[Outsider, str]:
        """Who came back, and the page that they asked for. answer: the query of the address that
        the provider sent them to. Raises UserError where it does not hold."""
        begun = self._begun.pop(answer.get("state", ""), None)
        if begun is None or begun.until < time.monotonic():
            raise UserError(TOO_LATE)
        if not hmac.compare_digest(begun.browser, kept_as(browser)):
            raise UserError(TOO_LATE)
        if refused := answer.get("error"):
            told = answer.get("error_description") or refused
            raise UserError(f"Refused by {self.provider.name}: {told[:200]}.")
        silent = not self._app.server_metadata.get(NAMES_ITSELF)
        issuer = answer.get("iss", self.provider.issuer if silent else "")
        if issuer != self.provider.issuer:
            raise UserError(f"This answer is not from {self.provider.name}. Begin again.")
        with _plainly(self.provider):
            claims = await self._claims(answer.get("code", ""), begun)
            at = float(claims["iat"])
        groups = _found(claims, self.provider.groups_claim)
        subject = str(claims["sub"])
        name = str(_found(claims, self.provider.name_claim) or claims.get("name") or subject)
        role = self._known.role(_texts(groups))
        sid = str(claims.get("sid") or "")
        return Outsider(self.provider.issuer, subject, name, role, sid, at), begun.after

    async def logged_out(self, token: str) -> LogOut:
        """Who signed out at the provider. token: its signed word for that. Raises UserError where
        it does not hold, or was used before."""
        with _plainly(self.provider):
            await self._discover()
            signed = await self._app.parse_id_token(
                {"id_token": token}, None, {}, claims_cls=_AsSigned
            )
            claims = dict(signed or {})
            _check_log_out(claims, self.provider, time.time())
            if claims["jti"] in self._logged_out:
                raise ValueError("it was used before")
        subject, sid = claims.get("sub", ""), claims.get("sid", "")
        who = Outsider(self.provider.issuer, subject, "", None, sid, float(claims["iat"]))
        return LogOut(who, claims["jti"], float(claims["exp"]) + LEEWAY)

    def used(self, heard: LogOut) -> None:
        """It was done, so it holds no more; until then its provider may say it again."""
        now = time.time()
        self._logged_out = {k: until for k, until in self._logged_out.items() if until > now}
        self._logged_out[heard.id] = heard.until

    async def leave(self, back: str) -> str:
        """The address that ends the session at the provider too, "" where it has none."""
        with _plainly(self.provider):
            metadata = await self._discover()
            if not metadata.get("end_session_endpoint"):
                return ""
            made = await self._app.create_logout_url(back, client_id=self.provider.client_id)
        return str(made["url"])

    async def check(self) -> None:
        """Raises UserError where the provider cannot be asked or its keys cannot be read."""
        with _plainly(self.provider):
            await self._discover()
            await self._app.fetch_jwk_set()

    async def _discover(self) -> Mapping[str, Any]:
        """What the provider says of itself, asked once. Raises ValueError where it is another, or
        sends people or secrets over a way that others can read."""
        metadata: dict[str, Any] = await self._app.load_server_metadata()
        if metadata.get("issuer") != self.provider.issuer:
            raise ValueError(f"it calls itself {metadata.get('issuer')}")
        for name in (*ENDPOINTS, *(name for name in MAYBE if name in metadata)):
            if not elsewhere.is_safe(str(metadata.get(name, ""))):
                raise ValueError(f"its {name} is not https://")
        for name in set(metadata) - set(HEEDED):  # Authlib would set its client by them
            del metadata[name]
        offered = metadata.get(ALGORITHMS) or SIGNED[:1]
        metadata[ALGORITHMS] = [name for name in SIGNED if name in offered]
        return metadata

    async def _claims(self, code: str, begun: Begun) -> Mapping[str, Any]:
        """What the signed token says; of its groups also what the provider says when asked."""
        await self._discover()
        token = await self._app.fetch_access_token(
            begun.back, code=code, code_verifier=begun.verifier
        )
        if "id_token" not in token:
            raise ValueError("it sent no id_token")
        wanted = {
            "iss": {"essential": True, "value": self.provider.issuer},
            "aud": {"essential": True, "value": self.provider.client_id},
        }
        claims = await self._app.parse_id_token(token, begun.nonce, wanted, leeway=LEEWAY)
        has_more = MAYBE[0] in self._app.server_metadata
        if _found(claims, self.provider.groups_claim) is not None or not has_more:
            return dict(claims)
        more = await self._app.userinfo(token=token)
        if more.get("sub") != claims["sub"]:
            raise ValueError("it speaks of somebody else")
        return dict(more) | dict(claims)


class _AsSigned(dict[str, Any]):
    """Claims whose signature was checked, and nothing else yet."""

    def __init__(self, claims: Mapping[str, Any], *_: object):
        super().__init__(claims)

    def validate(self, leeway: int) -> None:
        """What a log-out says is `_check_log_out`'s to check."""


def _check_log_out(claims: Mapping[str, Any], provider: Provider, now: float) -> None:
    """Raises ValueError where signed claims are no log-out at this provider, for here, of now."""
    heard = claims.get("aud")
    if claims.get("iss") != provider.issuer:
        raise ValueError("it is from another")
    if provider.client_id not in (heard if isinstance(heard, list) else [heard]):
        raise ValueError("it is for another")
    if "nonce" in claims or not _is_log_out(claims.get("events")):
        raise ValueError("it is no log-out")
    made, until = float(claims["iat"]), float(claims["exp"])
    if not (made - LEEWAY <= now <= until + LEEWAY and until - made <= LONGEST_LOG_OUT):
        raise ValueError("it is not of now")
    named = {name: claims[name] for name in ("jti", "sub", "sid") if name in claims}
    for name, value in named.items():
        if not isinstance(value, str) or not value:
            raise ValueError(f"its {name} is no text")
    if "jti" not in named or len(named) == 1:
        raise ValueError("it has no jti" if "jti" not in named else "it has neither sub nor sid")


def _is_log_out(events: Any) -> bool:
    return isinstance(events, dict) and isinstance(events.get(LOG_OUT), dict)


def made(known: Elsewhere | None) -> SignIn | None:
    """The sign-in of the plant, where there is one. Raises UserError where Authlib is missing."""
    return SignIn(known, known.provider) if known and known.provider else None


def check(known: Elsewhere | None) -> None:
    """Raises UserError where the plant's sign-in cannot be used; asks it."""
    if found := made(known):
        asyncio.run(found.check())


def check_packages(known: Elsewhere | None) -> None:
    """Raises UserError where a package is missing that the plant's sign-in needs."""
    if known and known.provider and find_spec("authlib") is None:
        raise UserError(
            "The plant's sign-in needs the package Authlib. Install it: .venv/bin/pip install "
            f"{PACKAGES}"
        )


def new_browser() -> str:
    """What the cookie of a browser holds that begins a sign-in."""
    return secrets.token_urlsafe(24)


def _app(provider: Provider) -> "StarletteOAuth2App":
    check_packages(Elsewhere(provider, None, {}))
    from authlib.integrations.starlette_client import StarletteOAuth2App

    client = {"scope": provider.scopes, "code_challenge_method": "S256", "timeout": PATIENCE}
    if provider.ca_file:
        client["verify"] = ssl.create_default_context(cafile=provider.ca_file)
    return StarletteOAuth2App(
        None,
        client_id=provider.client_id,
        client_secret=provider.client_secret or None,
        client_kwargs=client,
        server_metadata_url=f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration",
    )


@contextmanager
def _plainly(provider: Provider) -> Iterator[None]:
    """Whatever goes wrong with the provider as a UserError in one sentence."""
    from authlib.common.errors import AuthlibBaseError
    from httpx2 import HTTPError, InvalidURL
    from joserfc.errors import JoseError

    host = urlsplit(provider.issuer).hostname
    try:
        yield
    except (HTTPError, InvalidURL, OSError) as error:
        raise UserError(
            f"{_first_big(provider.name)} cannot be asked at {host}: {_brief(error)}. Try again, "
            "or sign in with a password."
        ) from error
    except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"What {provider.name} answered does not hold: {_brief(error)}. Nobody was let in. "
            "Begin again, or tell an admin."
        ) from error


def _brief(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0].strip(" .")[:200] or type(error).__name__


def _first_big(text: str) -> str:
    return text[:1].upper() + text[1:]


def _found(claims: Mapping[str, Any], name: str) -> Any:
    """A claim of that name, else what a path of names leads to (realm_access.roles)."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _texts(value: Any) -> list[str]:
    """Groups as a list: some providers send a lone one as a text."""
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, str)]
