"""Links by which somebody without an account reads one report, until a day or until taken back.

`shares.jsonl` in the storage folder, only ever appended to: a line that a link was made, opened or
taken back. What a link shows is kept below `cache/shares/` and made anew where that was cleared:
finished runs do not change. An address holds a random id and its signature by this storage's key;
one that was made up is refused before anything is looked up.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backend.core import journal, runs
from backend.records import UserError
from backend.sharing.report import scope as scopes
from backend.sharing.report.scope import Scope

JOURNAL = "shares.jsonl"
PAGES = Path("cache") / "shares"
MOST_DAYS = 366
SIGNED = 22  # letters of a signature
Maker = Callable[[Path, Scope], tuple[str, bytes]]


@dataclass(frozen=True)
class Share:
    """token: the end of the address. made, until: UTC. opened: when first and last, and how often,
    at most once a minute. revoked: when and by whom, "" where it stands."""

    token: str
    title: str
    scope: Scope
    who: str
    made: datetime
    until: datetime
    revoked: str = ""
    first: datetime | None = None
    last: datetime | None = None
    openings: int = 0

    def open_at(self, now: datetime) -> bool:
        """May it be read then?"""
        return not self.revoked and now < self.until

    @property
    def standing(self) -> str:
        """Open, ended or taken back, in words."""
        if self.revoked:
            return f"taken back {self.revoked}"
        return "open" if self.open_at(runs.now()) else "ended"


def refuse_deletion(storage: Path, run_id: str) -> None:
    """A shared run may go: its link then says so."""


def make(storage: Path, scope: Scope, who: str, days: int, maker: Maker | None = None) -> Share:
    """A new link, its page made at once. maker: makes title and page elsewhere. Raises UserError
    where there is nothing to show, and for days out of bounds."""
    if not 1 <= days <= MOST_DAYS:
        raise UserError(f"A link lasts from 1 to {MOST_DAYS} days; choose a number between.")
    fixed = _fixed(scope)
    title, content = (maker or _made)(storage, fixed)
    token, now = _token(storage), runs.now().replace(microsecond=0)
    share = Share(token, title, fixed, who, now, now + timedelta(days=days))
    _keep(storage, token, content)
    _append(storage, {"made": token, **_row(share)})
    return share


def _fixed(scope: Scope) -> Scope:
    """A line's period that is open ends now, so that what was shared stays as it was."""
    if not scope.line or scope.period.end:
        return scope
    return replace(scope, period=replace(scope.period, end=runs.now()))


def revoke(storage: Path, token: str, who: str) -> Share:
    """Take a link back. Raises UserError where there is none, or it was taken back before."""
    share = find(storage, token)
    if share is None:
        raise UserError("There is no such link. Look it up on the page Shared links.")
    if share.revoked:
        raise UserError(f"This link was {share.standing} already.")
    _append(storage, {"revoked": token, "who": who, "time": _text(runs.now())})
    _page(storage, token).unlink(missing_ok=True)
    return share


def opened(storage: Path, share: Share) -> bytes:
    """The page of a link that may be read, and a line that it was opened, once a minute at most.

    Raises UserError where what it shows was deleted.
    """
    now = runs.now()
    if share.last is None or now - share.last >= timedelta(minutes=1):
        _append(storage, {"opened": share.token, "time": _text(now)})
    page = _page(storage, share.token)
    if not page.exists():
        _keep(storage, share.token, _made(storage, share.scope)[1])
    return page.read_bytes()


def _made(storage: Path, scope: Scope) -> tuple[str, bytes]:
    """Title and page. Raises UserError where there is nothing to show."""
    from backend.sharing.report import asked, formats  # every section; a backup needs none of them

    report = asked.report(storage, scope)
    return report.title, formats.written(report, {}, formats.STATIC)


def find(storage: Path, token: str) -> Share | None:
    """The link of an address; None for one that this storage never gave."""
    if not _is_signed(storage, token):
        return None
    return next((share for share in every(storage) if share.token == token), None)


def every(storage: Path) -> list[Share]:
    """All links ever made, newest first; damaged lines are passed over."""
    found: dict[str, Share] = {}
    for line in runs.json_lines(storage / JOURNAL):
        with suppress(KeyError, TypeError, ValueError):
            _heed(found, line)
    return list(reversed(found.values()))


def _heed(found: dict[str, Share], line: Mapping[str, Any]) -> None:
    """Take one line of the journal into account."""
    if "made" in line:
        found[line["made"]] = _read(line)
    elif "revoked" in line:
        words = f"{line['time'][:16].replace('T', ' ')} UTC by {line['who']}"
        found[line["revoked"]] = replace(found[line["revoked"]], revoked=words)
    elif "opened" in line:
        share, time = found[line["opened"]], datetime.fromisoformat(line["time"])
        first, count = share.first or time, share.openings + 1
        found[share.token] = replace(share, first=first, last=time, openings=count)


def _row(share: Share) -> dict[str, Any]:
    times = {"time": _text(share.made), "until": _text(share.until)}
    return {"title": share.title, "who": share.who, **times, **share.scope.to_json()}


def _read(line: Mapping[str, Any]) -> Share:
    made, until = (datetime.fromisoformat(line[name]) for name in ("time", "until"))
    scope = scopes.from_json(line)
    return Share(line["made"], line["title"], scope, line["who"], made, until)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _append(storage: Path, line: Mapping[str, Any]) -> None:
    with _locked(storage) as file:
        journal.append(file, line)


def _locked(storage: Path) -> Any:
    """The journal; whoever reads it can open every link, so nobody else may."""
    storage.mkdir(parents=True, exist_ok=True)
    path = storage / JOURNAL
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    return journal.locked(path)


def _keep(storage: Path, token: str, content: bytes) -> None:
    """The page of a link, whole or not at all."""
    page = _page(storage, token)
    page.parent.mkdir(parents=True, exist_ok=True)
    partial = page.with_name(f"{page.name}.{os.getpid()}.{secrets.token_hex(4)}")
    partial.write_bytes(content)
    partial.replace(page)


def _page(storage: Path, token: str) -> Path:
    """Where it lies, by a hash of the token: names of files tell nobody an address."""
    return storage / PAGES / f"{hashlib.sha256(token.encode()).hexdigest()}.html"


def _token(storage: Path) -> str:
    chance = secrets.token_urlsafe(16)
    return f"{chance}.{_signature(_made_key(storage), chance)}"


def _is_signed(storage: Path, token: str) -> bool:
    chance, _, signature = token.partition(".")
    key = _key(storage)
    return bool(key) and hmac.compare_digest(signature.encode(), _signature(key, chance).encode())


def _signature(key: str, chance: str) -> str:
    return hmac.new(bytes.fromhex(key), chance.encode(), hashlib.sha256).hexdigest()[:SIGNED]


def _key(storage: Path) -> str:
    """This storage's key, from the first line of the journal; "" where there is none."""
    return next(_keys(storage), "")


def _made_key(storage: Path) -> str:
    """The same, made where there is none."""
    with _locked(storage) as file:
        if not _key(storage):
            journal.append(file, {"key": secrets.token_hex(32)})
    return _key(storage)


def _keys(storage: Path) -> Iterator[str]:
    return (str(line["key"]) for line in runs.json_lines(storage / JOURNAL) if "key" in line)
