"""Links to reports, tables of runs and questions: made, kept, opened, asked and taken away."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from backend.core import audit
from backend.core.audit import Actor
from backend.settings import Settings
from backend.sharing import links, marks
from backend.sharing.compare import views
from backend.sharing.compare.views import View
from backend.sharing.links import Share
from backend.sharing.marks import Mark
from backend.sharing.query import questions
from backend.sharing.query.questions import Answer
from backend.sharing.report import apart, formats
from backend.sharing.report.scope import Scope

_static = partial(apart.made, form=formats.STATIC)


def share(actor: Actor, settings: Settings, scope: Scope, days: int) -> Share:
    """A link by which anybody reads this report for so many days. Raises UserError."""
    with audit.noting(settings.storage, actor, *scope.runs, line=scope.line) as note:
        made = links.make(settings.storage, scope, actor.words, days, _static)
        note("share", scope.words, f"{made.title}, until {made.until:%Y-%m-%d}")
    return made


def revoke(actor: Actor, settings: Settings, token: str) -> None:
    """Take a link back. Raises UserError where there is none."""
    found = links.find(settings.storage, token)
    scope = found.scope if found else Scope()
    with audit.noting(settings.storage, actor, *scope.runs, line=scope.line) as note:
        taken = links.revoke(settings.storage, token, actor.words)
        note("revoke share", taken.scope.words, taken.title)


def opened(actor: Actor, settings: Settings, share: Share) -> bytes:
    """The page of a link that may be read. Raises UserError where what it shows was deleted.

    That it was opened stands in the journal of links, not among the actions: nothing was changed.
    """
    return links.opened(settings.storage, share)


def save_view(actor: Actor, settings: Settings, view: View) -> None:
    """Keep a table of runs under its name. Raises UserError for a name that is none."""
    with audit.noting(settings.storage, actor) as note:
        views.save(settings.storage, view)
        note("keep view", view.name, view.kind)


def remove_view(actor: Actor, settings: Settings, name: str) -> None:
    """Take a table of runs away. Raises UserError where there is none."""
    with audit.noting(settings.storage, actor) as note:
        views.remove(settings.storage, name)
        note("remove view", name)


def ask(
    actor: Actor, settings: Settings, sql: str, known: pd.DataFrame, lines: Sequence[str]
) -> Answer:
    """The answer to a question. known: rows of the table `runs`; these runs, and these lines, are
    all it is about. Raises UserError."""
    with audit.noting(settings.storage, actor, *known["id"]) as note:
        found = questions.ask(settings.storage, sql, known, lines)
        note("ask", detail=sql[:500])
    return found


def save_question(actor: Actor, settings: Settings, name: str, sql: str) -> None:
    """Keep a question under a name. Raises UserError for a name that is none."""
    with audit.noting(settings.storage, actor) as note:
        questions.save(settings.storage, name, sql)
        note("keep question", name)


def remove_question(actor: Actor, settings: Settings, name: str) -> None:
    """Take a question away. Raises UserError where there is none."""
    with audit.noting(settings.storage, actor) as note:
        questions.remove(settings.storage, name)
        note("remove question", name)


def mark(actor: Actor, settings: Settings, run_id: str, chosen: Mark) -> None:
    """Give a run a star, tags and a note. Raises UserError where these are too long."""
    with audit.noting(settings.storage, actor, run_id) as note:
        kept = marks.put(settings.storage, run_id, chosen, actor.words)
        note("mark", run_id, kept.words)
