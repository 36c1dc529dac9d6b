"""What a run was made from: the runs that its settings name, near and far.

Everything that follows a run to others goes through here: the queue, deletion, provenance,
licences and the search for test images among what was trained on.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.core import registry, runs, specs
from backend.core.runs import Run
from backend.core.specs import SpecType
from backend.records import UserError

DELETED, DAMAGED = "was deleted", "is damaged"
Link = tuple[str, str]  # a setting's name and the id of a run it names


@dataclass(frozen=True)
class Ancestor:
    """A run behind another, as it was asked for. run: None where it was deleted or is damaged,
    which `problem` says."""

    id: str
    run: Run | None
    problem: str = ""


def links(spec_type: SpecType, values: Mapping[str, Any]) -> tuple[Link, ...]:
    """The runs that settings name, in the order of the fields; fields that do not matter with
    these settings name none. Ids in settings that a spec no longer has count too."""
    known = {p.name: p for p in specs.params(spec_type)}
    whole = {name: p.default for name, p in known.items()} | dict(values)
    found = [
        (p.name, run_id)
        for p in known.values()
        if p.run and specs.matters(p, whole, known)
        for run_id in _texts(whole[p.name])
    ]
    return (*found, *ids({name: value for name, value in values.items() if name not in known}))


def links_of(kind: str, values: Mapping[str, Any]) -> tuple[Link, ...]:
    """`links` of a kind's settings; of a kind that this version does not know, whatever in them
    is the id of a run."""
    try:
        spec_type = registry.get(kind).spec_type
    except UserError:
        return tuple(ids(values))
    return links(spec_type, values)


def parents(run: Run, without: Collection[str] = ()) -> tuple[str, ...]:
    """Ids of the runs that a run's settings name, each once. without: settings to leave out."""
    named = (run_id for name, run_id in links_of(run.kind, run.spec) if name not in without)
    return tuple(dict.fromkeys(named))


def ancestors(run: Run, without: Collection[str] = ()) -> list[Ancestor]:
    """Every run behind a run once, the nearest first, the deleted and damaged among them."""
    found: dict[str, Ancestor] = {}
    waiting = deque(parents(run, without))
    while waiting:
        run_id = waiting.popleft()
        if run_id != run.id and run_id not in found:
            found[run_id] = _ancestor(run.folder.parent, run_id)
            behind = found[run_id].run
            waiting.extend(parents(behind, without) if behind else ())
    return list(found.values())


def is_behind(run_id: str, run: Run) -> bool:
    """Was `run` made from that one, near or far?"""
    return any(one.id == run_id for one in ancestors(run))


def behind(runs_folder: Path, run_ids: Collection[str]) -> list[str]:
    """Ids of the runs behind these, that are there and belong to the project of one of them."""
    chosen = runs.readable(runs_folder / run_id for run_id in run_ids)
    places = {run.project for run in chosen}
    found = {one.id: one.run for run in chosen for one in ancestors(run) if one.run}
    return [i for i, run in found.items() if i not in run_ids and run.project in places]


def _ancestor(folder: Path, run_id: str) -> Ancestor:
    if not runs.RUN_ID.fullmatch(run_id) or not (folder / run_id).is_dir():
        return Ancestor(run_id, None, DELETED)
    try:
        return Ancestor(run_id, runs.asked_for(folder / run_id))
    except UserError:
        return Ancestor(run_id, None, DAMAGED)


def _texts(value: Any) -> Iterator[str]:
    """The filled-in texts of a setting that holds one or several."""
    for item in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(item, str) and item:
            yield item


def ids(values: Mapping[str, Any]) -> Iterator[Link]:
    """Whatever in some settings is the id of a run."""
    for name, value in values.items():
        for text in _texts(value):
            if runs.RUN_ID.fullmatch(text):
                yield name, text
