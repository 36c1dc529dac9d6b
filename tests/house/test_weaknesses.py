"""The audit of packages says what it looked at, and that it could not look."""

import json

import pytest

from tests import audit

REPORT = [
    {"name": "one", "version": "1.0", "vulns": []},
    {"name": "two", "version": "2.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1", "3.0"]}]},
    {"name": "three", "version": "3.0", "vulns": [{"id": "CVE-2", "fix_versions": []}]},
    {"name": "four", "version": "4.0", "skip_reason": "not on PyPI"},
]


@pytest.fixture
def looked(monkeypatch):
    def found(report, in_reach=True):
        monkeypatch.setattr(audit, "is_in_reach", lambda address: in_reach)
        monkeypatch.setattr(audit, "audited", lambda: report)
        return audit.main()

    return found


def test_a_known_weakness_fails_and_is_named_with_its_cure(looked, capsys):
    assert looked(REPORT) == 1
    said = capsys.readouterr().out
    assert "two 2.0: CVE-1, mended in 2.1, 3.0" in said and "three 3.0: CVE-2, not mended" in said
    assert "3 packages looked at, 2 known weaknesses; 1 that PyPI does not know." in said


def test_none_known_is_well(looked, capsys):
    assert looked(REPORT[:1]) == 0
    assert "1 packages looked at, 0 known weaknesses" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("report", "in_reach"), [(REPORT, False), (None, True), (REPORT[3:], True)]
)
def test_without_the_list_it_is_said_that_nothing_was_looked_at(looked, capsys, report, in_reach):
    assert looked(report, in_reach) == 0
    assert "NOT DONE" in capsys.readouterr().out


def test_a_mirror_without_advisories_is_not_taken_for_the_list(tmp_path):
    page = tmp_path / "page.json"
    page.write_text(json.dumps({"info": {}}))
    assert not audit.is_in_reach(page.as_uri())
    assert not audit.is_in_reach((tmp_path / "none.json").as_uri())
    page.write_text(json.dumps({"vulnerabilities": []}))
    assert audit.is_in_reach(page.as_uri())
