"""A guided way on a page: each step with where it stands, what came out, and what to do next."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from backend.actions import work
from backend.core import registry
from backend.core.runs import Run
from backend.core.specs import params
from backend.ways import way as ways
from backend.ways.way import Made, Stage, Standing, Step, Way
from backend.wording import counted
from pages.ui import charts, forms, identity, leaks_view, links, resources, run_view, uploads
from pages.ui.layout import header, plain_errors

Draw = Callable[[Made], None]
UNDER_WAY = 4  # of each way, that are listed
FRESH = 5  # s that this list may be old
MARKS = {
    Standing.DONE: ":green-badge[:material/check: done]",
    Standing.ACTIVE: ":blue-badge[:material/progress_activity: under way]",
    Standing.STOPPED: ":red-badge[:material/error: stopped]",
    Standing.NEXT: ":orange-badge[:material/arrow_forward: next]",
    Standing.READY: ":green-badge[:material/download: ready]",
    Standing.BLOCKED: ":gray-badge[:material/lock: not yet]",
    Standing.SKIPPED: ":gray-badge[:material/remove: left out]",
}
LOOK = "An engineer takes this step."
OPTIONAL = ":gray-badge[:material/arrow_forward: if you like]"


@dataclass(frozen=True)
class View:
    """A way as its page shows it.

    field: of the first kind, that takes the pictures. ask: draws what else is asked there, and
    gives the settings of the first kind that the page sets.
    results: step → draws what it gave; of a step without a run, what a person does there.
    """

    way: Way
    field: str
    ask: Callable[[], dict[str, object]]
    results: Mapping[str, Draw]

    @property
    def page(self) -> str:
        return links.WAYS[self.way.key].path


def show(view: View) -> None:
    """The whole page, at the way that began with the run in the address (`?run=`), or empty."""
    header(view.way.title, view.way.words)
    run_id = st.query_params.get("run", "")
    if not run_id:
        _begin(view)
        return
    first = resources.supervisor().find(run_id)
    resources.take_in(first)
    found = ways.stages(view.way, first, resources.supervisor())
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.markdown(f"**{charts.plain(first.name or first.id)}** · {ways.standing_words(found)}")
    if right.button("Begin another", icon=":material/add:", width="stretch"):
        st.switch_page(view.page)
    _steps(view, found)


def _begin(view: View) -> None:
    """The first step open, the others by name, and the ways that are under way."""
    for number, step in enumerate(view.way.steps, start=1):
        with st.container(border=True):
            standing = Standing.NEXT if number == 1 else Standing.BLOCKED
            head(number, step.title, standing)
            if number == 1:
                st.markdown(step.words)
                with plain_errors():
                    _take_in_pictures(view, step)
    under_way(view.way)


def _take_in_pictures(view: View, step: Step) -> None:
    """The field for a zip, and the button that takes its pictures in."""
    kind = registry.get(step.kind)
    if not identity.may("work.submit"):
        st.caption(LOOK)
        return
    field = next(p for p in params(kind.spec_type) if p.name == view.field)
    help_text = f"{field.help[:1].upper()}{field.help[1:]}."
    given = uploads.widget(field, "", f"way-{view.way.key}-{field.name}", help_text)
    asked = view.ask()
    if st.button("Take them in", type="primary", icon=":material/play_arrow:", disabled=not given):
        values = ways.values(step, {}) | asked | uploads.kept({field.name: given})
        actor, desk = identity.actor(), resources.supervisor()
        run = work.submit(actor, desk, step.kind, values, name=_name(given))
        _go(view, run)
    with _settings(f"first-{view.way.key}") as is_open:
        if is_open:
            forms.run_form(
                step.kind,
                initial=asked,
                key=f"way-{view.way.key}",
                then=lambda run: _go(view, run),
            )


def _name(given: object) -> str:
    """What the run is called: as the zip or the folder, or by how many files there are."""
    if isinstance(given, list) and len(given) > 1:
        return counted(len(given), "picture")
    one = str(getattr(given[0], "name", "")) if isinstance(given, list) else str(given)
    return one.rstrip("/").rsplit("/", 1)[-1].removesuffix(".zip")


def _go(view: View, run: Run) -> None:
    st.switch_page(view.page, query_params={"run": run.id})


def _steps(view: View, found: list[Stage]) -> None:
    live = next((s.run.id for s in found if s.run and s.standing is Standing.ACTIVE), "")
    for number, stage in enumerate(found, start=1):
        with st.container(border=True, key=f"step-{stage.step.key}"):
            head(number, stage.step.title, stage.standing, optional=stage.step.optional)
            with plain_errors():
                _body(view, stage, found, live)


def head(number: int, title: str, standing: Standing, *, optional: bool = False) -> None:
    """A step's number and title, and where it stands."""
    mark = OPTIONAL if optional and standing is Standing.NEXT else MARKS[standing]
    st.markdown(f"#### {number}. {title} {mark}")


def _body(view: View, stage: Stage, found: list[Stage], live: str) -> None:
    """live: the run whose progress is shown; the others that are under way wait."""
    run, standing, made = stage.run, stage.standing, ways.made_by(found)
    if run is not None and standing is Standing.ACTIVE:
        if run.id == live:
            run_view.live(run.id)
        else:
            st.caption(f"Waits for {_first_of(run, found)}.")
    elif run is not None and standing is Standing.STOPPED:
        _stopped(view, stage, run, made)
    elif run is not None:
        _done(view, stage, run, found)
    elif standing in (Standing.NEXT, Standing.READY, Standing.DONE):
        _next(view, stage.step, made)
    else:
        st.caption(charts.plain(stage.why))


def _first_of(run: Run, found: list[Stage]) -> str:
    """What a run waits for: a step of this way, or its turn."""
    waiting = resources.supervisor().waits_for(run)
    titles = [s.step.title for s in found if s.run is not None and s.run.id in waiting]
    return f"“{titles[0]}”" if titles else "its turn"


def _done(view: View, stage: Stage, run: Run, found: list[Stage]) -> None:
    """What a step gave; folded once a later step has a run, and then drawn where it is opened."""
    resources.take_in(run)
    made = ways.made_by(found)
    later = found[found.index(stage) + 1 :]
    if all(one.run is None for one in later):
        _result(view, stage.step, run, made)
        return
    st.markdown(charts.plain(stage.step.told(made)))
    key = f"result-{run.id}"
    fold = st.expander("What came out", icon=":material/unfold_more:", on_change="rerun", key=key)
    if fold.open:
        with fold:
            _result(view, stage.step, run, made)


def _result(view: View, step: Step, run: Run, made: Made) -> None:
    """What a step gave, where all about it is, and the way to do it again."""
    if draw := view.results.get(step.key):
        draw(made)
    with st.container(horizontal=True, vertical_alignment="center"):
        links.to_kind(step.kind, "All about it", run.id)
        again = identity.may("work.submit") and st.toggle(
            "Do it again with other settings", key=f"again-{run.id}"
        )
    if again:
        _form(view, step, made, run)


def _stopped(view: View, stage: Stage, run: Run, made: Made) -> None:
    """Why a step has no result, and its settings to do it again with."""
    run_view.ending(run)
    leaks_view.show(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        run_view.offer_resume(run)
        links.to_run(run.id, "Its page, with its log")
    if not identity.may("work.submit"):
        return
    st.markdown("**Do it again**, with these settings or others:")
    _form(view, stage.step, made, run)


def _next(view: View, step: Step, made: Made) -> None:
    st.markdown(step.words)
    if not step.kind:
        view.results[step.key](made)
        return
    if not identity.may("work.submit"):
        st.caption(LOOK)
        return
    if st.button(
        step.title,
        type="secondary" if step.optional else "primary",
        icon=":material/play_arrow:",
        key=step.key,
    ):
        work.take_step(identity.actor(), resources.supervisor(), view.way, step, made)
        st.rerun()
    with _settings(_key(step, made)) as is_open:
        if is_open:
            _form(view, step, made, None)


@contextmanager
def _settings(key: str) -> Iterator[bool]:
    """A fold for a kind's own form; is it open? Closed, nothing in it is worked out."""
    key = f"settings-{key}"
    fold = st.expander("Settings", icon=":material/tune:", on_change="rerun", key=key)
    with fold:
        yield bool(fold.open)


def _key(step: Step, made: Made) -> str:
    """Another one whenever a step would start from other runs."""
    return "-".join([step.key, *(made[key].id for key in step.before if key in made)])


def _form(view: View, step: Step, made: Made, run: Run | None) -> None:
    """The form of a step's kind, filled in as it would start, or as `run` was asked for."""
    first = view.way.steps[0]

    def then(new: Run) -> None:
        found = {**made, step.key: new}
        work.take_rest(identity.actor(), resources.supervisor(), view.way, step, found)
        _go(view, found[first.key])

    forms.run_form(
        step.kind,
        initial=run.spec if run else ways.values(step, made),
        parent=run.id if run else "",
        key=f"way-{run.id if run else _key(step, made)}",
        then=then,
    )


def under_way(*of: Way) -> None:
    """The newest ways that somebody began, with how far each is."""
    desk = resources.supervisor()
    here = f"{desk.settings.storage} {desk.places}"
    found = [one for way in of for one in _begun(here, way.key, way)]
    if not found:
        return
    st.subheader("Ways under way", anchor=False)
    for run_id, key, words in sorted(found, reverse=True):
        links.to_way(key, words, run_id)


@st.cache_data(ttl=FRESH, max_entries=20, show_spinner=False)
def _begun(here: str, key: str, _way: Way) -> list[tuple[str, str, str]]:
    """Run that began it, key and words of the newest ways of a kind; the same for all visitors of a
    project."""
    desk, told = resources.supervisor(), []
    for first in ways.beginnings(_way, run_view.runs_of(_way.steps[0].kind), desk, UNDER_WAY):
        words = ways.standing_words(ways.stages(_way, first, desk))
        told.append((first.id, key, f"**{charts.plain(first.name or first.id)}** · {words}"))
    return told


def offer(*of: Way) -> None:
    """A card for each way, with the link that begins it."""
    for place, way in zip(st.columns(len(of)), of, strict=True):
        with place, st.container(border=True, height="stretch"):
            st.subheader(way.title, anchor=False)
            st.markdown(way.words)
            links.to_way(way.key, f"Begin: {way.title[0].lower()}{way.title[1:]}")
