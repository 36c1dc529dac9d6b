"""Changes to a line that runs."""

from pathlib import Path

from backend.core import audit
from backend.core.audit import Actor
from backend.line import control
from backend.line.control import Wish
from backend.line.shadow import candidate
from backend.line.shadow.candidate import Candidate


def change(actor: Actor, home: Path, asked: Wish) -> None:
    """Let a line judge with another package or other limits from the next part on, or test its
    golden parts. Raises UserError where that does not fit together."""
    made_from = (asked.package_run, asked.threshold_run)
    with audit.noting(home.parent.parent, actor, *made_from, line=home.name) as note:
        control.ask(home, asked)
        words = f"package {asked.package_run}, limits {asked.threshold_run or 'of the package'}"
        note("change line", home.name, words)


def shadow(actor: Actor, home: Path, wanted: Candidate) -> None:
    """Let a candidate judge beside a line, of whom no machine hears, or end the one that does.
    Raises UserError where its runs do not fit together."""
    made_from = (wanted.package_run, wanted.threshold_run)
    with audit.noting(home.parent.parent, actor, *made_from, line=home.name) as note:
        candidate.ask(home, wanted)
        limits = wanted.threshold_run or "of the package"
        words = f"package {wanted.package_run}, limits {limits}" if wanted.package_run else "none"
        note("shadow of line", home.name, words)
