"""Choosing runs in a form: those that fit, in words that say what they hold, and why no others."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from backend.core import registry, runs
from backend.core.runs import Run
from backend.core.specs import Param
from backend.images import fits, imageset
from backend.images.fits import Holding
from backend.records import RunState, UserError
from backend.settings import settings
from pages.ui import charts, project, resources

SETS = (*imageset.KINDS.split("|"), "dataset", "testset")  # kinds whose images are counted
MOST = 200


@dataclass
class Candidates:
    """words: run id → what a person reads, the newest completed first, then those under way.
    reasons: why others cannot be used → how many."""

    words: dict[str, str] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)

    def say_why_not(self) -> None:
        """How many cannot be chosen, and why."""
        if self.reasons:
            told = ", ".join(f"{count} × {reason}" for reason, count in self.reasons.items())
            count = self.reasons.total()
            st.caption(f"{count} more cannot be used here: {told}.")


def run_words(run_id: str, name: str | None, holds: str = "") -> str:
    """A run as a person reads it: its name, what it holds, and when."""
    stamp = f"{runs.created_of(run_id):%d %b %H:%M}"
    return " · ".join(filter(None, (name or run_id.split("-", 1)[1], holds, stamp)))


def ended(kind: str, state: str = "") -> dict[str, str]:
    """Run id → words of the last ended runs of a kind, newest first."""
    rows = resources.store().runs(kind, state, limit=MOST)
    named = zip(rows["id"], rows["name"], rows["project"], strict=True)
    return {i: project.with_its_name(run_words(i, name), of) for i, name, of in named}


def holding(kind: str, wants: str) -> dict[str, str]:
    """As `ended`, the completed runs that hold this alone."""
    found = ended(kind, RunState.COMPLETED)
    return {i: words for i, words in found.items() if _what_it_holds(i, ()) == wants}


def candidates(p: Param) -> Candidates:
    """Every run that the field may name. One under way is taken on trust."""
    found = Candidates()
    tests = _test_sets()
    made = [resources.store().runs(kind, RunState.COMPLETED, limit=MOST) for kind in p.runs]
    rows = [pair for frame in made for pair in zip(frame["id"], frame["name"], strict=True)]
    for run_id, name in sorted(rows, reverse=True):
        _add(found, p, run_id, name, tests)
    for run in resources.supervisor().active():
        if run.kind in p.runs:
            found.words[run.id] = f"{run_words(run.id, run.name)} ({run.state})"
    return found


def _add(found: Candidates, p: Param, run_id: str, name: str, tests: tuple[str, ...]) -> None:
    holds = _what_it_holds(run_id, tests)
    if isinstance(holds, str) and p.wants and holds and holds != p.wants:
        return  # of another sort, as a package of a detector among students
    reason = fits.why_not(holds, p.wants) if isinstance(holds, Holding) else ""
    if runs.archived_at(settings().runs / run_id):
        reason = "archived (see Storage)"
    if reason:
        found.reasons[reason] += 1
    else:
        found.words[run_id] = run_words(run_id, name, str(holds))


def _test_sets() -> tuple[str, ...]:
    return tuple(resources.store().runs("testset", RunState.COMPLETED)["id"])


def _what_it_holds(run_id: str, tests: tuple[str, ...]) -> Holding | str:
    """What is in a completed run, counted; "" for what holds nothing to count, or is damaged."""
    edits = settings().runs / run_id / runs.EDITS
    return _counted(run_id, edits.stat().st_mtime_ns if edits.exists() else 0, tests)


@st.cache_data(ttl=86_400, max_entries=5000, show_spinner=False)
def _counted(run_id: str, edited: int, tests: tuple[str, ...]) -> Holding | str:
    """Counted once, and again when images were edited or test sets came and went."""
    try:
        run = resources.supervisor().find(run_id)
        if run.kind in SETS:
            return fits.holding(run.folder) or ""
        return _told_by(run)
    except UserError:
        return ""


def _told_by(run: Run) -> str:
    result_type = registry.get(run.kind).result_type
    return runs.result(run, result_type).holds if hasattr(result_type, "holds") else ""


def widget(p: Param, value: Any, key: str, help_text: str) -> Any:
    """A choice of one run, or of several; "" or [] for none."""
    found = candidates(p)
    choose = _several if p.many else _one
    chosen = choose(p, value, key, help_text, found)
    found.say_why_not()
    return chosen


def _several(p: Param, value: Any, key: str, help_text: str, found: Candidates) -> list[str]:
    """Several runs, in the order they were chosen."""
    gone = [run_id for run_id in value if run_id not in found.words]
    if gone:
        _say_gone(", ".join(gone))
    keep_fresh(key, found.words)
    return st.multiselect(
        p.label.removesuffix(" runs"),
        list(found.words),
        default=[run_id for run_id in value if run_id in found.words],
        key=key,
        help=help_text,
        format_func=lambda run_id: found.words.get(run_id, run_id),
        placeholder="none",
    )


def _one(p: Param, value: Any, key: str, help_text: str, found: Candidates) -> str:
    options = ([""] if p.optional else []) + list(found.words)
    gone = bool(value) and value not in options
    if gone:
        _say_gone(value)
    keep_fresh(key, found.words)
    chosen = st.selectbox(
        p.label.removesuffix(" run"),
        options,
        index=None if gone else options.index(value) if value in options else 0,
        key=key,
        help=help_text,
        format_func=lambda run_id: found.words.get(run_id, "none"),
    )
    return chosen or ""


def _say_gone(run_ids: str) -> None:
    words = f"{charts.plain(run_ids)}: gone, or of no use here. Choose another."
    st.warning(words, icon=":material/link_off:")


def keep_fresh(key: str, words: dict[str, str]) -> None:
    """The browser keeps a choice's old words, as "waiting", unless the choice is made anew."""
    if key not in st.session_state:
        return
    chosen = st.session_state[key]
    named = [chosen] if isinstance(chosen, str) else chosen or ()
    now = [words.get(run_id, "") for run_id in named]
    if st.session_state.get(f"{key}-words", now) != now:
        st.session_state[key] = chosen
    st.session_state[f"{key}-words"] = now
