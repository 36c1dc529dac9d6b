"""Changes to notices: where they are sent, whether that works, and what somebody has read."""

import time
from uuid import uuid4

from backend.core import audit
from backend.core.audit import Actor
from backend.notices import box, channels, config
from backend.notices.box import Notice
from backend.notices.config import Config
from backend.records import UserError
from backend.settings import Settings


def configure(actor: Actor, settings: Settings, wanted: Config) -> None:
    """Keep what is told of and where it is sent. Raises UserError where something makes no
    sense."""
    with audit.noting(settings.storage, actor) as note:
        config.save(settings.storage, wanted)
        to = [f"mail to {', '.join(wanted.mail.to)}"] if wanted.mail else []
        to += [f"webhook {channels.shown(wanted.webhook)}"] if wanted.webhook else []
        note("set notices", detail=", ".join(to) or "shown in the dashboard alone")


def test(actor: Actor, settings: Settings) -> Notice:
    """Put a test message in the post for every channel. Raises UserError where there is none."""
    with audit.noting(settings.storage, actor) as note:
        to = config.read(settings.storage).channels
        if not to:
            raise UserError("Nothing is set up to send it with. Name a mail server or a webhook.")
        words = f"A test message, asked for by {actor.words}."
        made = Notice(f"test {uuid4().hex}", time.time(), "test", words)
        box.add(settings.storage, made, to)
        note("test notices", detail=", ".join(to))
    return made


def mark_read(actor: Actor, settings: Settings, person: str) -> None:
    """The actor has read all notices. person: whose account it is, "" for all."""
    with audit.noting(settings.storage, actor):
        box.mark_read(settings.storage, person)
