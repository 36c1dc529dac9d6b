"""The next step of a finished run: which settings of another kind it fills in."""

from collections.abc import Mapping
from typing import Any

from backend.core import aside, lineage, registry, specs
from backend.core.runs import Run
from backend.core.specs import Param


def carried(kind: str, source: Run) -> dict[str, Any]:
    """Settings of a kind that name the run, then those behind it, each in the first field that
    takes its kind; a field for test sets takes the newest one that the run left out.

    What is behind the run fills no field that counts with other choices than the usual ones alone,
    or may stay empty and takes any number of runs.
    """
    spec_type = registry.get(kind).spec_type
    known = {p.name: p for p in specs.params(spec_type)}
    usual = specs.defaults(spec_type)
    fields = [p for p in known.values() if p.run and _can_count(p, known)]
    behind = [one.run for one in lineage.ancestors(source) if one.run]
    found: dict[str, Any] = {}
    for run in (source, *behind):
        free = [p for p in fields if p.name not in found and run.kind in p.runs]
        wanted = [p for p in free if run is source or _is_filled(p, usual, known)]
        if wanted:
            found |= _choices_for(wanted[0], known) | {wanted[0].name: _value(wanted[0], run.id)}
    away = _left_out(source)
    for p in fields:
        if away and p.name not in found and p.runs == (aside.KIND,) and not p.many:
            found[p.name] = away[-1]
    return found


def _is_filled(p: Param, usual: Mapping[str, Any], known: Mapping[str, Param]) -> bool:
    """Does a run that is behind another fill the field?"""
    if p.optional and (p.many or p.when):
        return False
    return specs.matters(p, usual, known)


def _can_count(p: Param, known: Mapping[str, Param]) -> bool:
    """Do the choices exist here with which the field counts? A kind may narrow some."""
    choices = _choices_for(p, known)
    return all(value in (known[name].choices or (value,)) for name, value in choices.items())


def _choices_for(p: Param, known: Mapping[str, Param]) -> dict[str, Any]:
    """The other settings with which the field counts."""
    if p.when is None:
        return {}
    other, wanted = p.when
    return _choices_for(known[other], known) | {other: wanted[0]}


def _value(p: Param, run_id: str) -> Any:
    return (run_id,) if p.many else run_id


def _left_out(source: Run) -> list[str]:
    """The test sets made from what is behind the run that it left out, oldest first."""
    origins = {source.id, *(one.id for one in lineage.ancestors(source))}
    runs_folder = source.folder.parent
    known = set(aside.finished(runs_folder)) & aside.known(source.folder)
    return [
        run_id
        for run_id in sorted(known)
        if origins & set(aside.rows(runs_folder, run_id)["source_run"])
    ]
