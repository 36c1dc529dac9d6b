"""People who are known elsewhere: by the plant's own sign-in (OIDC), or by a proxy in front.

One TOML file says how (docs/network.md). What they may do follows from their groups there.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from backend.access.hosts import LOCAL
from backend.access.rights import Role
from backend.records import UserError
from backend.settings import Settings

C = TypeVar("C")
SHORTEST_SECRET = 32  # characters
PROXY = "proxy"  # the source of those whom a proxy names


@dataclass(frozen=True)
class Provider:
    """The plant's sign-in, by OpenID Connect. client_secret: "" for a public client.

    ca_file: PEM of the authority that signed its certificate, where the system knows it not.
    name: as the sign-in page calls it. groups_claim: a claim, or a path of them by dots.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    ca_file: str = ""
    name: str = "the plant's sign-in"
    groups_claim: str = "groups"
    name_claim: str = "preferred_username"
    scopes: str = "openid profile"


@dataclass(frozen=True)
class Proxy:
    """A proxy that asks who people are. secret: what it sends along so that nobody else can name
    them."""

    secret: str = field(repr=False)
    user_header: str = "X-Remote-User"
    groups_header: str = "X-Remote-Groups"
    separator: str = ","


@dataclass(frozen=True)
class Elsewhere:
    """roles: group → what its members may do; who is in none is not let in."""

    provider: Provider | None
    proxy: Proxy | None
    roles: Mapping[str, Role]

    def role(self, groups: Iterable[str]) -> Role | None:
        """The most that any of these groups may."""
        found = [self.roles[group] for group in groups if group in self.roles]
        return max(found, key=list(Role).index, default=None)


@dataclass(frozen=True)
class Outsider:
    """Somebody known elsewhere. subject: who they are to the source, for good; "" where it speaks
    of a session alone. role: None where none of their groups may come in.

    sid: their session there, "" where the source names none. at: when it said so, by its own clock,
    s since 1970; 0 where it has none.
    """

    source: str
    subject: str
    name: str
    role: Role | None
    sid: str = ""
    at: float = 0.0


def of(settings: Settings) -> Elsewhere | None:
    """How people are known elsewhere, None where they are not. Raises UserError where the file
    cannot be used."""
    return read(settings.sign_in) if settings.sign_in else None


@cache
def read(path: Path) -> Elsewhere:
    """What such a file says, read once. Raises UserError naming what is wrong with it."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"DISTILLERY_SIGN_IN: {path} cannot be read: {why}. Mend it.") from error
    unknown = sorted(set(found) - {"oidc", "proxy", "roles"})
    if unknown or not (found.keys() & {"oidc", "proxy"}):
        wrong = f"knows no part '{unknown[0]}'" if unknown else "names nobody to ask"
        raise UserError(f"{path} {wrong}. It has the parts [oidc] or [proxy], and [roles].")
    made = Elsewhere(
        _part(path, found, "oidc", Provider),
        _part(path, found, "proxy", Proxy),
        _roles(path, found.get("roles", {})),
    )
    if made.provider:
        _check_provider(path, made.provider)
    if made.proxy and len(made.proxy.secret) < SHORTEST_SECRET:
        raise UserError(f"{path}, [proxy]: secret needs {SHORTEST_SECRET} characters at least.")
    return made


def _part(path: Path, found: Mapping[str, Any], name: str, kind: type[C]) -> C | None:
    """A part of the file as a record. Raises UserError for a setting that is unknown or none."""
    if name not in found:
        return None
    given = found[name]
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    for key, value in given.items():
        if key not in known or not isinstance(value, str):
            listed = ", ".join(known)
            raise UserError(f"{path}, [{name}]: '{key}' is no text setting. Known are: {listed}.")
    for key, one in known.items():
        if one.default is MISSING and not given.get(key):
            raise UserError(f"{path}, [{name}]: {key} is missing.")
    return kind(**given)


def _roles(path: Path, found: Mapping[str, Any]) -> dict[str, Role]:
    words = [role.value for role in Role]
    for group, role in found.items():
        if role not in words:
            raise UserError(f"{path}, [roles]: '{group}' must be one of {', '.join(words)}.")
    if not found:
        raise UserError(f"{path}, [roles]: name a group and its role, or nobody can come in.")
    return {group: Role(role) for group, role in found.items()}


def _check_provider(path: Path, provider: Provider) -> None:
    if not is_safe(provider.issuer):
        raise UserError(f"{path}, [oidc]: issuer must begin with https://.")
    if provider.ca_file and not Path(provider.ca_file).is_file():
        raise UserError(f"{path}, [oidc]: ca_file: there is no file {provider.ca_file}.")
    if "openid" not in provider.scopes.split():
        raise UserError(f"{path}, [oidc]: scopes must have 'openid' among them.")


def is_safe(address: str) -> bool:
    """Whether nobody can read along: HTTPS, or this computer itself."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (parts.scheme == "https" or parts.hostname in LOCAL)
