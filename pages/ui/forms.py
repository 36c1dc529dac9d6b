"""A form from a spec: one widget a field, checked by the spec itself."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from backend.actions import work
from backend.core import registry, runs, specs
from backend.core.runs import Run
from backend.core.specs import Param
from backend.records import RunState, UserError
from pages.ui import charts, identity, links, resources, uploads

RENAMED = "renamed-files"


def run_form(
    kind_name: str, *, initial: Mapping[str, Any] | None = None, parent: str = "", key: str = ""
) -> bool:
    """A form that submits a run and then shows it. `initial` fills in an earlier run's settings.

    False where it could not be drawn, for something else has to be made first; the page says what.

    Fields on which others depend stand above the form, so that it shows only what matters.
    """
    spec_type = registry.get(kind_name).spec_type
    known = {p.name: p for p in specs.params(spec_type)}
    values = specs.defaults(spec_type)
    values |= {name: v for name, v in (initial or {}).items() if _fits(known.get(name), v)}
    key = key or f"form-{kind_name}"
    _deciding(known, values, key)
    fields = [
        p for p in known.values() if specs.matters(p, values, known) and not _decides(p, known)
    ]
    missing = [p for p in fields if p.required and not _candidates(p)]
    if missing:
        _say_what_comes_first(missing[0])
        return False
    with st.form(key, border=False):
        values |= _widgets(fields, values, key)
        name = st.text_input("Name", key=f"{key}-name", placeholder="optional, for people")
        _buttons(kind_name, values, name, parent)
    return True


def _fits(p: Param | None, value: Any) -> bool:
    """Does an earlier run's value still fit its field? A later version may know it no more."""
    try:
        return p is not None and specs.check(p, value) is not None
    except UserError:
        return False


def _decides(p: Param, known: Mapping[str, Param]) -> bool:
    return any(other.when is not None and other.when[0] == p.name for other in known.values())


def _deciding(known: Mapping[str, Param], values: dict[str, Any], key: str) -> None:
    """The widgets of the fields that decide what else is asked; what was entered joins `values`."""
    deciding = [p for p in known.values() if _decides(p, known)]
    columns = st.columns(3) if deciding else []
    for place, p in enumerate(deciding):
        if specs.matters(p, values, known):
            with columns[place % 3]:
                values[p.name] = _widget(p, values[p.name], f"{key}-{p.name}")


def _buttons(kind: str, values: dict[str, Any], name: str, parent: str) -> None:
    """Start, and where the kind can tell what it costs, Estimate."""
    spec_type = registry.get(kind).spec_type
    with st.container(horizontal=True):
        start = st.form_submit_button("Start", type="primary", icon=":material/play_arrow:")
        asked = hasattr(spec_type, "estimate") and st.form_submit_button(
            "Estimate", icon=":material/schedule:"
        )
    try:
        if start:
            run = _submitted(kind, uploads.kept(values), name, parent)
            st.session_state[f"{RENAMED}-{run.id}"] = uploads.renamed(values)
            st.switch_page(links.BY_KIND[kind].path, query_params={"run": run.id})
        elif asked:
            st.info(charts.plain(_estimate(spec_type, values)), icon=":material/schedule:")
    except UserError as error:
        st.error(charts.plain(str(error)), icon=":material/error:")


def start(kind: str, values: Mapping[str, Any], name: str, parent: str) -> None:
    """Submit a run and go to its page; where it is refused, say why here."""
    try:
        run = _submitted(kind, values, name, parent)
    except UserError as error:
        st.error(charts.plain(str(error)), icon=":material/error:")
    else:
        st.switch_page(links.BY_KIND[kind].path, query_params={"run": run.id})


def _submitted(kind: str, values: Mapping[str, Any], name: str, parent: str) -> Run:
    desk = resources.supervisor()
    return work.submit(identity.actor(), desk, kind, values, name=name, parent=parent)


def _estimate(spec_type: Any, values: dict[str, Any]) -> str:
    told = {name: value for name, value in values.items() if not uploads.is_waiting(value)}
    spec = specs.from_json(spec_type, told)
    return spec.estimate() or "No estimate for this choice; the first images will tell."


def _say_what_comes_first(p: Param) -> None:
    needed = p.runs
    titles = " or ".join(f"“{registry.get(kind).title}”" for kind in needed)
    words = "Make that first:" if len(needed) == 1 else "Make one of these first:"
    st.info(f"This starts from {titles}. {words}", icon=":material/arrow_back:")
    for kind in needed:
        links.to_kind(kind)


def _widgets(fields: tuple[Param, ...], values: Mapping[str, Any], key: str) -> dict[str, Any]:
    entered = _grid([p for p in fields if not p.advanced], values, key)
    advanced = [p for p in fields if p.advanced]
    if advanced:
        with st.expander("More settings"):
            entered |= _grid(advanced, values, key)
    return entered


def _grid(fields: list[Param], values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Fields in three columns; what was entered by name."""
    columns = st.columns(3)
    entered = {}
    for place, p in enumerate(fields):
        with columns[place % 3]:
            entered[p.name] = _widget(p, values[p.name], f"{key}-{p.name}")
    return entered


def _widget(p: Param, value: Any, key: str) -> Any:
    help_text = p.help[:1].upper() + p.help[1:] + "."
    if p.run:
        return _run_widget(p, value, key, help_text)
    if p.many and p.choices:
        return st.multiselect(p.label, p.choices, default=list(value), key=key, help=help_text)
    if p.choices:
        index = p.choices.index(value) if value in p.choices else 0
        return st.selectbox(p.label, p.choices, index=index, key=key, help=help_text)
    if p.type is bool:
        return st.toggle(p.label, value=value, key=key, help=help_text)
    if p.many and p.type in (int, float):
        return _numbers_widget(p, value, key, help_text)
    if p.many:
        return _lines_widget(p, value, key, help_text)
    if p.upload:
        return uploads.widget(p, value, key, help_text)
    if p.type is str:
        placeholder = f"{p.path} on the server" if p.path else ""
        text = st.text_input(p.label, value, key=key, help=help_text, placeholder=placeholder)
        return (text or "").strip()
    return _number_widget(p, value, key, help_text)


def _numbers_widget(p: Param, value: Any, key: str, help_text: str) -> list[Any]:
    """Several numbers in one line; a word that is none is left to the spec's check."""
    text = st.text_input(
        p.label,
        ", ".join(f"{number:g}" for number in value),
        key=key,
        help=f"{help_text} Commas between them.",
    )
    return [_number(word) for word in (text or "").replace(",", " ").split()]


def _number(word: str) -> Any:
    try:
        return float(word)
    except ValueError:
        return word


def _lines_widget(p: Param, value: Any, key: str, help_text: str) -> list[str]:
    """Several texts, one a line."""
    text = st.text_area(p.label, "\n".join(value), key=key, help=f"{help_text} One a line.")
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def _number_widget(p: Param, value: Any, key: str, help_text: str) -> Any:
    whole = p.type is int
    low = None if p.lo is None else p.type(p.lo)
    high = None if p.hi is None else p.type(p.hi)
    entered = st.number_input(
        p.label,
        min_value=low,
        max_value=high,
        value=p.type(value),
        step=1 if whole else None,
        format="%d" if whole else "%g",
        key=key,
        help=f"{help_text} {specs.range_words(p).capitalize()}." if p.lo is not None else help_text,
    )
    return p.type(value) if entered is None else entered


def _runs_widget(
    p: Param, value: Any, key: str, help_text: str, found: dict[str, str]
) -> list[str]:
    """Several runs, in the order they were chosen."""
    gone = [run_id for run_id in value if run_id not in found]
    if gone:
        st.warning(f"{', '.join(gone)}: gone. Choose others.", icon=":material/link_off:")
    return st.multiselect(
        p.label.removesuffix(" runs"),
        list(found),
        default=[run_id for run_id in value if run_id in found],
        key=key,
        help=help_text,
        format_func=found.__getitem__,
        placeholder="none",
    )


def _run_widget(p: Param, value: Any, key: str, help_text: str) -> Any:
    found = _candidates(p)
    if p.many:
        return _runs_widget(p, value, key, help_text, found)
    options = ([""] if p.optional else []) + list(found)
    gone = bool(value) and value not in options
    if gone:
        st.warning(f"{value} is gone; choose another.", icon=":material/link_off:")
    chosen = st.selectbox(
        p.label.removesuffix(" run"),
        options,
        index=None if gone else options.index(value) if value in options else 0,
        key=key,
        help=help_text,
        format_func=lambda run_id: found.get(run_id, "none"),
    )
    return chosen or ""


def _candidates(p: Param) -> dict[str, str]:
    """Run id → words, for every run this field may name: finished ones, then those under way."""
    found = {}
    for kind in p.runs:
        for row in resources.store().runs(kind, RunState.COMPLETED, limit=200).itertuples():
            found[row.id] = run_words(row.id, row.name)
    for run in resources.supervisor().active():
        if run.kind in p.runs:
            found[run.id] = f"{run_words(run.id, run.name)} ({run.state})"
    return found


def run_words(run_id: str, name: str | None) -> str:
    """A run as a person reads it: its name, and when."""
    stamp = runs.created_of(run_id)
    return f"{name or run_id.split('-', 1)[1]} · {stamp:%d %b %H:%M}"
