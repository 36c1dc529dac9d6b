"""What is told and where it is sent: `notices.json` in the storage folder, for its owner alone.

What the environment names stands before what the page keeps:
DISTILLERY_SMTP (smtp://HOST:PORT, smtp+starttls://USER@HOST:PORT, smtps://USER@HOST:PORT),
DISTILLERY_SMTP_PASSWORD, DISTILLERY_MAIL_FROM, DISTILLERY_MAIL_TO (by commas) and
DISTILLERY_NOTICE_WEBHOOK. A mail server's own authority: DISTILLERY_SMTP_CA, a file.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from backend.core import runs
from backend.records import UserError

JOURNAL = "notices.json"
NONE, STARTTLS, TLS = "none", "STARTTLS", "TLS"
SECURITY = (STARTTLS, TLS, NONE)
PORTS = {STARTTLS: 587, TLS: 465, NONE: 25}
SCHEMES = {"smtp": NONE, "smtp+starttls": STARTTLS, "smtps": TLS}
MOST_TO = 20


@dataclass(frozen=True)
class Mail:
    """A mail server of the plant. user: "" where it asks for none."""

    host: str
    port: int
    security: str
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Config:
    """minutes: a job that took as long is told of. free_gb: so little free disk is. address: of the
    dashboard, for links. webhook: an address that may hold a secret."""

    minutes: int = 10
    free_gb: float = 5.0
    address: str = ""
    mail: Mail | None = None
    webhook: str = field(default="", repr=False)

    @property
    def channels(self) -> tuple[str, ...]:
        """Where notices go beside the dashboard."""
        return (*(("mail",) if self.mail else ()), *(("webhook",) if self.webhook else ()))


def refuse_deletion(storage: Path, run_id: str) -> None:
    """These settings hold no run."""


def read(storage: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """What counts now. Raises UserError for a variable or a file that makes no sense."""
    kept = stored(storage)
    return replace(
        kept,
        mail=_mail_of(environment) or kept.mail,
        webhook=_checked_webhook(environment.get("DISTILLERY_NOTICE_WEBHOOK", "")) or kept.webhook,
    )


def stored(storage: Path) -> Config:
    """What the page keeps. Raises UserError where the file is damaged."""
    path = storage / JOURNAL
    if not path.exists():
        return Config()
    told = runs.read_json(path)
    try:
        mail = told.pop("mail")
        return Config(mail=_mail(mail) if mail else None, **told)
    except (KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}). Delete it and set it up again.") from error


def _mail(told: dict[str, Any]) -> Mail:
    return Mail(**told | {"to": tuple(told["to"])})


def save(storage: Path, config: Config) -> None:
    """Keep it, readable by its owner alone. Raises UserError where something makes no sense."""
    checked(config)
    storage.mkdir(parents=True, exist_ok=True)
    partial = storage / f".{JOURNAL}"
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(asdict(config), indent=1), encoding="utf-8")
    partial.replace(storage / JOURNAL)


def checked(config: Config) -> Config:
    """Raises UserError where something makes no sense."""
    if config.mail:
        _check_mail(config.mail)
    _checked_webhook(config.webhook)
    if config.address and _split(config.address).scheme not in ("http", "https"):
        raise UserError("The dashboard's address begins with http:// or https://.")
    return config


def _split(address: str) -> SplitResult:
    """Raises UserError for what is no address, or has a port that is none."""
    try:
        found = urlsplit(address)
        _ = found.port
    except ValueError as error:
        raise UserError(f"An address of notices makes no sense: {error}. Correct it.") from error
    return found


def _check_mail(mail: Mail) -> None:
    if not mail.host or not 1 <= mail.port <= 65535:
        raise UserError("The mail server needs a name and a port from 1 to 65535.")
    if mail.security not in SECURITY:
        raise UserError(f"Security: choose one of {', '.join(SECURITY)}.")
    if not 1 <= len(mail.to) <= MOST_TO:
        raise UserError(f"Name 1 to {MOST_TO} addresses that mail goes to.")
    for address in (mail.sender, *mail.to):
        name, plain = parseaddr(address)
        domain = plain.rpartition("@")[2]
        plain_text = plain == address and address.isprintable() and " " not in address
        if name or not plain_text or "@" not in plain.strip("@") or not domain.isascii():
            raise UserError(f"'{address}' is no mail address. Write it as name@plant.example.")
    if mail.password and mail.security == NONE:
        raise UserError(
            "Without STARTTLS or TLS the password would be readable by anybody on the network. "
            "Choose one of these, or leave user and password empty."
        )


def _checked_webhook(address: str) -> str:
    url = _split(address)
    if address and (url.scheme not in ("http", "https") or not url.hostname):
        raise UserError("A webhook's address begins with http:// or https:// and names a host.")
    return address


def _mail_of(environment: Mapping[str, str]) -> Mail | None:
    """The mail server that the environment names."""
    address = environment.get("DISTILLERY_SMTP", "")
    if not address:
        return None
    url = _split(address)
    if url.scheme not in SCHEMES or not url.hostname:
        raise UserError(
            "DISTILLERY_SMTP is none of smtp://HOST, smtp+starttls://USER@HOST and "
            "smtps://USER@HOST. Correct it."
        )
    security = SCHEMES[url.scheme]
    to = environment.get("DISTILLERY_MAIL_TO", "")
    mail = Mail(
        host=url.hostname,
        port=url.port or PORTS[security],
        security=security,
        sender=environment.get("DISTILLERY_MAIL_FROM", ""),
        to=tuple(one.strip() for one in to.split(",") if one.strip()),
        user=unquote(url.username or ""),
        password=environment.get("DISTILLERY_SMTP_PASSWORD", ""),
    )
    _check_mail(mail)
    return mail


def by_environment(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Channels that the environment sets, which the page cannot change."""
    named = {"mail": "DISTILLERY_SMTP", "webhook": "DISTILLERY_NOTICE_WEBHOOK"}
    return tuple(channel for channel, variable in named.items() if environment.get(variable))
