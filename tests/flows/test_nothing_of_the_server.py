"""What people take away says nothing of where things lie on the server."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from backend.core import runs
from backend.core.runs import Run
from backend.deployment.gate import takeaway as variants
from backend.deployment.gate.spec import Result as GateResult
from backend.deployment.package import takeaway
from backend.images import image_export
from backend.images.formats import export
from backend.sharing.report import asked, formats
from backend.sharing.report.scope import Scope


def members(content: bytes) -> Iterator[tuple[str, str]]:
    """Name and text of all that is in a zip; of tables every cell."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        for name in packed.namelist():
            inside = packed.read(name)
            if name.endswith(".parquet"):
                yield name, pd.read_parquet(io.BytesIO(inside)).to_csv()
            else:
                yield name, inside.decode("utf-8", "ignore")


def taken(run: Run, storage: Path, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a run that a page or verb hands out."""
    report = asked.report(storage, Scope(runs=(run.id,)))
    yield "report", formats.written(report, {"run": run}, formats.ZIP)
    if (run.folder / "facts" / "boxes.parquet").exists():
        for layout in export.LAYOUTS:
            target = folder / f"{layout}.zip"
            image_export.write(run, target, layout)
            yield layout, target.read_bytes()
    if run.kind == "package":
        yield "package", takeaway.packed(storage, run)
    if run.kind == "gate":
        for variant in runs.result(run, GateResult).passed:
            yield f"package as {variant}", variants.packed(run, variant)


@pytest.mark.xdist_group("tiny")
def test_nothing_that_is_taken_away_names_a_folder_of_the_server(
    tiny_runs: dict[str, Run], tmp_path_factory, tmp_path: Path
):
    here = str(tmp_path_factory.getbasetemp())
    found, looked_at = [], 0
    for run in tiny_runs.values():
        for what, content in taken(run, run.folder.parents[1], tmp_path):
            for name, text in members(content):
                looked_at += 1
                if here in text.replace("\\/", "/"):
                    found.append(f"{run.kind}, {what}: {name}")
    assert looked_at > 200
    assert not found
