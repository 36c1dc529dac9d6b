"""Under which licences the images and models of a run stand: those of everything behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.core import lineage, places, registry, runs, specs
from backend.core.runs import Run
from backend.records import UserError

OURS = "made by this program: yours"
NOT_STATED = "not stated"
# Settings of which nothing goes into what a run makes: what it is compared with or judged on, and
# where on a picture it may work.
COMPARED = (
    *("test_run", "test_folder", "test_intact_folder", "dataset_runs", "without_runs"),
    "similarity_run",
    "region_file",
)
PAINTERS = ("generate", "composite", "lora")  # kinds whose `model` is a Stable Diffusion
# What this program makes from nothing: a kind of run, one of its settings and the values of that.
MADE = {
    "generate": ("teacher", ("renderer", "diffusion")),
    "agreement": ("source", ("rendered",)),
    "parts": ("source", ("simulator",)),
}


@dataclass(frozen=True)
class Term:
    """A licence that a run brings in, in words, and the run's id."""

    licence: str
    run_id: str


def licence(run_folder: Path) -> str:
    """The licences of all that went into a run, each with the runs it comes from, in words."""
    found: dict[str, list[str]] = {}
    for term in terms(runs.asked_for(run_folder)):
        found.setdefault(term.licence, []).append(term.run_id)
    return "; ".join(f"{words} (run {', '.join(ids)})" for words, ids in found.items()) or OURS


def terms(run: Run) -> list[Term]:
    """Every licence in a run, its own first; none where this program made all of it."""
    found = [Term(words, run.id) for words in _own(run)]
    for one in lineage.ancestors(run, COMPARED):
        own = _own(one.run) if one.run else (f"not known, as it {one.problem}",)
        found += [Term(words, one.id) for words in own]
    return found


def behind(run: Run) -> list[dict[str, str]]:
    """The runs behind a run, for a card or a record: id, kind and teacher, or what befell it."""
    return [
        {"run": one.id, "kind": one.run.kind, "teacher": str(one.run.spec.get("teacher", ""))}
        if one.run
        else {"run": one.id, "kind": "", "teacher": "", "problem": one.problem}
        for one in lineage.ancestors(run, COMPARED)
    ]


def _own(run: Run) -> tuple[str, ...]:
    """The licences of what a run itself takes from outside of this program."""
    try:
        spec_type = registry.get(run.kind).spec_type
    except UserError:
        return (NOT_STATED,)
    taken = tuple(dict.fromkeys(_taken(run, spec_type)))
    name, values = MADE.get(run.kind, ("", ()))
    known = lineage.parents(run, COMPARED) or run.spec.get(name) in values
    return taken if taken or known else (NOT_STATED,)


def _taken(run: Run, spec_type: specs.SpecType) -> Iterator[str]:
    """Photographs, models and files of weights, by the settings that name them."""
    known = {p.name: p for p in specs.params(spec_type)}
    values = specs.defaults(spec_type) | run.spec
    for p in known.values():
        counts = p.name not in COMPARED and specs.matters(p, values, known)
        if counts and p.name == "licence":
            yield str(values["licence"]).strip() or NOT_STATED
        elif counts and p.name == "model" and run.kind in PAINTERS:
            yield places.hidden(f"that of the model {values['model']}")
        elif counts and p.path == "file" and values[p.name]:
            yield f"that of the file {Path(str(values[p.name])).name}"
        elif counts and p.path and values[p.name] and "licence" not in known:
            yield NOT_STATED
