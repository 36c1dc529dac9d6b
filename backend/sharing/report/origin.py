"""Who made a run, when, from what data, with which versions, and the command that makes it anew."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from backend.core import archive, audit, lineage, registry, runs, specs
from backend.core.runs import Run
from backend.records import UserError
from backend.sharing.report.items import Table

SUBMITTED = "submit"
HASHED = "SHA-256 over names, sizes and contents: the same hash is the same data."


def tables(run: Run) -> tuple[Table, ...]:
    """Who, when and with what; and the data behind it with their hashes."""
    made = Table("origin", "Who made it, when and with what", "", _made(run))
    data = _data(run)
    if data.empty:
        return (made,)
    return made, Table("data", "Made from", HASHED, data)


def _duration(seconds: float | None) -> str:
    """`95 s`, `35.5 min`; a dash where it is not known."""
    if not seconds:
        return "–"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _made(run: Run) -> pd.DataFrame:
    found = _provenance(run)
    kind = registry.get(run.kind)
    pairs = [
        ("run", run.id),
        ("kind", f"{kind.title}. {kind.summary}"),
        ("asked for by", _who(run)),
        ("asked for", _moment(run.created)),
        ("finished", _moment(run.finished) if run.finished else "–"),
        ("took", _duration(run.seconds)),
        ("hash of its files", hash_of(run, "facts", "artifacts")),
        ("program", revision_words(found)),
        ("Python", f"{found.get('python', 'unknown')} on {found.get('machine', 'unknown')}"),
        ("libraries", ", ".join(f"{k} {v}" for k, v in found.get("versions", {}).items()) or "–"),
    ]
    return pd.DataFrame(pairs, columns=["what", "value"])


def hash_of(run: Run, *names: str) -> str:
    """Of these files and folders of a run; of its whole archive where its files lie elsewhere."""
    if archived := archive.of(run.folder):
        return f"{archived.tar} (of its archive, a tar file)"
    return runs.fingerprint(*(run.folder / name for name in names))


def _moment(when: Any) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"


def _provenance(run: Run) -> dict[str, Any]:
    path = run.folder / "provenance.json"
    return runs.read_json(path) if path.exists() else {}


def revision_words(provenance: Mapping[str, Any]) -> str:
    """Of which revision the program was that made a run."""
    found = provenance.get("revision")
    return f"revision {found}" if found else "revision not noted: it ran outside its git repository"


def _who(run: Run) -> str:
    """Whoever the journal of actions names."""
    journal = runs.json_lines(run.folder.parent.parent / audit.JOURNAL)
    lines = (one for one in journal if one.get("about") == run.id)
    found = next((one for one in lines if str(one.get("action", "")).startswith(SUBMITTED)), {})
    return f"{found['actor']}, by {found.get('way', '')}" if found.get("actor") else "not noted"


def _data(run: Run) -> pd.DataFrame:
    hashes = _provenance(run).get("inputs", {})
    rows = [(*name.partition(":")[::2], digest) for name, digest in hashes.items()]
    known = {each for _, each, _ in rows}
    named = [(field, _named(run, source), digest) for field, source, digest in rows]
    named += [
        ("behind these", _named(run, one.id), "–")
        for one in lineage.ancestors(run)
        if one.id not in known
    ]
    frame = pd.DataFrame(named, columns=["as", "data", "SHA-256"])
    return frame.assign(**{"as": [str(name).replace("_", " ") for name in frame["as"]]})


def _named(run: Run, source: str) -> str:
    """A run with its name, a folder by its name alone: where it lies is nobody else's business."""
    if not runs.RUN_ID.fullmatch(source):
        return Path(source).name
    try:
        name = runs.asked_for(run.folder.parent / source).name
    except UserError:
        return f"{source} (deleted)"
    return f"{source} “{name}”" if name else source


def command(run: Run) -> str:
    """The verb with every setting that is not its default."""
    return " ".join(["python -m backend", run.kind, *_options(run)])


def _options(run: Run) -> Iterator[str]:
    spec_type = registry.get(run.kind).spec_type
    counting = specs.counting(spec_type, run.spec)
    for p in specs.params(spec_type):
        if p.name not in counting or counting[p.name] == _plain(p.default):
            continue
        flag, value = p.name.replace("_", "-"), counting[p.name]
        if p.type is bool:
            yield f"--{flag}" if value else f"--no-{flag}"
            continue
        for each in value if isinstance(value, list) else [value]:
            yield f"--{flag} {shlex.quote(str(each))}"
    if run.name:
        yield f"--name {shlex.quote(run.name)}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
