"""A public set, or a plant's own tree, judged by the split that it brings: no cross-validation.

Each finished category is kept in the checkpoint, so that an interrupted benchmark goes on with the
next one.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from backend.core import facts, runs
from backend.inspection.benchmark import published_figures, report
from backend.inspection.benchmark.spec import Result, Spec
from backend.inspection.parts.importers import detect
from backend.inspection.parts.importers.crop_reader import LeftOut
from backend.records import Progress, UserError
from backend.settings import settings
from backend.wording import counted

if TYPE_CHECKING:
    from backend.inspection.benchmark.categories import Category, Found
    from backend.inspection.model.features import Choice

DONE = "done.json"


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Judge every category; writes auroc, localisation, scores, figures, left_out, CSV and HTML."""
    from backend.inspection.benchmark import categories, measure
    from backend.inspection.model import features

    started = time.monotonic()
    choices = features.choose(spec.weights, spec.weights_file, settings().weights, spec.backbone)
    folder = detect.placed(Path(spec.folder).expanduser(), out_dir, progress)
    found = categories.read(folder, spec.layout, spec.categories)
    left_out, notes, kept = list(found.left_out), list(found.notes), []
    for number, category in enumerate(found.categories):
        place = out_dir / "checkpoint" / f"{number:04d}"
        told = _piece(progress, number, len(found.categories), category.name)
        try:
            notes += _one(spec, category, choices, place, told)
            kept.append(place)
        except UserError as error:
            left_out.append(LeftOut(category.name, str(error), category.name))
    if not kept:
        raise UserError(f"No category could be judged. {left_out[0].reason}")
    tables = measure.gathered(kept)
    _write(tables, left_out, out_dir)
    result = _result(found, tables, features.noted(choices), left_out, notes)
    return _shown(replace(result, seconds=round(time.monotonic() - started, 1)), out_dir)


def _one(
    spec: Spec, category: "Category", choices: Sequence["Choice"], place: Path, told: Progress
) -> list[str]:
    """Judge a category, unless that was done before on the same pictures and features.
    Returns its notes.

    Raises UserError where its pictures cannot be read.
    """
    from backend.inspection.benchmark import measure

    made_of = {"pictures": _version(category), "features": [one.kind for one in choices]}
    if (place / DONE).is_file():
        done = runs.read_json(place / DONE)
        if made_of.items() <= done.items():
            return [str(note) for note in done["notes"]]
    place.mkdir(parents=True, exist_ok=True)
    read = measure.read(category, spec.size, spec.skip_unreadable, place, told)
    measure.measure(spec.model, read, choices, place, told)
    notes = [f"{category.name}: {note}" for note in read.notes]
    runs.write_json(place / DONE, made_of | {"notes": notes})
    return notes


def _version(category: "Category") -> str:
    """A hash of a category's pictures and masks, and of what is said of them."""
    told = hashlib.sha256(category.name.encode())
    for one in category.parts:
        told.update(f"{one.name}\0{one.label}\0{one.split}\0{one.box}\0".encode())
    files = dict.fromkeys(path for one in category.parts for path in (one.path, *one.masks))
    return f"{told.hexdigest()}-{runs.fingerprint(*files)}"


def _piece(progress: Progress, number: int, count: int, name: str) -> Progress:
    """A Progress of one category."""
    from backend.inspection.ablation.trial import within

    words = f"{name} ({number + 1} of {count})"
    return within(progress, 0.98 * number / count, 0.98 / count, words)


def _write(tables: dict[str, pd.DataFrame], left_out: Sequence[LeftOut], out_dir: Path) -> None:
    """The facts of all categories, and the means over them."""
    from backend.inspection.benchmark import measure

    means = measure.means(tables["auroc"], tables["localisation"])
    tables["figures"] = pd.concat([tables["figures"], pd.DataFrame(means)], ignore_index=True)
    rows = pd.DataFrame([vars(one) for one in left_out])
    if len(rows):
        tables["left_out"] = pd.concat([tables["left_out"], rows], ignore_index=True)
    for name, table in tables.items():
        facts.write(out_dir, name, table)


def _result(
    found: "Found",
    tables: dict[str, pd.DataFrame],
    backbone: str,
    left_out: Sequence[LeftOut],
    notes: Sequence[str],
) -> Result:
    auroc, figures = tables["auroc"], tables["figures"]
    named = facts.by_name(figures)
    methods = list(auroc["method"].unique())
    counts = auroc.drop_duplicates("feature")
    prices = figures[figures["metric"] == report.PRICE]
    judged = tuple(sorted(counts["feature"]))
    told = [f"{counted(len(left_out), 'category is', 'categories are')} left out."]
    return Result(
        mean_auroc={m: _value(named, m, "mean AUROC") for m in methods},
        mean_aupro={m: _value(named, m, "mean AUPRO") for m in methods},
        dataset=published_figures.dataset_of(judged, found.layout),
        layout=found.layout,
        categories=judged,
        n_train=int(prices["n"].sum()),
        n_good=int(counts["n_good"].sum()),
        n_bad=int(counts["n_bad"].sum()),
        part_ms=round(float(prices["value"].median()), 2),
        backbone=backbone,
        left_out=len(left_out),
        seconds=0.0,
        notes=(*(told if left_out else []), *notes),
    )


def _value(named: dict[tuple[str, str], facts.Figure], method: str, metric: str) -> float | None:
    found = named.get((method, metric))
    return None if found is None else round(found.value, 4)


def _shown(result: Result, out_dir: Path) -> Result:
    """Write what is taken away: CSV and HTML."""
    figures, auroc, located = (
        facts.read(out_dir, name) for name in ("figures", "auroc", "localisation")
    )
    left_out = facts.read(out_dir, "left_out")
    told = [f"Left out: {row.file}: {row.reason}." for row in left_out.itertuples()]
    report.write(report.table(figures, auroc, located, result), result, told, out_dir / "artifacts")
    return result
