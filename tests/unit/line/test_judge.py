"""What a package on the line says of a part, and that it never lets one pass unseen."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from backend.core import runs
from backend.deployment.package import contract
from backend.line.judge import PackageJudge, Setting
from backend.line.part import Captured, Verdict
from backend.line.variant import Variant
from backend.records import UserError
from tests.unit.line.packages import MODEL_RUN, SHADES, package_run, picture, threshold_run


@pytest.fixture
def folder(tmp_path):
    return contract.folder_of(package_run(tmp_path).folder)


def part(pixels, feature="dot", kind="PNG", fault=""):
    target = BytesIO()
    Image.fromarray(pixels).save(target, kind)
    return Captured(target.getvalue(), feature, 0.0, fault=fault)


def test_the_limits_of_the_package_make_the_verdict(folder):
    judge = PackageJudge(folder, "", 1)
    said = [judge.look(part(picture(shade))).said for shade in SHADES]
    assert [one.verdict for one in said] == [
        *(Verdict.GOOD, Verdict.GOOD, Verdict.REVIEW, Verdict.BAD),
    ]
    assert {one.thresholds for one in said} == {4}
    assert {one.config for one in said} == {judge.config}
    assert judge.look(part(picture(100))).anomaly_map.shape == (4, 4)


def test_other_limits_and_settings_make_another_config(folder, tmp_path):
    limits = threshold_run(tmp_path, MODEL_RUN, {"dot": (0.5, 0.1)})
    file = limits.folder / "artifacts" / "thresholds.json"
    own, other = PackageJudge(folder, "", 1), PackageJudge(folder, "", 1, file)
    assert other.look(part(picture(108))).said.verdict is Verdict.BAD
    assert other.look(part(picture(108), "edge")).said.verdict is Verdict.REVIEW, "no limit"
    assert other.look(part(picture(108))).said.thresholds == 9
    assert len({own.config, other.config, PackageJudge(folder, "", 1, None, "x").config}) == 3


@pytest.mark.parametrize("size", [(16, 16), (40, 30), (8, 8)])
def test_a_part_of_any_size_is_brought_to_the_models(folder, size):
    pixels = np.full((*size, 3), 130, np.uint8)
    assert PackageJudge(folder, "", 1).look(part(pixels)).said.verdict is Verdict.BAD


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (Captured(b"", "dot", 0.0), "cannot be decoded"),
        (Captured(b"\xff\xd8\xff\xe0 torn", "dot", 0.0), "cannot be decoded"),
        (part(picture(100), "nothing"), "does not know the feature type 'nothing'"),
        (part(picture(100), fault="the disk was full"), "the disk was full"),
    ],
)
def test_what_cannot_be_judged_is_uninspected(folder, one, reason):
    said = PackageJudge(folder, "", 1).look(one).said
    assert (said.verdict, said.score) == (Verdict.UNINSPECTED, None)
    assert reason in said.reason


def test_a_bomb_of_a_picture_is_not_opened(folder, monkeypatch):
    monkeypatch.setattr("backend.line.judge.MOST_PIXELS", 100)
    said = PackageJudge(folder, "", 1).look(part(picture(100))).said
    assert said.verdict is Verdict.UNINSPECTED and "too many" in said.reason


@pytest.mark.parametrize("answer", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_uninspected(folder, monkeypatch, answer):
    judge = PackageJudge(folder, "", 1)
    monkeypatch.setattr(judge, "_scored", lambda *_: (answer, np.zeros((4, 4), np.float32)))
    assert judge.look(part(picture(100))).said.verdict is Verdict.UNINSPECTED


def test_what_nobody_foresaw_is_uninspected(folder, monkeypatch):
    judge = PackageJudge(folder, "", 1)
    monkeypatch.setattr(judge, "_scored", lambda *_: 1 / 0)
    said = judge.look(part(picture(100))).said
    assert said.verdict is Verdict.UNINSPECTED and "ZeroDivisionError" in said.reason


def test_the_type_of_a_silent_source(folder):
    silent = part(picture(130), "")
    assert PackageJudge(folder, "edge", 1).look(silent).said.verdict is Verdict.BAD
    assert PackageJudge(folder, "", 1).look(silent).said.verdict is Verdict.UNINSPECTED
    with pytest.raises(UserError, match="does not know 'other'"):
        PackageJudge(folder, "other", 1)


def test_golden_parts_tell_whether_the_package_still_says_the_same(tmp_path, folder):
    assert PackageJudge(folder, "", 1).drift() == ""
    drifted = contract.folder_of(package_run(tmp_path, shift=0.01).folder)
    assert "golden part g100" in PackageJudge(drifted, "", 1).drift()


def test_a_package_that_was_changed_is_refused(folder):
    (folder / contract.MODEL).write_bytes(b"another")
    with pytest.raises(UserError, match="hash differs"):
        PackageJudge(folder, "", 1)


def test_a_deep_picture_is_scaled_by_the_bits_in_use(folder):
    target = BytesIO()
    Image.fromarray(np.full((16, 16), 130 * 16, np.uint16)).save(target, "PNG")
    deep = Captured(target.getvalue(), "dot", 0.0)
    said = PackageJudge(folder, "", 1, setting=Setting(bits=12)).look(deep).said
    assert said.score == pytest.approx(3.0, abs=0.05)
    assert PackageJudge(folder, "", 1).look(deep).said.score < 0, "nearly black among 16 bits"


def test_a_variant_is_held_to_what_it_gave_first(folder, tmp_path):
    other = contract.folder_of(package_run(tmp_path / "other").folder) / contract.MODEL
    setting = Setting(Variant("INT8", other, "a" * 64), tmp_path)
    judge = PackageJudge(folder, "", 1, setting=setting)
    assert judge.versions == {"package": "a" * 12, "thresholds": 4, "variant": "INT8"}
    assert judge.drift() == ""
    kept = tmp_path / f"golden-{'a' * 12}.json"
    scores = runs.read_json(kept)
    assert scores["g130"] == pytest.approx(3.0)
    runs.write_json(kept, scores | {"g130": 3.1})
    assert "golden part g130" in judge.drift()
