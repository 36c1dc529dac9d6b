"""Recordings: the parts around every alarm of a line, to be taken away and judged again."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from backend.line.recorder import recording, takeaway
from backend.line.recorder.recording import Recording
from backend.wording import counted
from pages.ui import charts, line_view
from pages.ui.layout import header, plain_errors

SHOWN = {
    "epoch": "start",
    "sequence": "part",
    "serial": "serial number",
    "feature": "feature type",
    "verdict": "verdict",
    "score": "score",
    "reason": "reason",
    "thresholds": "limits version",
}
AGAIN = "python -m backend rejudge FILE"


def show() -> None:
    header(
        "Recordings",
        "Around every alarm the last parts with their pictures, scores and versions. Taken away as "
        "one zip, another installation judges them again and says whether it is the same to the "
        "bit.",
    )
    chosen = line_view.choose()
    if chosen is None:
        return
    name, home = chosen
    found = {path.name: path for path in recording.files(home)}
    if not found:
        st.info(
            "No alarm of this line was recorded yet: none was raised, or it was started with "
            "nothing to record (the line's setting “record parts”).",
            icon=":material/notifications_off:",
        )
        return
    with plain_errors():
        _one(home, name, found)


def _one(home: Path, name: str, found: dict[str, Path]) -> None:
    """A recording that is picked, the newest first."""
    st.markdown(f"**{counted(len(found), 'recording')}**; the oldest go where room runs out.")
    chosen = str(st.selectbox("Recording", list(found), format_func=_when, key=f"of-{name}"))
    told = recording.read(found[chosen])
    _alarms(told)
    rows = pd.DataFrame([vars(part) for part in told.parts])
    if len(rows):
        shown = rows[list(SHOWN)].rename(columns=SHOWN)
        st.dataframe(shown, hide_index=True, alt="The recorded parts, oldest first")
    charts.zipped(
        "Take this recording away", partial(takeaway.packed, home, chosen), f"{name}-{chosen[:-4]}"
    )
    st.caption("With the package and limits that judged. On another installation:")
    st.code(AGAIN, language="sh")


def _when(file: str) -> str:
    moment = datetime.strptime(file.split("-")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return f"{moment:%d %b %Y %H:%M:%S} UTC · part {file.split('-', 1)[1].removesuffix('.zip')}"


def _alarms(told: Recording) -> None:
    """Why it was recorded."""
    lines = [
        f"- part {one.place[0]}-{one.place[1]}: {charts.plain(one.reason)}"
        if one.place
        else f"- {charts.plain(one.reason)}"
        for one in told.alarms
    ]
    words = f"{counted(len(told.alarms), 'alarm')}, {counted(len(told.parts), 'part')}:"
    st.markdown("\n".join([words, "", *lines]))


show()
