"""Sending a notice: by the plant's mail server, or to a web server of its own."""

import os
import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any
from urllib.parse import quote, urlsplit

from backend.notices.box import Notice
from backend.notices.config import STARTTLS, TLS, Config, Mail

PATIENCE = 15.0  # seconds
SUBJECT = 150  # letters


class NotSent(Exception):
    """It did not arrive; why, in words without a secret."""


def send(config: Config, channel: str, notice: Notice) -> None:
    """Raises NotSent where it did not arrive."""
    try:
        if channel == "mail" and config.mail:
            _mail(config.mail, message(config, config.mail, notice))
        elif channel == "webhook" and config.webhook:
            _webhook(config.webhook, config, notice)
    except (ValueError, TypeError) as error:  # letters that a driver cannot send
        raise NotSent(f"it cannot be written ({type(error).__name__})") from None


def link(config: Config, notice: Notice) -> str:
    """Where more of it stands, "" without the dashboard's address."""
    if not config.address or not (notice.run or notice.line):
        return ""
    page = f"system-runs?run={quote(notice.run)}" if notice.run else ""
    return f"{config.address.rstrip('/')}/{page or f'line-promise?line={quote(notice.line)}'}"


def message(config: Config, mail: Mail, notice: Notice) -> EmailMessage:
    """The mail; foreign words stand in it as plain text."""
    words = " ".join(notice.words.split())
    made = EmailMessage()
    made["Subject"] = f"Defect Distillery: {words}"[:SUBJECT]
    made["From"], made["To"] = mail.sender, ", ".join(mail.to)
    made["Date"] = formatdate(notice.time)
    made["Message-ID"] = make_msgid(domain=mail.sender.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"
    made.set_content("\n\n".join(filter(None, (words, link(config, notice)))) + "\n")
    return made


def _mail(mail: Mail, made: EmailMessage) -> None:
    try:
        with _connected(mail) as server:
            if mail.security == STARTTLS:
                server.starttls(context=_trusted())
            if mail.user:
                server.login(mail.user, mail.password)
            server.send_message(made)
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent(f"{mail.host} does not take this user and password") from error
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"{mail.host} answered {error.smtp_code}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"{mail.host}:{mail.port}: {_why(error)}") from error


def _connected(mail: Mail) -> smtplib.SMTP:
    if mail.security == TLS:
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=PATIENCE, context=_trusted())
    return smtplib.SMTP(mail.host, mail.port, timeout=PATIENCE)


def _trusted() -> ssl.SSLContext:
    """Certificates by the computer's authorities, or by the plant's own."""
    return ssl.create_default_context(cafile=os.environ.get("DISTILLERY_SMTP_CA") or None)


def _why(error: Exception) -> str:
    """What went wrong, without what was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, (TimeoutError, socket.gaierror)):
        return "nobody answers"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"refused to deliver to {', '.join(error.recipients)}"
    return str(getattr(error, "strerror", "") or type(error).__name__)


def _webhook(address: str, config: Config, notice: Notice) -> None:
    """It is called as it stands: no redirect is followed."""
    import requests

    told: dict[str, Any] = {"kind": notice.kind, "words": notice.words, "time": notice.time}
    told |= {"run": notice.run}
    told |= {"line": notice.line, "link": link(config, notice)}
    host = shown(address)
    with requests.Session() as session:
        session.trust_env = False  # no proxy that somebody set for the browser
        try:
            answer = session.post(address, json=told, timeout=PATIENCE, allow_redirects=False)
        except requests.RequestException as error:  # whose words may hold the address
            raise NotSent(f"{host}: nobody answers ({type(error).__name__})") from None
    if not 200 <= answer.status_code < 300:
        raise NotSent(f"{host} answered {answer.status_code}")


def shown(address: str) -> str:
    """A webhook's host; the rest of its address may be a secret."""
    url = urlsplit(address)
    return f"{url.scheme}://{url.hostname}{f':{url.port}' if url.port else ''}"
