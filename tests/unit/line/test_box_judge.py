"""A detector on the line: its boxes make the verdict, and are drawn."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from backend.deployment.package import contract
from backend.line import box_judge, watch
from backend.line.box_judge import BoxJudge
from backend.line.judge import PackageJudge, Setting
from backend.line.part import Captured, Part, Verdict
from backend.line.pictures import Limits, Pictures
from backend.records import UserError
from tests.unit.line.packages import detector_run, picture


@pytest.fixture
def run(tmp_path):
    return detector_run(tmp_path / "runs")


@pytest.fixture
def folder(run):
    return contract.folder_of(run.folder)


def part(shade, fault=""):
    target = BytesIO()
    Image.fromarray(picture(shade)).save(target, "PNG")
    return Captured(target.getvalue(), "any type", 0.0, fault=fault)


def called(judge, *shades):
    return [judge.look(part(shade)).said.verdict.value for shade in shades]


def test_a_box_that_is_sure_enough_makes_a_part_bad(folder):
    judge = box_judge.made(folder, "", 1, None, "", Setting())
    assert isinstance(judge, BoxJudge)
    assert called(judge, 100, 127, 128, 200) == ["GOOD", "GOOD", "BAD", "BAD"]
    strict = BoxJudge(folder, "", 1, setting=Setting(box=0.9, box_review=100 / 255))
    assert called(strict, 99, 100, 200, 240) == ["GOOD", "REVIEW", "REVIEW", "BAD"]
    said = judge.look(part(200)).said
    assert said.score == pytest.approx(200 / 255)
    assert judge.versions["thresholds"] == 0


def test_its_golden_pictures_are_tested(folder, monkeypatch):
    assert BoxJudge(folder, "", 1).drift() == ""
    monkeypatch.setattr(BoxJudge, "_promised", lambda self, row: 0.2)
    assert "golden part g" in BoxJudge(folder, "", 1).drift()


def test_what_cannot_be_judged_is_uninspected(folder):
    judge = BoxJudge(folder, "", 1)
    assert judge.look(Captured(b"", "", 0.0)).said.verdict is Verdict.UNINSPECTED
    assert judge.look(part(200, fault="torn")).said.reason == "torn"


def test_limits_of_an_anomaly_model_and_other_judges_are_refused(folder):
    with pytest.raises(UserError, match="none of a detector"):
        BoxJudge(folder, "", 1, folder / "thresholds.json")
    with pytest.raises(UserError, match="holds a detector"):
        PackageJudge(folder, "", 1)


def test_kept_pictures_show_their_boxes(folder, tmp_path):
    looked = BoxJudge(folder, "", 1).look(part(200))
    assert [box.xyxy for box in looked.boxes] == [(2, 3, 9, 11)]
    kept = Pictures(tmp_path, "line", Limits(0, 10**6, 10)).keep(
        Part(1, 1, 1, part(200), 0.0), Verdict.BAD, None, looked.boxes
    )
    shown = np.asarray(watch.picture(tmp_path, kept))
    assert not (shown == picture(200)).all()
