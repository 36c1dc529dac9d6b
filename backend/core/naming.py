"""A name for a run that nobody named: what it is, and from what."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.core import lineage, registry, runs, specs
from backend.records import UserError

BETWEEN = " · "
LONGEST = 40  # letters of what it is made from


def proposed(kind: str, values: Mapping[str, Any], runs_folder: Path) -> str:
    """The kind's title, and the name of the first run, folder or file in its settings, else the
    first choice on which other settings depend."""
    known = registry.get(kind)
    source = _source(known.spec_type, values, runs_folder)
    return f"{known.title}{BETWEEN}{source[:LONGEST]}" if source else known.title


def _source(spec_type: specs.SpecType, values: Mapping[str, Any], runs_folder: Path) -> str:
    for _, run_id in lineage.links(spec_type, values):
        if name := _name_of(runs_folder, run_id):
            return name
    whole = specs.defaults(spec_type) | dict(values)
    known = {p.name: p for p in specs.params(spec_type)}
    counting = [p for p in known.values() if specs.matters(p, whole, known)]
    paths = [Path(str(whole[p.name])).stem for p in counting if p.path and whole[p.name]]
    deciding = [p for p in counting if p.choices and specs.decides(p, known.values())]
    choices = [str(whole[p.name]) for p in deciding]
    return next(iter((*paths, *choices)), "")


def _name_of(runs_folder: Path, run_id: str) -> str:
    """A run's name without the titles before it; "" where it has none, or is gone."""
    try:
        return runs.asked_for(runs_folder / run_id).name.rsplit(BETWEEN, 1)[-1]
    except UserError:
        return ""
