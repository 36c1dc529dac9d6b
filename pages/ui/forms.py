"""A form from a spec: one widget a field, checked by the spec itself."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from backend.actions import folders, work
from backend.core import estimates, naming, registry, specs
from backend.core.runs import Run
from backend.core.specs import Param
from backend.records import UserError
from backend.settings import settings
from pages.ui import charts, identity, links, resources, run_choice, uploads

RENAMED, SENT = "renamed-files", "forms-sent"
COLUMNS = 3


def key_now(key: str) -> str:
    """The key of a form's fields, which begin with it: another one once the form was sent, so that
    the next one is empty."""
    sent = _sent()[key]
    return f"{key}-{sent}" if sent else key


def _sent() -> Counter[str]:
    """How often each form was sent here."""
    found: Counter[str] = st.session_state.setdefault(SENT, Counter())
    return found


def run_form(
    kind_name: str,
    *,
    initial: Mapping[str, Any] | None = None,
    parent: str = "",
    key: str = "",
    then: Callable[[Run], None] | None = None,
) -> bool:
    """A form that submits a run and then shows it. `initial` fills in an earlier run's settings.
    then: what is done with the run instead of showing it on its kind's page.

    False where it could not be drawn, for something else has to be made first; the page says what.

    Fields on which others depend stand above the form, so that it shows only what matters.
    Enter in a field starts nothing. key: the form's own, see `key_now`.
    """
    spec_type = registry.get(kind_name).spec_type
    known = {p.name: p for p in specs.params(spec_type)}
    values = specs.defaults(spec_type)
    earlier = specs.as_made(spec_type, initial) if initial is not None else {}
    values |= {name: v for name, v in earlier.items() if _fits(known.get(name), v)}
    form = key or f"form-{kind_name}"
    key = key_now(form)
    _deciding(known, values, key)
    fields = [
        specs.offered(p, values)
        for p in known.values()
        if specs.matters(p, values, known) and not specs.decides(p, known.values())
    ]
    for p in fields:
        if p.required and not (found := run_choice.candidates(p)).words:
            _say_what_comes_first(p)
            found.say_why_not()
            return False
    with st.form(key, border=False, enter_to_submit=False):
        values |= _widgets(fields, values, key)
        usual = naming.proposed(kind_name, values, resources.supervisor().settings.runs)
        name = st.text_input("Name", key=f"{key}-name", placeholder=f"{usual}, if left empty")
        _buttons(form, kind_name, values, name or usual, parent, then)
    return True


def _fits(p: Param | None, value: Any) -> bool:
    """Does an earlier run's value still fit its field? A later version may know it no more."""
    try:
        return p is not None and specs.check(p, value) is not None
    except UserError:
        return False


def _deciding(known: Mapping[str, Param], values: dict[str, Any], key: str) -> None:
    """The widgets of the fields that decide what else is asked; what was entered joins `values`."""
    columns: Sequence[Any] = ()
    deciding = (p for p in known.values() if specs.decides(p, known.values()))
    for place, p in enumerate(p for p in deciding if specs.matters(p, values, known)):
        if place % COLUMNS == 0:
            columns = st.columns(COLUMNS)
        with columns[place % COLUMNS]:
            values[p.name] = _widget(p, values[p.name], f"{key}-{p.name}")


def _buttons(
    form: str,
    kind: str,
    values: dict[str, Any],
    name: str,
    parent: str,
    then: Callable[[Run], None] | None,
) -> None:
    """Start, and Estimate."""
    with st.container(horizontal=True):
        start = st.form_submit_button("Start", type="primary", icon=":material/play_arrow:")
        asked = st.form_submit_button("Estimate", icon=":material/schedule:")
    try:
        if start:
            run = _submitted(kind, uploads.kept(values), name, parent)
            st.session_state[f"{RENAMED}-{run.id}"] = uploads.renamed(values)
            uploads.let_go(values)
            _sent()[form] += 1
            if then is not None:
                then(run)
            st.switch_page(links.BY_KIND[kind].path, query_params={"run": run.id})
        elif asked:
            st.info(charts.plain(_estimate(kind, values)), icon=":material/schedule:")
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


def _estimate(kind: str, values: dict[str, Any]) -> str:
    """Raises UserError for a setting that does not fit, or a place that only an admin may name."""
    named = {n: value for n, value in values.items() if not uploads.is_waiting(value)}
    folders.check(identity.actor(), settings(), kind, named)
    told = {n: "upload" if uploads.is_waiting(value) else value for n, value in values.items()}
    spec = specs.from_json(registry.get(kind).spec_type, told)
    return estimates.words(spec, resources.store().measured(kind))


def _say_what_comes_first(p: Param) -> None:
    needed = p.runs
    titles = " or ".join(f"“{registry.get(kind).title}”" for kind in needed)
    words = "Make that first:" if len(needed) == 1 else "Make one of these first:"
    st.info(f"This starts from {titles}. {words}", icon=":material/arrow_back:")
    for kind in needed:
        links.to_kind(kind)


def _widgets(fields: Sequence[Param], values: Mapping[str, Any], key: str) -> dict[str, Any]:
    entered = _grid([p for p in fields if not p.advanced], values, key)
    advanced = [p for p in fields if p.advanced]
    if advanced:
        with st.expander("Expert"):
            entered |= _grid(advanced, values, key)
    return entered


def _grid(fields: list[Param], values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Fields row by row, as Tab goes through them; what was entered by name."""
    entered = {}
    for row in _rows(fields):
        for column, p in zip(st.columns(1 if row[0].run else COLUMNS), row, strict=False):
            with column:
                entered[p.name] = _widget(p, _still(p, values), _key_of(p, values, key))
    return entered


def _rows(fields: list[Param]) -> list[list[Param]]:
    """Three fields a row; a choice of runs has one of its own, for its words are long."""
    rows: list[list[Param]] = []
    for p in fields:
        if p.run or not rows or rows[-1][0].run or len(rows[-1]) == COLUMNS:
            rows.append([])
        rows[-1].append(p)
    return rows


def _still(p: Param, values: Mapping[str, Any]) -> Any:
    """The value of a field; of several, those that other fields leave it, or all where none is."""
    value = values[p.name]
    if p.within is None or p.choices is None or not p.many:
        return value
    return [choice for choice in value if choice in p.choices] or list(p.choices)


def _key_of(p: Param, values: Mapping[str, Any], key: str) -> str:
    """A widget of its own for each set of choices that others leave a field."""
    return f"{key}-{p.name}" + (f"-{values[p.within[0]]}" if p.within else "")


def _widget(p: Param, value: Any, key: str) -> Any:
    help_text = p.help[:1].upper() + p.help[1:] + "."
    if p.run:
        return run_choice.widget(p, value, key, help_text)
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
