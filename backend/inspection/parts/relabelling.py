"""What people decide about the parts of a finished run: another label, or to leave a part out.

The run stays as it is; decisions stand in its journal, as those about images do.
"""

from pathlib import Path

import pandas as pd

from backend.core import facts
from backend.images import curation
from backend.records import Label, UserError

LEFT_OUT, AS_MADE = "left out", ""
VERDICTS = (Label.GOOD.name, Label.BAD.name, LEFT_OUT, AS_MADE)
HALF = "part"  # of a line of the journal


def record(run_folder: Path, part: str, verdict: str) -> str:
    """Append a decision; the words by which it is taken back. verdict: one of VERDICTS.

    Raises UserError for an unknown part or verdict.
    """
    if part not in set(facts.read(run_folder, "parts")["part"]):
        raise UserError(f"This run has no part '{part}'. Reload the page.")
    if verdict not in VERDICTS:
        raise UserError(f"'{verdict}' is no label of a part. Known are GOOD, BAD and left out.")
    words = f"{part} {verdict or 'as imported again'}"
    curation.append(run_folder, words, [{"image": part, HALF: verdict}])
    return words


def decided(run_folder: Path) -> dict[str, str]:
    """Part → GOOD, BAD or left out, where a person decided that."""
    return {part: word for part, word in curation.latest(run_folder, HALF).items() if word}


def applied(parts: pd.DataFrame, run_folder: Path) -> pd.DataFrame:
    """Rows of the table `parts` with people's labels, without the parts that they left out."""
    words = parts["part"].map(decided(run_folder))
    labels = words.map({label.name: int(label) for label in Label})
    shown = parts.assign(label=labels.fillna(parts["label"]).astype(int))
    return shown[words != LEFT_OUT].reset_index(drop=True)
