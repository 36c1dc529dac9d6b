"""A report as one zip: the page, its data as CSV and Parquet, its pictures, and what made it."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from backend.core import places, spreadsheet
from backend.core.runs import Run
from backend.sharing.report import page
from backend.sharing.report.items import Chart, Picture, Report, Table


def to_zip(report: Report, made: Mapping[str, Run]) -> bytes:
    """The report as one file. made: a name → its run, whose every row of facts goes in too."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.html", page.to_html(report))
        archive.writestr("repeat.txt", f"{report.command}\n")
        archive.writestr("runs.json", json.dumps(_origin(made), indent=1))
        for name, content in _files(report):
            archive.writestr(name, content)
        for run in made.values():
            for path in sorted((run.folder / "facts").glob("*.parquet")):
                name = f"facts/{run.id}/{path.name}"
                archive.writestr(name, _facts(path), zipfile.ZIP_STORED)
    return buffer.getvalue()


def _files(report: Report) -> Iterator[tuple[str, bytes]]:
    for item in (*report.items, *report.origin):
        if isinstance(item, Picture):
            yield f"pictures/{item.name}.png", _png(item.pixels)
        elif isinstance(item, Chart):
            yield from _both(f"data/{item.name}", item.data)
        elif isinstance(item, Table):
            yield from _both(f"tables/{item.name}", item.frame)


def _facts(path: Path) -> bytes:
    """A table of facts as it is, unless it says where things lie here."""
    found = pd.read_parquet(path)
    shown = _without_places(found)
    return path.read_bytes() if shown.equals(found) else _parquet(shown)


def _without_places(frame: pd.DataFrame) -> pd.DataFrame:
    texts = [name for name, kind in frame.dtypes.items() if str(kind) in ("object", "str")]
    return frame.assign(**{str(name): frame[name].map(places.values) for name in texts})


def _both(name: str, frame: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    shown = _without_places(frame)
    yield f"{name}.csv", spreadsheet.written(shown)
    mixed = [name for name, kind in shown.dtypes.items() if str(kind) == "object"]
    yield f"{name}.parquet", _parquet(shown.astype(dict.fromkeys(mixed, str)))


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _origin(made: Mapping[str, Run]) -> dict[str, Any]:
    """Of each run: its settings and result, as JSON has them, without where things lie here."""
    return {
        name: {
            "run": run.id,
            "kind": run.kind,
            "settings": places.values(run.spec),
            "result": places.values(run.result),
        }
        for name, run in made.items()
    }


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
