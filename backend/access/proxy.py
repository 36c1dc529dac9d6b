"""Whom a proxy in front names: believed with the secret that it shares with the server."""

import hmac

from starlette.datastructures import Headers

from backend.access.elsewhere import PROXY, Elsewhere, Outsider, Proxy
from backend.records import UserError

SECRET = "X-Distillery-Secret"
FORGED = (
    "Refused: this names a person as only the plant's proxy may. The proxy has to send "
    f"{SECRET} with the secret of the file DISTILLERY_SIGN_IN, and each name once."
)


def outsider(sent: Headers, known: Elsewhere) -> Outsider | None:
    """Who the proxy says it is; None where it says nothing. Raises UserError where somebody else
    may have written the header."""
    proxy = known.proxy
    if proxy is None:
        return None
    users, groups = sent.getlist(proxy.user_header), sent.getlist(proxy.groups_header)
    if not users and not groups:
        return None
    if not _is_from_proxy(sent, proxy) or len(users) != 1 or len(groups) > 1:
        raise UserError(FORGED)
    name = _text(users[0]).strip()
    if not name:
        return None
    member = [one.strip() for one in _text("".join(groups)).split(proxy.separator)]
    return Outsider(PROXY, name, name, known.role(member))


def _is_from_proxy(sent: Headers, proxy: Proxy) -> bool:
    given = sent.getlist(SECRET)
    return len(given) == 1 and hmac.compare_digest(given[0].encode(), proxy.secret.encode())


def _text(header: str) -> str:
    """As the proxy wrote it: most write UTF-8, which a header's own alphabet is not."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
