"""What people decide about a finished set's images: verdicts and boxes corrected by hand.

A finished run is never changed. Decisions stand in a journal beside it, `edits.jsonl` in the
run's folder: one JSON line an action, only ever appended to, so two browsers at once lose
nothing and the later decision wins. A line cut short by a crash is passed over. Masks stay as
they were made, also where boxes were corrected.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.core import facts, journal, runs
from backend.images import imagefiles
from backend.images.boxes import box_of, box_row
from backend.images.labelled_image import FILE
from backend.records import Box, UserError

JOURNAL = runs.EDITS
VERDICTS = ("kept", "rejected", "deleted", "")
LONGEST_CLASS = 64
KEPT_SETS = 8  # whose rows stay in memory
SAME = 0.01  # px; the browser's arithmetic moves an untouched corner by less


@dataclass(frozen=True)
class Edit:
    """A decision about one image. None: that half stays as it is.

    verdict: kept, rejected, deleted, or "" to take an earlier one away.
    boxes: all boxes the image has from now on. tag: a word to find it by, or "" for none.
    """

    image: str
    verdict: str | None = None
    boxes: tuple[Box, ...] | None = None
    tag: str | None = None


def record(run_folder: Path, words: str, edits: Sequence[Edit]) -> None:
    """Append one action. Boxes that differ from the present ones become `hand`, confidence 1.

    words: the action as its undo names it, "3 rejected". Raises UserError for an unknown image
    or verdict, a box outside its image or under 1 px, or a class name that is none.
    """
    made = facts.read(run_folder, "images")
    paths = dict(zip(made["image"], made["path"], strict=True))
    present = boxes(run_folder) if any(e.boxes is not None for e in edits) else None
    entries = [_entry(run_folder, edit, paths, present) for edit in edits]
    append(run_folder, words, entries)


def append(run_folder: Path, words: str, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write one action into the journal: {image, and a name → what was decided} an entry."""
    journal.add(run_folder / JOURNAL, {"time": _now(), "words": words, "edits": list(entries)})


def _entry(
    run_folder: Path, edit: Edit, paths: dict[str, str], present: pd.DataFrame | None
) -> dict[str, Any]:
    """The edit as the journal keeps it. present: the run's box rows, where boxes change."""
    if edit.image not in paths:
        raise UserError(f"This run has no image '{edit.image}'. Reload the page.")
    if edit.verdict not in (None, *VERDICTS):
        raise UserError(f"'{edit.verdict}' is no verdict. Known are kept, rejected, deleted.")
    entry: dict[str, Any] = {"image": edit.image}
    if edit.verdict is not None:
        entry["verdict"] = edit.verdict
    if edit.tag is not None:
        entry["tag"] = _tag(edit.tag)
    if edit.boxes is not None and present is not None:
        size = imagefiles.size(run_folder / paths[edit.image])
        checked = [_checked(box, size, edit.image) for box in edit.boxes]
        entry["boxes"] = _as_rows(checked, present[present["image"] == edit.image])
    return entry


def _tag(word: str) -> str:
    word = word.strip()
    if len(word) > LONGEST_CLASS or not word.isprintable():
        raise UserError(f"'{word[:80]}' is no tag. Use at most {LONGEST_CLASS} characters.")
    return word


def relabelled(run_folder: Path, names: Sequence[str], old: str, new: str) -> list[Edit]:
    """The edits by which these images' boxes of a class become another's, or go where `new` is "".

    Images without such a box are not among them. Raises UserError where none has one.
    """
    rows = boxes(run_folder)
    found = rows[rows["image"].isin(names)]
    found = found[found["image"].isin(found.loc[found["class_name"] == old, "image"])]
    edits = []
    for name, mine in found.groupby("image"):
        all_boxes = [box_of(row) for row in facts.records(mine)]
        left = (
            replace(b, class_name=new) if b.class_name == old else b
            for b in all_boxes
            if new or b.class_name != old
        )
        edits.append(Edit(str(name), boxes=tuple(left)))
    if not edits:
        raise UserError(f"None of the chosen images has a box of class '{old}'. Choose others.")
    return edits


def undo(run_folder: Path) -> str:
    """Take back the newest action that still stands; its words, "" where there is none."""
    with journal.locked(run_folder / JOURNAL) as file:
        standing = _standing(run_folder)
        if not standing:
            return ""
        number, action = standing[-1]
        journal.append(file, {"time": _now(), "undo": number})
    return str(action.get("words", ""))


def newest(run_folder: Path) -> str:
    """The words of the action that `undo` would take back, "" where there is none."""
    standing = _standing(run_folder)
    return str(standing[-1][1].get("words", "")) if standing else ""


def verdicts(run_folder: Path) -> dict[str, str]:
    """Image → kept, rejected or deleted; images without a verdict are not in it."""
    return {image: verdict for image, verdict in latest(run_folder, "verdict").items() if verdict}


def images(run_folder: Path) -> pd.DataFrame:
    """The run's image rows, deleted ones left out, with four columns more.

    shown: see `shown_names`. verdict, tag: "" if none. labelled: False where nobody knows yet what
    an image shows; boxes drawn by hand, or their removal, make it known.
    """
    return _images(run_folder, *_states(run_folder, "images")).copy(deep=False)


@lru_cache(maxsize=KEPT_SETS)
def _images(run_folder: Path, *states: runs.FileState) -> pd.DataFrame:
    """As `images`, worked out once for each state of the files: a page asks at each of its runs."""
    made = facts.read(run_folder, "images")
    verdict = made["image"].map(verdicts(run_folder)).astype(object).fillna("")
    params = _params(made)
    told = [one.get("labelled", True) for one in params]
    labelled = np.array(told, bool) | made["image"].isin(latest(run_folder, "boxes").keys())
    tag = made["image"].map(latest(run_folder, "tag")).astype(object).fillna("")
    shown = _named(made, params)
    rows = made.assign(shown=shown, verdict=verdict, tag=tag, labelled=labelled)
    return rows[rows["verdict"] != "deleted"].reset_index(drop=True)


def _states(run_folder: Path, table: str) -> tuple[runs.FileState, ...]:
    """Of what a set's rows come from."""
    return runs.state_of(facts.path(run_folder, table)), runs.state_of(run_folder / JOURNAL)


def home_of(run_folder: Path, path: str) -> tuple[str, str] | None:
    """The run and the name of an image that a run's row took from another run's set, for it is
    corrected there; None for a picture from elsewhere. path: as the row has it."""
    place = (run_folder / path).resolve()
    home = run_folder.parent.resolve()
    if not place.is_relative_to(home):
        return None
    run_id, *inside = place.relative_to(home).parts
    if inside[:2] != ["artifacts", "images"] or run_id == run_folder.name:
        return None
    return run_id, place.stem


def shown_names(rows: pd.DataFrame) -> list[str]:
    """What people call each image of a table `images`: the name its file was imported under, its
    own where it was made here or by an earlier version."""
    return _named(rows, _params(rows))


def _named(rows: pd.DataFrame, params: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(one.get(FILE) or image) for image, one in zip(rows["image"], params, strict=True)]


def _params(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [json.loads(text) if isinstance(text, str) else {} for text in rows["params"]]


def boxes(run_folder: Path) -> pd.DataFrame:
    """The run's box rows, those of corrected images replaced; deleted images have none."""
    return _boxes(run_folder, *_states(run_folder, "boxes")).copy(deep=False)


@lru_cache(maxsize=KEPT_SETS)
def _boxes(run_folder: Path, *states: runs.FileState) -> pd.DataFrame:
    """As `boxes`, worked out once for each state of the files."""
    made = facts.read(run_folder, "boxes")
    corrected = latest(run_folder, "boxes")
    deleted = {image for image, verdict in verdicts(run_folder).items() if verdict == "deleted"}
    rows = made[~made["image"].isin(deleted | corrected.keys())]
    by_hand = [
        {"image": image, **row}
        for image, found in corrected.items()
        if image not in deleted
        for row in found
    ]
    if by_hand:
        frame = pd.DataFrame(by_hand, columns=made.columns)
        rows = frame if rows.empty else pd.concat([rows, frame])
    return rows.sort_values("image", kind="stable").reset_index(drop=True)


def kept(run_folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Image and box rows without rejected and deleted images: what later jobs work with."""
    rows = images(run_folder)
    rows = rows[rows["verdict"] != "rejected"].reset_index(drop=True)
    found = boxes(run_folder)
    return rows, found[found["image"].isin(rows["image"])].reset_index(drop=True)


def _checked(box: Box, size: tuple[int, int], image: str) -> Box:
    """The box, its rounding at the edge taken off. Raises UserError for one that cannot be."""
    name = box.class_name.strip()
    if not name or len(name) > LONGEST_CLASS or not name.isprintable():
        raise UserError(
            f"Image {image}: '{name[:80]}' is no class name. Use 1 to {LONGEST_CLASS} characters."
        )
    (x1, y1, x2, y2), (width, height) = box.xyxy, size
    if not (min(x1, y1) >= -SAME and x2 <= width + SAME and y2 <= height + SAME):
        raise UserError(f"Image {image}: a box lies outside {width} × {height} px. Move it inside.")
    if not (x2 - x1 >= 1 - SAME and y2 - y1 >= 1 - SAME):
        raise UserError(f"Image {image}: a box is smaller than 1 px. Enlarge or delete it.")
    corners = max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2)
    return replace(box, class_name=name, xyxy=corners)


def _as_rows(checked: Sequence[Box], present: pd.DataFrame) -> list[dict[str, Any]]:
    """Box rows without `image`; one that is a present one keeps its source and confidence."""
    left = [(box_of(row), index) for index, row in enumerate(present.to_dict("records"))]
    rows = []
    for box in checked:
        same = next((pair for pair in left if _same(pair[0], box)), None)
        if same:
            left.remove(same)
        kept_box = same[0] if same else replace(box, source="hand", confidence=1.0)
        row = box_row("", kept_box)
        rows.append({name: value for name, value in row.items() if name != "image"})
    return rows


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _same(one: Box, other: Box) -> bool:
    near = all(abs(a - b) <= SAME for a, b in zip(one.xyxy, other.xyxy, strict=True))
    return one.class_name == other.class_name and near


def _standing(run_folder: Path) -> list[tuple[int, dict[str, Any]]]:
    """Actions not taken back, oldest first, each with its number."""
    path = run_folder / JOURNAL
    state = runs.state_of(path)
    return _actions(path, state) if state else []


@lru_cache(maxsize=KEPT_SETS)
def _actions(path: Path, state: runs.FileState) -> list[tuple[int, dict[str, Any]]]:
    """As `_standing`, read once for each state of the journal; nobody changes them."""
    actions: list[dict[str, Any]] = []
    gone: set[int] = set()
    for entry in runs.json_lines(path):
        if "undo" in entry:
            gone.add(entry["undo"])
        else:
            actions.append(entry)
    return [(k, action) for k, action in enumerate(actions) if k not in gone]


def latest(run_folder: Path, half: str) -> dict[str, Any]:
    """Image → its newest standing `verdict`, `boxes`, `tag` or what else an entry holds."""
    found = {}
    for _, action in _standing(run_folder):
        for edit in action.get("edits", ()):
            if half in edit:
                found[edit["image"]] = edit[half]
    return found
