"""Links to reports: who reads what, until when, and what nobody may read."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from backend.core import maintenance, runs
from backend.core.runs import Run
from backend.records import UserError
from backend.settings import Settings
from backend.sharing import links
from backend.sharing.report.scope import Scope
from tests.sharing_runs import made

LATENCY = {
    **{"variant": "FP32", "p50": 4.0, "p95": 6.0, "p99": 8.0, "mean": 4.4, "cpu": "A"},
    **{"parts_per_second": 200.0, "repetitions": 50, "threads": 1},
}


@pytest.fixture
def run(storage: Settings) -> Run:
    return made(storage.storage, "latency", LATENCY, name="press 3")


def test_a_link_shows_its_report_and_notes_when_it_was_opened(storage: Settings, run: Run) -> None:
    share = links.make(storage.storage, Scope((run.id,)), "Ada", 7)
    assert share.title == "Latency: press 3" and share.who == "Ada"
    found = links.find(storage.storage, share.token)
    assert found == share and found.last is None
    page = links.opened(storage.storage, found)
    assert b"press 3" in page and b"<script" not in page
    links.opened(storage.storage, links.find(storage.storage, share.token))
    again = links.find(storage.storage, share.token)
    assert again.openings == 1, "once a minute at most"
    assert again.first == again.last is not None


def test_an_id_is_random_and_signed(storage: Settings, run: Run) -> None:
    tokens = [links.make(storage.storage, Scope((run.id,)), "Ada", 7).token for _ in range(2)]
    assert tokens[0] != tokens[1]
    assert all(re.fullmatch(r"[\w-]{22}\.[0-9a-f]{22}", token) for token in tokens)
    chance, _, signature = tokens[0].partition(".")
    for forged in (chance, f"{chance}.", f"{chance}.{'0' * 22}", f"x{tokens[0]}", "", "ä.ö"):
        assert links.find(storage.storage, forged) is None
    swapped = f"{chance}.{tokens[1].partition('.')[2]}"
    assert links.find(storage.storage, swapped) is None and signature


def test_an_empty_storage_knows_no_link(storage: Settings) -> None:
    assert links.find(storage.storage, "a.b") is None
    assert links.every(storage.storage) == []


def test_a_link_taken_back_shows_nothing_and_its_page_is_gone(storage: Settings, run: Run) -> None:
    share = links.make(storage.storage, Scope((run.id,)), "Ada", 7)
    pages = storage.storage / links.PAGES
    assert len(list(pages.iterdir())) == 1
    links.revoke(storage.storage, share.token, "Ben")
    found = links.find(storage.storage, share.token)
    assert not found.open_at(runs.now()) and "Ben" in found.standing
    assert list(pages.iterdir()) == []
    with pytest.raises(UserError, match="already"):
        links.revoke(storage.storage, share.token, "Ben")
    with pytest.raises(UserError, match="no such link"):
        links.revoke(storage.storage, "made.up", "Ben")


def test_a_link_ends_by_itself(storage: Settings, run: Run) -> None:
    share = links.make(storage.storage, Scope((run.id,)), "Ada", 1)
    assert share.open_at(share.made + timedelta(hours=23))
    assert not share.open_at(share.made + timedelta(days=1))


@pytest.mark.parametrize("days", (0, -1, 367))
def test_days_out_of_bounds_are_refused(storage: Settings, run: Run, days: int) -> None:
    with pytest.raises(UserError, match="1 to 366 days"):
        links.make(storage.storage, Scope((run.id,)), "Ada", days)


def test_a_line_s_open_period_ends_when_it_is_shared() -> None:
    fixed = links._fixed(Scope(line="press-3"))
    assert fixed.period.end is not None and fixed.period.end <= datetime.now(UTC)


def test_a_cleared_cache_is_made_again_and_a_deleted_run_says_so(
    storage: Settings, run: Run
) -> None:
    share = links.make(storage.storage, Scope((run.id,)), "Ada", 7)
    page = next((storage.storage / links.PAGES).iterdir())
    before = page.read_text(encoding="utf-8")
    page.unlink()
    assert "press 3" in links.opened(storage.storage, share).decode() and "press 3" in before
    next((storage.storage / links.PAGES).iterdir()).unlink()
    run.folder.rename(storage.storage / "away")
    with pytest.raises(UserError, match="There is no run"):
        links.opened(storage.storage, share)


def test_links_survive_a_reindex_and_are_in_a_backup(storage: Settings, run: Run) -> None:
    import tarfile

    share = links.make(storage.storage, Scope((run.id,)), "Ada", 7)
    maintenance.reindex(storage)
    assert links.find(storage.storage, share.token) == share
    with tarfile.open(maintenance.backup(storage)) as packed:
        assert links.JOURNAL in packed.getnames()


def test_nobody_else_may_read_the_journal_of_links(storage: Settings, run: Run) -> None:
    links.make(storage.storage, Scope((run.id,)), "Ada", 7)
    assert (storage.storage / links.JOURNAL).stat().st_mode & 0o077 == 0
    assert all("." not in page.stem for page in (storage.storage / links.PAGES).iterdir())
