"""A report as one zip, and what it says where something is missing."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from backend.core.runs import Run
from backend.experiments import experiment as experiments
from backend.experiments import glass_paper
from backend.experiments.experiment import Chapter, Choice, Made
from backend.plots import styled
from backend.records import RunState, UserError
from backend.settings import Settings
from backend.sharing.report.archive import to_zip
from backend.sharing.report.items import Chart, Gap, Item, Picture, Report, Table
from backend.sharing.report.page import to_html
from tests.repeats import make

ROWS = pd.DataFrame({"pair": [0, 1], "ssim": [0.2, 0.4]})
FIGURE = styled(go.Figure(go.Bar(x=ROWS["pair"], y=ROWS["ssim"])), "SSIM, n = 2 pairs", "", "")
LONG = "x" * 80
ITEMS = (
    Picture("1-grid", "Grid", "Words <b>", np.zeros((4, 6, 3), np.uint8)),
    Chart("2-bars", "Bars", "", FIGURE, ROWS),
    Chart("3-bars", "Bars again", "", FIGURE, ROWS),
    Table("4-table", "Table", "", pd.DataFrame({"figure": ["<i>", LONG]})),
    Gap("5-gap", "Gone", "The data set was deleted."),
)
REPORT = Report(
    "A title", ("Published: somewhere",), ITEMS, ("Other <parts>.",), "python -m backend"
)


def test_the_page_has_everything_once_and_nothing_of_it_is_read_as_html() -> None:
    page = to_html(REPORT)
    assert page.count("plotly.js v") == 1
    assert page.count("plotly-graph-div") >= 2
    assert "Words &lt;b&gt;" in page and "Other &lt;parts&gt;." in page and "&lt;i&gt;" in page
    assert LONG in page
    assert "The data set was deleted." in page


def test_the_zip_holds_each_thing_as_a_file() -> None:
    archive = zipfile.ZipFile(io.BytesIO(to_zip(REPORT, {})))
    assert set(archive.namelist()) == {
        *("report.html", "repeat.txt", "runs.json", "pictures/1-grid.png"),
        *("data/2-bars.csv", "data/3-bars.csv", "tables/4-table.csv"),
        *("data/2-bars.parquet", "data/3-bars.parquet", "tables/4-table.parquet"),
    }
    assert pd.read_csv(archive.open("data/2-bars.csv")).equals(ROWS)


def test_under_a_heading_a_figure_keeps_its_n_alone() -> None:
    chart = ITEMS[1]
    assert isinstance(chart, Chart)
    told = chart.untitled().layout.title.text
    assert "n = 2 pairs" in told and "SSIM" not in told
    assert "SSIM" in FIGURE.layout.title.text


@pytest.fixture
def made(storage: Settings) -> dict[str, Run]:
    return make(storage.runs, glass_paper.EXPERIMENT, Choice())


def test_a_chapter_whose_files_are_gone_says_so_and_the_others_stand(made: Made) -> None:
    def gone(made: Made) -> Iterator[Item]:
        raise UserError("Cannot read it. Restore it.")

    def there(made: Made) -> Iterator[Item]:
        yield ITEMS[0]

    chapters = (
        Chapter("Lost", (glass_paper.STUDENT,), gone),
        Chapter("Kept", (glass_paper.STUDENT,), there),
    )
    report = experiments.report(replace(glass_paper.EXPERIMENT, chapters=chapters), made)
    assert [item.words for item in report.items] == ["Cannot read it. Restore it.", "Words <b>"]


def test_a_chapter_waits_for_its_jobs(storage: Settings) -> None:
    made = make(storage.runs, glass_paper.EXPERIMENT, Choice(), RunState.CANCELED)
    report = experiments.report(glass_paper.EXPERIMENT, made)
    assert report.items == ()
    assert any("Stable Diffusion v1.4" in words for words in report.limits)


def test_sets_that_teach_no_student_are_not_offered(made: dict[str, Run]) -> None:
    run = made[glass_paper.IMAGES]

    def holding(**result: object) -> int:
        return glass_paper.EXPERIMENT.holds(replace(run, result=dict(result)))

    assert holding(images=20, mask_share=0.1) == 20
    assert holding(images=20, mask_share=None) == 0
    assert holding(images=7, mask_share=0.1) == 0
