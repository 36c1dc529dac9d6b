"""Reports of runs: nothing foreign is markup, and all that is needed to trust it is there."""

import io
import json
import re
import zipfile

import pandas as pd
import pytest
from click.testing import CliRunner

from backend.__main__ import main
from backend.core import audit
from backend.core.audit import Actor, Way
from backend.core.runs import Run
from backend.records import RunState, Shortage, UserError
from backend.settings import Settings
from backend.sharing.report import apart, asked, formats, of_runs, origin, paper
from backend.sharing.report.scope import Scope
from tests.sharing_runs import FIGURES, made

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> $x$ \"'&"
LATENCY = {
    **{"variant": HOSTILE, "p50": 4.0, "p95": 6.0, "p99": 8.0, "mean": 4.4, "cpu": HOSTILE},
    **{"parts_per_second": 200.0, "repetitions": 50, "threads": 1, "busy": HOSTILE},
}


def hostile(settings: Settings) -> Run:
    calls = pd.DataFrame({"variant": "FP32", "sample": range(50), "milliseconds": 5.0})
    figures = [row | {"subject": HOSTILE} for row in FIGURES]
    tables = {"latencies": calls, "figures": figures}
    return made(settings.storage, "latency", LATENCY, tables, name=HOSTILE, package_run=HOSTILE)


@pytest.mark.parametrize("form", (formats.HTML, formats.STATIC))
def test_foreign_words_are_never_markup(storage: Settings, form: str) -> None:
    run = hostile(storage)
    page = formats.written(of_runs.report(run), {}, form).decode()
    assert "<script>alert" not in page and "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src=["']?(?:https?:)?//|<link|@import)""", page)


def test_a_page_for_mail_has_no_script_and_little_weight(storage: Settings) -> None:
    page = formats.written(of_runs.report(hostile(storage)), {}, formats.STATIC)
    assert len(page) < 1_000_000
    assert b"<script" not in page.lower().replace(b"&lt;script", b"")
    assert b"<svg" in page and b"script-src" not in page


def test_a_page_brings_plotly_once_and_a_drawing_for_paper(storage: Settings) -> None:
    page = formats.written(of_runs.report(hostile(storage)), {}, formats.HTML).decode()
    assert page.count("plotly.js v") == 1
    assert page.count('class="still"') == page.count('class="live"') > 0
    assert len(page) < 6_000_000


def test_the_origin_names_who_when_hashes_and_the_command(storage: Settings) -> None:
    run = made(storage.storage, "latency", LATENCY, name="a b", repetitions=77)
    actor = Actor("Ada", Way.PAGE)
    audit.note(storage.storage, actor, "submit", run.id)
    shown = origin.tables(run)[0].frame.set_index("what")["value"]
    assert shown["asked for by"] == "Ada, by page"
    assert re.fullmatch(r"[0-9a-f]{64}", shown["hash of its files"])
    assert origin.command(run).endswith("--repetitions 77 --name 'a b'")


def test_the_command_asks_for_the_same_settings_again(storage: Settings) -> None:
    run = made(storage.storage, "parts", {}, scale=0.2, size=96, seed=5)
    words = origin.command(run).removeprefix("python -m backend ").split()
    done = CliRunner().invoke(main, [*words, "--dry-run"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["spec"] == run.spec


def test_a_run_without_a_result_has_no_report(storage: Settings) -> None:
    run = made(storage.storage, "latency", {}, state=RunState.CANCELED)
    with pytest.raises(UserError, match="canceled, so there is nothing to report"):
        of_runs.report(run)


def test_the_zip_holds_page_rows_and_every_fact(storage: Settings) -> None:
    run = hostile(storage)
    content = formats.written(of_runs.report(run), {run.id: run}, formats.ZIP)
    archive = zipfile.ZipFile(io.BytesIO(content))
    names = set(archive.namelist())
    assert {"report.html", "repeat.txt", "runs.json", "data/1-latency.csv"} <= names
    assert {"data/1-latency.parquet", f"facts/{run.id}/latencies.parquet"} <= names
    rows = pd.read_parquet(io.BytesIO(archive.read("data/1-latency.parquet")))
    assert len(rows) == 50


@pytest.mark.parametrize(
    ("name", "static", "form"),
    (
        *(("a.html", False, "html"), ("a.HTML", True, "static"), ("b/c.pdf", False, "pdf")),
        ("x.zip", True, "zip"),
    ),
)
def test_the_ending_tells_the_form(name: str, static: bool, form: str) -> None:
    assert formats.of_file(name, static) == form


@pytest.mark.parametrize("name", ("a.doc", "a", "a.htm", ".pdf.txt"))
def test_another_ending_is_refused_with_the_three(name: str) -> None:
    with pytest.raises(UserError, match=r"\.html, \.pdf or \.zip"):
        formats.of_file(name, False)


def test_without_a_browser_a_pdf_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "browser", lambda: "")
    with pytest.raises(Shortage, match="apt install chromium"):
        paper.to_pdf("<p>")


@pytest.mark.skipif(not paper.browser(), reason="Chromium is not installed")
def test_a_pdf_is_of_a4(storage: Settings) -> None:
    page = formats.written(of_runs.report(hostile(storage)), {}, formats.STATIC).decode()
    found = paper.to_pdf(page)
    assert found.startswith(b"%PDF")
    width, height = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", found)[0]
    assert (round(float(width)), round(float(height))) == (595, 842)


def test_what_is_asked_for_decides_the_report(storage: Settings) -> None:
    first, second = (made(storage.storage, "latency", LATENCY, name=n) for n in ("one", "two"))
    assert asked.report(storage.storage, Scope((first.id,))).title == "Latency: one"
    both = asked.report(storage.storage, Scope((first.id, second.id)))
    assert both.title == "Latency: 2 runs compared"
    with pytest.raises(UserError, match="Name a run"):
        asked.report(storage.storage, Scope())
    with pytest.raises(UserError, match="There is no line"):
        asked.report(storage.storage, Scope(line="press-3"))


def test_a_report_made_in_a_process_of_its_own_is_the_same(storage: Settings) -> None:
    run = made(storage.storage, "latency", LATENCY, name="press 3")
    title, content = apart.made(storage.storage, Scope((run.id,)), formats.STATIC)
    assert title == "Latency: press 3"
    assert content == formats.written(of_runs.report(run), {}, formats.STATIC)
    with pytest.raises(UserError, match="There is no run"):
        apart.made(storage.storage, Scope(("gone",)), formats.STATIC)
