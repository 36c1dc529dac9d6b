"""What a study found, in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

AP50, ALARMS = "AP50", "intact images with an alarm"
Row = Mapping[str, Any]


def sentences(
    contrasts: Sequence[Row], learning: Sequence[Row], counts: Mapping[tuple[str, int], Row]
) -> tuple[str, ...]:
    """One for each arm against its baseline, then one for each arm without a real image.

    contrasts, learning: rows of these tables. counts: (arm, amount) → images of each source.
    """
    known = {(r["arm"], r["real"], r["metric"]): r for r in contrasts}
    found = [
        _against(row, known.get((row["arm"], row["real"], ALARMS)), counts)
        for row in contrasts
        if row["metric"] == AP50
    ]
    ap50 = [r for r in learning if r["metric"] == AP50]
    return (*found, *_without_real(ap50, counts))


def shown(row: Row) -> bool:
    """Is the difference beyond chance, after Holm's correction for the others?"""
    return _apart(row) and bool(row["p_holm"] < 0.05)


def _apart(row: Row) -> bool:
    return row["low"] is not None and bool(row["low"] > 0 or row["high"] < 0)


def _against(row: Row, alarms: Row | None, counts: Mapping[tuple[str, int], Row]) -> str:
    start = _start(row, counts)
    if shown(row):
        verb = "raises" if row["difference"] > 0 else "lowers"
        size = _with_interval(row, abs(row["difference"]), flip=row["difference"] < 0)
        told = f"{start} {verb} AP50 by {size}"
    else:
        more = ", not enough among so many comparisons" if _apart(row) else ""
        told = (
            f"{start}: no difference in AP50 can be shown with n = {row['n_images']} images "
            f"(difference {_with_interval(row, row['difference'])}{more})"
        )
    if alarms is None:
        return told + "."
    clear = "" if shown(alarms) else ", not beyond chance"
    before, after = alarms["baseline_value"], alarms["value"]
    return f"{told}; intact images with an alarm: {before:.2f} → {after:.2f}{clear}."


def _start(row: Row, counts: Mapping[tuple[str, int], Row]) -> str:
    if not row["baseline"].startswith("real"):
        return f"Without any real image, {row['arm']} in place of {row['baseline']}"
    added = _added(row, counts[row["arm"], row["real"]])
    return f"With {_have(row, counts[row['baseline'], row['real']])}, adding {added}"


def _have(row: Row, count: Row) -> str:
    words = f"{count['real']:.0f} real"
    if "intact" in row["baseline"].split("+"):
        words += f" and {count['intact']:.0f} intact"
    return words + " images"


def _added(row: Row, count: Row) -> str:
    name = row["arm"].rpartition("+")[2]
    if name == "intact":
        return f"{count['intact']:.0f} intact photographs"
    if name == "copy-paste":
        return f"{count['pasted']:.0f} of copy and paste"
    return f"{count['synthetic']:.0f} synthetic ones ({name})"


def _with_interval(row: Row, value: float, flip: bool = False) -> str:
    low, high = row["low"], row["high"]
    if low is None:
        return _signed(value)
    if flip:
        low, high = -high, -low
    return f"{_signed(value)} [{_signed(low)}, {_signed(high)}]"


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _without_real(ap50: Sequence[Row], counts: Mapping[tuple[str, int], Row]) -> list[str]:
    """How far an arm without real images gets, against the most real images there are."""
    labelled = [r for r in ap50 if r["real"] and r["arm"] in ("real", "real+intact")]
    best = max(labelled, key=lambda r: (r["real"], r["arm"]), default=None)
    told = []
    for row in (r for r in ap50 if not r["real"]):
        words = f"Without any real image, {row['arm'].removeprefix('real+')} reaches AP50 "
        words += _with_interval(row, row["value"])
        if best and best["value"] > 0:
            share = f"{row['value'] / best['value']:.0%}".replace("%", " %")
            most = counts[best["arm"], best["real"]]["real"]
            words += f", {share} of what {best['arm']} reaches with {most:.0f} real images"
        told.append(words + ".")
    return told
