"""Parts: crops of printed features with a GOOD/BAD label, simulated or imported, and checked.

An import reads a `metadata.csv` as FTI_Zer0P (Zenodo 11444566) has it, MVTec AD folders, or plain
GOOD and BAD folders; from full pictures a detector may cut the parts first, as source B does.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.core import facts
from backend.images import duplicates
from backend.inspection.parts import lookalikes, sources
from backend.inspection.parts.checks import copies, data_checks
from backend.inspection.parts.crops import COLUMNS, measures_of
from backend.inspection.parts.sources import Taken
from backend.inspection.parts.spec import Result, Spec
from backend.records import Label, Progress, UserError

CHECKED = (
    *("part", "width", "height", "brightness", "contrast", "sharpness"),
    *("digest", "copy_of", "near_group", "leak"),
)


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Simulate or import the parts and check them.

    Writes the facts tables `parts`, `part_checks`, `part_findings`, `left_out` and `figures`.
    """
    progress(0.0, "preparing")
    taken = sources.take(spec, out_dir, progress)
    rows, greys = [], []
    for row, pixels in taken.parts:
        rows.append(row | measures_of(pixels))
        greys.append(duplicates.grey(pixels))
    _refuse_none(rows, taken)
    progress(0.92, "looking for copies")
    frame = _with_copies(pd.DataFrame(rows), np.stack(greys), spec.group_lookalikes)
    return _reported(spec, out_dir, frame, taken)


def _refuse_none(rows: list[dict[str, Any]], taken: Taken) -> None:
    if any(row["label"] == Label.GOOD for row in rows):
        return
    left = len(taken.unreadable) + len(taken.unfound)
    raise UserError(
        f"No GOOD part is left: {left} pictures are left out, {len(rows)} BAD parts remain. Look "
        "at the files, at the detector's class names, or lower its confidence."
    )


def _with_copies(frame: pd.DataFrame, greys: np.ndarray, join: bool) -> pd.DataFrame:
    """The parts with their copies and look-alikes; `join`: their groups are made one."""
    frame = frame.reindex(columns=list(dict.fromkeys((*COLUMNS, *CHECKED))))
    frame = frame.assign(
        copy_of=copies.exact(frame["digest"], frame["part"]),
        near_group=copies.near(greys, frame["feature"]),
        given_group=frame["group"],
    )
    if join:
        frame = frame.assign(group=copies.joined(frame))
    copied, alike = copies.torn(frame)
    return frame.assign(leak=copied | alike)


def _reported(spec: Spec, out_dir: Path, frame: pd.DataFrame, taken: Taken) -> Result:
    figures = data_checks.tell_tales(frame)
    without = len({one.file for one in taken.unfound})
    found = data_checks.find(frame, figures, len(taken.unreadable), without)
    left_out = [asdict(one) for one in (*taken.unreadable, *taken.unfound)]
    facts.write(out_dir, "parts", frame[list(COLUMNS)])
    facts.write(out_dir, "part_checks", frame[list(CHECKED)])
    facts.write(out_dir, "part_findings", [asdict(one) for one in found])
    facts.write(out_dir, "left_out", left_out)
    facts.write(out_dir, "figures", figures)
    return _summary(spec, frame, taken, found)


def _summary(
    spec: Spec, frame: pd.DataFrame, taken: Taken, found: list[data_checks.Finding]
) -> Result:
    good = frame["label"] == int(Label.GOOD)
    table = good.groupby(frame["feature"]).agg(["sum", "count"])
    counts = {
        str(f): [int(g), int(n - g)]
        for f, (g, n) in zip(table.index, table.to_numpy(), strict=True)
    }
    copied, alike = (int(torn.sum()) for torn in copies.torn(frame))
    told = (f.words for f in found if f.level != data_checks.OK or f.subject == data_checks.JOINED)
    return Result(
        n=len(frame),
        n_good=int(good.sum()),
        n_bad=int((~good).sum()),
        features=tuple(counts),
        counts=counts,
        groups=int(frame["group"].nunique()),
        duplicates=copied,
        alike=alike,
        joined=data_checks.joined_groups(frame)[0],
        left_out=len(taken.unreadable) + len(taken.unfound),
        problems=sum(one.level == data_checks.PROBLEM for one in found),
        layout=taken.layout,
        source="simulated (rendered, not real)" if spec.source == "simulator" else spec.folder,
        lookalikes=lookalikes.words(copied, alike),
        notes=(*taken.notes, *told),
    )
