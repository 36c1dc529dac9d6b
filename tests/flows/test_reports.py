"""The papers' reports over tiny runs: every figure in the paper's order, one zip with all of it."""

import io
import json
import zipfile

import pandas as pd
import pytest

from backend.core import facts
from backend.core.runs import Run
from backend.experiments import experiment as experiments
from backend.experiments import glass_paper as glass
from backend.experiments import inkjet_paper as inkjet
from backend.images import imagefiles
from backend.settings import Settings
from backend.sharing.report import archive as reports
from backend.sharing.report import asked, formats
from backend.sharing.report.items import Chart, Gap, Picture, Report, Table
from backend.sharing.report.scope import Scope
from tests.ruled_out import ruled_out

Runs = dict[str, Run]


@pytest.fixture
def made(tiny_runs: Runs) -> Runs:
    """The glass paper's steps, over a student of the default recipe."""
    kinds = (glass.IMAGES, "generate"), (glass.STUDENT, "distill"), (glass.DETECTOR, "detector")
    more = (glass.SIMILARITY, "similarity"), (glass.DATASET, "dataset")
    return {name: tiny_runs[kind] for name, kind in (*kinds, *more)}


def of_inkjet(tiny_runs: Runs) -> Runs:
    names = (inkjet.PARTS, "parts"), (inkjet.MODEL, "inspect"), (inkjet.SUPERVISED, "inspect")
    more = (inkjet.LIMITS, "threshold"), (inkjet.PACKAGE, "package"), (inkjet.LATENCY, "latency")
    return {name: tiny_runs[kind] for name, kind in (*names, *more)}


def table(report: Report, name: str) -> pd.DataFrame:
    return next(i.frame for i in report.items if isinstance(i, Table) and i.name == name)


def test_the_glass_paper_s_figures_stand_in_its_order(made: Runs) -> None:
    report = experiments.report(glass.EXPERIMENT, made)
    assert not [item.words for item in report.items if isinstance(item, Gap)]
    names = [item.name for item in report.items]
    assert names == sorted(names)
    assert {"1-picture-grid", "2-ssim-bars", "4-confidence-precision", "8-summary"} <= set(names)
    assert {"5-predictions-1", "5-predictions-2", "7-confusion-1", "7-confusion-2"} <= set(names)
    assert "6-training-batch-1" in names


def test_the_glass_table_holds_the_runs_own_figures_beside_the_published(made: Runs) -> None:
    shown = table(experiments.report(glass.EXPERIMENT, made), "8-summary").set_index("figure")
    result = made[glass.DETECTOR].result or {}
    row = shown.loc[next(name for name in shown.index if name.startswith("mAP@0.5"))]
    assert row["paper"] == "0.32"
    assert row["this repeat"] == f"{result['own_validation_ap50']:.2f}"
    pairs = facts.read(made[glass.SIMILARITY].folder, "ssim_pairs")
    mean = pairs[pairs["pairing"] == "random"]["ssim"].head(9).mean()
    first = shown.iloc[0]
    assert first["this repeat"].startswith(f"{mean:.3f}")
    assert first["paper"] == "0.108 (0.036 to 0.188)"


def test_a_training_batch_is_kept_as_the_network_saw_it(made: Runs) -> None:
    pictures = sorted((made[glass.DETECTOR].artifacts / "batches").glob("*.png"))
    assert pictures
    pixels = imagefiles.read_rgb(pictures[0])
    assert pixels.shape[0] >= 64 and pixels.std() > 0


def test_what_is_not_done_yet_is_not_shown_and_what_is_gone_is_said(made: Runs) -> None:
    early = {name: made[name] for name in (glass.IMAGES, glass.STUDENT, glass.SIMILARITY)}
    first = glass.EXPERIMENT.chapters[0]
    assert [i.name[0] for i in experiments.report(glass.EXPERIMENT, made).items[:2]] == ["1", "2"]
    assert len(list(first.items(early))) == 2


@pytest.mark.parametrize("verb", ("glass", "inkjet"))
def test_one_zip_holds_everything_and_asks_for_nothing_outside(
    tiny_runs: Runs, made: Runs, verb: str
) -> None:
    experiment, mine = (
        (glass.EXPERIMENT, made) if verb == "glass" else (inkjet.EXPERIMENT, of_inkjet(tiny_runs))
    )
    report = experiments.report(experiment, mine)
    archive = zipfile.ZipFile(io.BytesIO(reports.to_zip(report, mine)))
    names = set(archive.namelist())
    assert {"report.html", "repeat.txt", "runs.json"} <= names
    for item in report.items:
        folder = {Chart: "data", Picture: "pictures", Table: "tables"}[type(item)]
        suffix = "png" if isinstance(item, Picture) else "csv"
        assert f"{folder}/{item.name}.{suffix}" in names
    page = archive.read("report.html").decode()
    assert page.count("plotly.js v") == 1
    assert 'src="http' not in page and "<link" not in page
    assert set(json.loads(archive.read("runs.json"))) == set(mine)


def test_the_inkjet_table_has_the_paper_s_columns_and_ours(tiny_runs: Runs) -> None:
    report = experiments.report(inkjet.EXPERIMENT, of_inkjet(tiny_runs))
    assert not [item.words for item in report.items if isinstance(item, Gap)]
    names = [item.name for item in report.items]
    assert names == sorted(names)
    shown = table(report, "5-auroc-table")
    assert list(shown.columns[:4]) == ["feature", "n", "paper: baseline", "paper: method"]
    dots = shown[shown["feature"].str.startswith("dots")].iloc[0]
    assert (dots["paper: baseline"], dots["paper: method"]) == ("0.956", "0.963")
    assert shown.iloc[-1]["feature"] == "mean"
    assert {"6-alerts", "7-latency", "8-summary"} <= set(names)


REPORTED = (
    *("generate", "distill", "similarity", "dataset", "detector", "study", "parts", "inspect"),
    *("threshold", "ablation", "gate", "latency", "line"),
)


@pytest.mark.parametrize("kind", REPORTED)
def test_a_run_of_every_kind_has_a_report_small_enough_for_mail(
    tiny_settings: Settings, tiny_runs: Runs, kind: str
) -> None:
    report = asked.report(tiny_settings.storage, Scope((tiny_runs[kind].id,)))
    assert not [item.words for item in report.items if isinstance(item, Gap)]
    assert report.lead and report.command
    page = formats.written(report, {}, formats.STATIC)
    assert len(page) < 1_000_000
    charts = [item for item in report.items if isinstance(item, Chart)]
    assert page.count(b'class="still"') == len(charts)
    assert ruled_out("\n".join((*report.lead, *report.limits))) == []


def test_the_acceptance_protocol_of_a_real_line_holds_every_piece(
    tiny_settings: Settings, tiny_runs: Runs
) -> None:
    line = tiny_runs["line"]
    report = asked.report(tiny_settings.storage, Scope(line=line.name, protocol=True))
    overview = table(report, "1-overview").set_index("evidence")
    assert overview.loc["Golden parts", "state"] == "there"
    assert overview.loc["Escapes", "state"] == "missing"
    for name in ("Certified false alarms", "Latency on this computer", "Gate"):
        assert overview.loc[name, "state"] != "missing", name
    missing = {item.title.partition(":")[0] for item in report.items if isinstance(item, Gap)}
    assert missing == set(overview.index[overview["state"] != "there"])
    page = formats.written(report, {}, formats.STATIC).decode()
    assert len(page) < 1_000_000 and ruled_out(page) == []
