"""What leaves in a report says nothing of where things lie on the server."""

import json
import zipfile
from io import BytesIO

import pandas as pd
import pytest

from backend.core import facts, places
from backend.sharing.report import asked, formats
from backend.sharing.report.scope import Scope
from tests.sharing_runs import made


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/srv/data/good", "…/good"),
        ("parts --folder '/srv/My Data/good' --x 1", "parts --folder '…/My Data/good' --x 1"),
        ("Cannot read /srv/x/y.json: gone.", "Cannot read …/y.json: gone."),
        ("C:\\data\\parts", "…/parts"),
        ("csv:/srv/a/b.csv", "csv:…/b.csv"),
        ("mqtt://ada:pass@broker:1883/t", "mqtt://broker:1883/t"),
        ("https://host/a/b", "https://host/a/b"),
        *((same, same) for same in ("n/a", "0.5 / 0.6", "a/b", "30/min", "px / mm", "/", "")),
    ],
)
def test_of_a_way_the_last_part_is_left(text, left):
    assert places.hidden(text) == left


def test_no_form_of_a_report_names_a_folder_of_the_server(storage):
    folder = "/srv/secret-place/wafers"
    result = {"images": 3, "ceiling": None}
    run = made(storage.storage, "agreement", result, source="folder", folder=folder)
    images = [{"image": "a", "path": f"{folder}/a.png"}, {"image": "b", "path": "artifacts/b.png"}]
    facts.write(run.folder, "images", images)
    scope = Scope(runs=(run.id,))
    report = asked.report(storage.storage, scope)
    for form in (formats.HTML, formats.STATIC):
        page = formats.written(report, {}, form).decode()
        assert "secret-place" not in page and "wafers" in page
    with zipfile.ZipFile(BytesIO(formats.written(report, {"run": run}, formats.ZIP))) as packed:
        for name in packed.namelist():
            assert b"secret-place" not in packed.read(name), name
        kept = pd.read_parquet(BytesIO(packed.read(f"facts/{run.id}/images.parquet")))
        assert list(kept["path"]) == ["…/a.png", "artifacts/b.png"]
        assert json.loads(packed.read("runs.json"))["run"]["settings"]["folder"] == "…/wafers"
