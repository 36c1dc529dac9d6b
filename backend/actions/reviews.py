"""What people say of parts of a line, and what is made of it: labels, and new limits."""

from pathlib import Path

import pandas as pd

from backend.core import audit, journal
from backend.core.audit import Actor
from backend.core.desk import Desk
from backend.core.runs import Run
from backend.line import history
from backend.line.promise import in_use, recalibration, standing
from backend.line.review import decisions, labels
from backend.line.review.decisions import Decision, Place
from backend.records import UserError


def decide(actor: Actor, home: Path, place: Place, said: str) -> Decision:
    """Note what the actor says of a part. Raises UserError where they gave no name, or the line
    judged no such part."""
    with audit.noting(home.parent.parent, actor, line=home.name) as note:
        if not history.holds(home, *place):
            raise UserError(
                f"The line {home.name} judged no part {place[0]}-{place[1]}. Load the page anew, "
                "and judge what it shows."
            )
        made = decisions.record(home, place, said, actor.name)
        note("review", home.name, f"part {place[0]}-{place[1]}: {said}")
    return made


def take_back(actor: Actor, home: Path) -> Decision | None:
    """Take the actor's newest decision back; what it was, None without any."""
    with audit.noting(home.parent.parent, actor, line=home.name) as note:
        gone = decisions.take_back(home, actor.name)
        if gone:
            note("undo", home.name, f"part {gone.epoch}-{gone.sequence}: {gone.decision}")
    return gone


def make_parts(actor: Actor, desk: Desk, home: Path, rows: pd.DataFrame) -> Run:
    """Ask for a parts run from every reviewed part that is GOOD or BAD. Raises UserError where
    there is none.

    rows: of the line, as `queue.parts` gives them.
    """
    with audit.noting(desk.settings.storage, actor, line=home.name) as note:
        desk.check_place()
        found = in_use.of(home)
        folder = labels.write(home, rows, found.feature if found else "")
        values = {"source": "folder", "folder": str(folder.resolve()), "layout": "metadata"}
        run = desk.submit("parts", values, f"reviewed on {home.name}")
        note("submit", run.id, f"labels of reviewed parts of {home.name}")
    return run


def watch_anew(actor: Actor, home: Path) -> None:
    """Let the promise of the limits stand again, for what had drifted is put right. Raises
    UserError where the actor gave no name."""
    journal.signed(actor.name)
    with audit.noting(home.parent.parent, actor, line=home.name) as note:
        standing.ask_anew(home)
        note("watch anew", home.name, "what had drifted is put right")


def recalibrate(actor: Actor, desk: Desk, home: Path, rows: pd.DataFrame) -> Run:
    """Ask for new limits from reviewed GOOD parts, by which the line goes once they are made.

    rows: of the line, as `queue.parts` gives them. Raises UserError where nothing drifted, where
    too few parts were reviewed since, and where the actor gave no name.
    """
    journal.signed(actor.name)
    with audit.noting(desk.settings.storage, actor, line=home.name) as note:
        found, now = in_use.of(home), standing.read(home)
        if found is None or now is None or not now.suspended:
            raise UserError("Nothing drifted, so the limits stay.")
        desk.check_place(found.model_run)
        standing_decisions = decisions.standing(home)
        mine = recalibration.reviewed(rows, standing_decisions, now.suspended, found.feature)
        table = recalibration.write(home, found, mine, now.suspended)
        values = recalibration.values(home, found, table)
        run = desk.submit("threshold", values, f"{home.name} after a drift")
        recalibration.take_when_done(home, run.id)
        note("recalibrate", home.name, f"{run.id}: {', '.join(sorted(now.suspended))}")
    return run
