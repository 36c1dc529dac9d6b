"""Escapes: how many BAD parts the line lets through at most, from blind reviews alone."""

import pandas as pd

from backend.line.review import rates
from backend.numeric import shares
from backend.numeric.shares import Share
from backend.sharing.report.acceptance.evidence import Evidence, Subject
from backend.sharing.report.items import Table
from backend.wording import counted

TITLE = "Escapes"
CURE = (
    "Set the line's “Blind share” above 0, and let people judge the parts drawn by lot on the page "
    "Review queue: none BAD among 300 shows under 1 % at 95 %."
)


def evidence(about: Subject) -> Evidence:
    """Both rates from the parts drawn by lot, with exact intervals."""
    found = rates.of(about.rows, about.said)
    if not found.escapes.n:
        return Evidence(TITLE, missing=f"No part that the line called GOOD was looked at. {CURE}")
    words = (
        f"Of {counted(len(about.rows), 'part')} {about.period.words} {found.drawn:,} were drawn by "
        f"lot and {found.looked:,} judged by people who did not see the verdict. Exact intervals "
        "(Clopper and Pearson); a part of which nobody is sure counts against the line."
    )
    table = Table("4-escapes", "Escapes and false alarms", words, _table(found))
    left = found.drawn - found.looked
    missing = ""
    if left:
        missing = (
            f"{counted(left, 'part')} drawn by lot wait to be judged on the page Review queue."
        )
    said = f"BAD among parts called GOOD: {rates.words(found.escapes)}."
    return Evidence(TITLE, said, missing, (table,))


def _table(found: rates.Rates) -> pd.DataFrame:
    rows = {
        "BAD among the parts called GOOD (escapes)": found.escapes,
        "called BAD among the GOOD parts (false alarms)": found.false_alarms,
    }
    return pd.DataFrame([{"rate": name} | _row(one) for name, one in rows.items()])


def _row(one: Share) -> dict[str, str]:
    value = "–" if one.value != one.value else f"{one.value:.2%}"
    return {
        "found": f"{one.k} of {one.n}",
        "not sure": str(one.open),
        "share [95 % interval]": f"{value} [{one.low:.2%}, {one.high:.2%}]",
        "under, at 95 %": f"{one.under:.2%}" if one.n else "–",
        "more reviews to halve the interval": f"{shares.more_to_halve(one):,}",
    }
