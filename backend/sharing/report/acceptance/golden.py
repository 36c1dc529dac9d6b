"""Golden parts: does the package give here what it gave where it was made?"""

import pandas as pd

from backend.line import control, judges, watch
from backend.line.judge import DRIFT
from backend.sharing.report.acceptance.evidence import Evidence, Subject
from backend.sharing.report.items import Table
from backend.wording import counted

TITLE = "Golden parts"


def evidence(about: Subject) -> Evidence:
    """Every golden part, judged again while the protocol is made."""
    asked = control.wish(about.home)
    assert asked is not None  # or there would be no subject
    tried = list(judges.of(about.home, about.spec, asked).golden())
    if not tried:
        return Evidence(TITLE, missing="The package holds no golden part. Make the package again.")
    frame = pd.DataFrame(
        {
            "golden part": [one.name for one in tried],
            "score it has to have": [f"{one.wanted:.6g}" for one in tried],
            "score here": [f"{one.score:.6g}" for one in tried],
            "the same": ["yes" if one.holds else "no" for one in tried],
        }
    )
    held = sum(one.holds for one in tried)
    found = f"{held} of {counted(len(tried), 'golden part')} score here as they have to."
    table = Table(
        "2-golden",
        TITLE,
        f"Judged again on this computer while this protocol was made; the same: within {DRIFT:g}. "
        f"{_last(about)} The same picture gives the same score each time; whether the same part "
        "does that is put before the camera again, only putting it there several times tells.",
        frame,
    )
    missing = ""
    if held < len(tried):
        missing = "The package must not judge here. Make it again, and let it pass the gate."
    return Evidence(TITLE, found, missing, (table,))


def _last(about: Subject) -> str:
    """When the line itself tested them last."""
    status = watch.status(about.home)
    if status is None or status.golden is None:
        return "The line itself has not tested them yet."
    return (
        f"The line tested them last at {pd.Timestamp(status.golden, unit='s'):%Y-%m-%d %H:%M} UTC."
    )
