"""What copies and look-alikes across groups do to a figure: one sentence that travels with it.

A fold keeps a group together. A part that looks almost the same as one of another group can be
learned from in one fold and judged in another, so AUROC and limits come out too good.
"""

from pathlib import Path

from backend.core import facts, lineage, registry, runs
from backend.core.runs import Run
from backend.inspection.parts.checks import copies
from backend.inspection.parts.spec import Result
from backend.records import UserError
from backend.wording import counted

UNKNOWN = (
    "Whether parts of different groups look alike was never checked: an older version took them "
    "in. Import them again to know."
)


def words(copied: int, alike: int) -> str:
    """The sentence for so many parts with an exact copy, and with a look-alike, in another group;
    "" for none."""
    told = []
    if copied:
        told.append(f"{counted(copied, 'part has', 'parts have')} an exact copy in another group")
    if alike:
        look = counted(alike, "part looks", "parts look")
        told.append(f"{look} almost the same as a part of another group")
    return f"{' and '.join(told)}: separation (AUROC) and limits may be too good." if told else ""


def warning(folder: Path) -> str:
    """The sentence for the run in `folder`, of parts or of what rests on them; "" for nothing.

    Where the parts are gone or damaged, it is what the run itself kept.
    """
    run = runs.read(folder)
    try:
        return _of_parts(parts_folder(folder))
    except UserError:
        return _kept(run)


def _kept(run: Run) -> str:
    """What the run itself says of it, "" where it has no result or says nothing."""
    if run.result is None:
        return ""
    result = runs.result(run, registry.get(run.kind).result_type)
    return str(getattr(result, "lookalikes", ""))


def parts_folder(folder: Path) -> Path:
    """The folder of the parts that a run rests on, its own for parts.

    Raises UserError where one of the runs between is gone, or it rests on none.
    """
    run = runs.read(folder)
    behind = (one.run for one in lineage.ancestors(run))
    found = next((one for one in (run, *behind) if one and one.kind == "parts"), None)
    if found is None:
        raise UserError(f"The parts behind {run.id} are gone. Restore them, or import them again.")
    return found.folder


def _of_parts(folder: Path) -> str:
    """From what a parts run stored: its result, else its checks of single parts."""
    result = runs.result(runs.read(folder), Result)
    if result.alike is not None:
        return words(result.duplicates, result.alike)
    if not facts.path(folder, "part_checks").exists():
        return UNKNOWN
    table = facts.read(folder, "part_checks")[["part", "digest", "near_group"]]
    groups = facts.read(folder, "parts")[["part", "group"]]
    copied, alike = copies.torn(table.merge(groups, on="part", validate="one_to_one"))
    return words(int(copied.sum()), int(alike.sum()))
