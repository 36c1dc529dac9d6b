"""Gate: may this package go on the line, how fast is it here, and what does that cost?"""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

import pandas as pd
import streamlit as st

from backend import glossary
from backend.core import runs
from backend.core.runs import Run
from backend.deployment.gate import takeaway
from backend.deployment.gate.spec import FP32, Figure, Result
from backend.numeric import hardware
from backend.settings import settings
from backend.wording import counted
from pages.ui import caveats, charts, forms, identity, packages_in_force, resources, thumbnails
from pages.ui.run_view import kind_page

WORTH = (  # name of a figure, how it is written, and what it is
    ("speed", "{:.2f} ×", "as fast as full precision"),
    ("AUROC", "{:+.3f}", "separation (AUROC) against full precision"),
    ("AP50", "{:+.3f}", "detection score (AP50) against full precision"),
    ("PSNR", "{:.1f} dB", "likeness to full precision (PSNR)"),
    ("mask overlap", "{:.2f}", "overlap of the masks"),
    ("flips", "{:.1%}", "of verdicts turn"),
    ("false alarms", "{:.1%}", "false alarms"),
)
SHOWN = 24  # pictures whose verdict turned


def show(run: Run) -> None:
    result = runs.result(run, Result)
    void = _void(run, result)
    _verdict(result, void)
    checks = resources.facts("gate_checks", run)
    columns = st.columns(len(result.figures))
    for column, (variant, figures) in zip(columns, result.figures.items(), strict=True):
        with column, st.container(border=True):
            _variant(variant, figures, checks[checks["variant"] == variant], result)
            if variant in result.passed and variant != FP32:
                _download(run, variant)
    if result.busy:
        st.warning(charts.plain(result.busy), icon=":material/speed:")
    caveats.alike(run)
    caveats.noted(result.notes)
    _flipped(run)
    st.subheader("In force", anchor=False)
    packages_in_force.standing(run, result)
    if not void:
        packages_in_force.choose(run, result)
    packages_in_force.history(run, result)
    _everything(run, checks)


def _void(run: Run, result: Result) -> bool:
    """Says that the verdict was reached on another computer, and offers to judge again here."""
    other = result.described.differences(hardware.fingerprint())
    if other:
        told = charts.plain(
            f"Reached on another computer ({result.described.cpu}): {'; '.join(other)}."
        )
        st.error(f"This verdict is void here. {told}", icon=":material/computer:")
        may = identity.may("work.submit")
        if may and st.button(
            "Judge again on this computer", icon=":material/replay:", type="primary"
        ):
            forms.start("gate", run.spec, run.name, run.id)
    return bool(other)


def _verdict(result: Result, void: bool) -> None:
    words = charts.plain(result.verdict)
    if void:
        st.markdown(words)
    elif result.passed:
        st.success(words, icon=":material/verified:")
    else:
        st.error(words, icon=":material/block:")


def _variant(
    variant: str, figures: dict[str, Figure], checks: pd.DataFrame, result: Result
) -> None:
    """One variant: green or red, the reasons in words, and what it costs."""
    passed = variant in result.passed
    mark = ":green[:material/check_circle:]" if passed else ":red[:material/cancel:]"
    outcome = "may go on the line" if passed else "refused"
    st.subheader(f"{mark} {variant}: {outcome}", anchor=False)
    refused = checks[~checks["passed"].fillna(True).astype(bool)]
    for words in refused["words"]:
        st.markdown(f":red[:material/cancel:] {charts.plain(words)}")
    st.markdown("\n".join(f"- **{value}** {words}" for value, words in _lines(figures)))
    rest = checks[~checks.index.isin(refused.index)]
    with st.expander(f"What else was looked at, {counted(len(rest), 'figure')}"):
        for words, kept in zip(rest["words"], rest["passed"], strict=True):
            sign = ":material/info:" if pd.isna(kept) else ":green[:material/check:]"
            st.markdown(f"{sign} {charts.plain(words)}")


def _download(run: Run, variant: str) -> None:
    name = f"{run.name or run.id} {variant}"
    charts.zipped(f"Package as {variant}", lambda: takeaway.packed(run, variant), name)


def _lines(figures: dict[str, Figure]) -> Iterator[tuple[str, str]]:
    """How fast, how large, and what it costs: a value and its words each."""
    if "budget" in figures:
        yield f"{figures['budget'].value:.1f} ms", "for 95 of 100 pictures, on one thread here"
    for name, form, words in WORTH:
        if name in figures:
            yield _figure(figures[name], form), words
    for name, words in (("size", "file"), ("memory", "of memory at most")):
        if name in figures:
            yield f"{figures[name].value:.0f} MB", words


def _figure(found: Figure, form: str) -> str:
    """The value, with its interval where there is one."""
    if found.value is None or found.low is None or found.high is None:
        return "–" if found.value is None else _written(form)(found.value)
    value, low, high = map(_written(form), (found.value, found.low, found.high))
    return f"{value} [{low}, {high}]"


def _written(form: str) -> Callable[[float], str]:
    """How a figure is written, its minus as one; never −0.000."""
    nothing = form.format(0.0)

    def write(value: float) -> str:
        text = form.format(value)
        return nothing if text.replace("-", "+") == nothing else text.replace("-", "−")

    return write


def _flipped(run: Run) -> None:
    """The judged pictures whose verdict turned, a variant at a time."""
    items = resources.facts("gate_items", run)
    turned = items[items["flipped"].fillna(False).astype(bool)]
    for variant, rows in turned.groupby("variant", sort=False):
        total = int((items["variant"] == variant).sum())
        words = f"{variant}: {len(rows)} of {counted(total, 'verdict')} turned"
        st.subheader(words, anchor=False)
        with st.container(horizontal=True):
            for row in rows.head(SHOWN).to_dict("records"):
                _picture(row)
        if len(rows) > SHOWN:
            st.caption(f"{SHOWN} of {len(rows)} are shown; all are in the CSV below.")


def _picture(row: dict[Hashable, Any]) -> None:
    place = settings().runs / str(row["path"])
    told = f"{row['item']}: {row['reference_verdict']} became {row['verdict']}"
    figures = f"{row['reference']:.2f} → {row['value']:.2f}, labelled {row['label']}"
    with st.container(width=thumbnails.THUMB):
        st.image(thumbnails.thumbnail(place, None), caption=charts.plain(told))
        st.caption(charts.plain(figures))


def _everything(run: Run, checks: pd.DataFrame) -> None:
    with st.expander("All figures", icon=":material/table_rows:"):
        shown = checks.drop(columns="run_id").assign(name=checks["name"].map(glossary.said))
        st.dataframe(shown, hide_index=True, alt="What the gate looked at, a row a check")
        charts.csv(shown, f"gate-{run.id}")
        charts.csv(resources.facts("gate_items", run).drop(columns="run_id"), f"parts-{run.id}")


kind_page(
    "gate",
    "May this package go on the line, how fast is it on this computer, and what would a smaller "
    "and faster variant (INT8, FP16) lose? A variant passes only if it is surely no worse, and "
    "faster here.",
    show,
)
