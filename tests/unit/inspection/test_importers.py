"""Layouts of imported parts, zips, and parts that a detector finds in full pictures."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.core import facts, specs
from backend.images.words import verdict_of
from backend.inspection.parts import job as parts
from backend.inspection.parts.crops import read_crops, read_parts
from backend.inspection.parts.importers import detect, yolo_finder
from backend.inspection.parts.importers.crop_reader import cut_out
from backend.inspection.parts.spec import Spec
from backend.records import Box, Label, UserError


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


def picture(path: Path, seed: int, size: int = 32) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def zipped(folder: Path, target: Path, above: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(file, Path(above) / file.relative_to(folder))
    return target


def imported(place: Path, out: Path, **values):
    out.mkdir()
    spec = Spec(**({"source": "folder", "folder": str(place)} | values))
    specs.validate(spec)
    return parts.run(spec, out, quiet), read_parts(out).set_index("part")


@pytest.fixture
def mvtec(tmp_path) -> Path:
    """Two categories; one of them with a mask."""
    root = tmp_path / "set"
    for seed, category in enumerate(("nut", "plate")):
        for k in range(3):
            picture(root / category / "train" / "good" / f"{k}.png", 100 * seed + k)
        picture(root / category / "test" / "good" / "0.png", 100 * seed + 10)
        picture(root / category / "test" / "bent_wire" / "0.png", 100 * seed + 20)
    picture(root / "nut" / "ground_truth" / "bent_wire" / "0_mask.png", 7)
    return root


def test_mvtec_categories_become_types_and_masks_are_no_parts(mvtec, tmp_path):
    result, frame = imported(mvtec, tmp_path / "run")
    assert result.layout == "mvtec"
    assert result.counts == {"nut": [4, 1], "plate": [4, 1]}
    bad = frame.loc["nut/test/bent_wire/0.png"]
    assert (bad["defect"], bad["label"]) == ("bent wire", Label.BAD)
    assert bad["mask_path"].endswith("ground_truth/bent_wire/0_mask.png")
    assert frame["mask_path"].notna().sum() == 1
    assert 0 < bad["area"] <= 1 and frame["area"].notna().sum() == 1
    assert frame["group"].is_unique


@pytest.mark.parametrize("damage", ["text", "small"])
def test_a_mask_that_does_not_fit_is_left_out(mvtec, tmp_path, damage):
    mask = mvtec / "nut" / "ground_truth" / "bent_wire" / "0_mask.png"
    if damage == "text":
        mask.write_text("no picture")
    else:
        Image.new("L", (3, 3)).save(mask)
    _, frame = imported(mvtec, tmp_path / "run")
    assert frame["mask_path"].isna().all() and frame["area"].isna().all()


def test_one_category_alone_is_read_too(mvtec, tmp_path):
    result, frame = imported(mvtec / "nut", tmp_path / "run")
    assert result.counts == {"nut": [4, 1]}
    assert "test/bent_wire/0.png" in frame.index


@pytest.mark.parametrize(
    ("good", "bad"), [("good", "bad"), ("OK", "NOK"), ("ok", "ng"), ("Normal", "Anomaly")]
)
def test_good_and_bad_folders_under_the_usual_names(tmp_path, good, bad):
    root = tmp_path / "mine"
    picture(root / "edge" / good / "a.png", 1)
    picture(root / "edge" / bad / "scratch" / "b.png", 2)
    picture(root / "dots" / "train" / good / "c.png", 3)
    picture(root / "notes" / "d.png", 4)
    result, frame = imported(root, tmp_path / "run")
    assert result.counts == {"dots": [1, 0], "edge": [1, 1]}
    assert frame.loc[f"edge/{bad}/scratch/b.png", "defect"] == "scratch"
    assert "in no GOOD or BAD folder, left out: 1" in " ".join(result.notes)


def test_one_type_needs_no_folder_of_its_own(tmp_path):
    picture(tmp_path / "gear" / "good" / "a.png", 1)
    picture(tmp_path / "gear" / "bad" / "b.png", 2)
    assert imported(tmp_path / "gear", tmp_path / "run")[0].counts == {"gear": [1, 1]}


def test_words_that_are_no_verdict_are_none():
    assert verdict_of("n.i.O.") is Label.BAD and verdict_of("i.O.") is Label.GOOD
    assert verdict_of("not_ok") is Label.BAD
    assert verdict_of("goodyear") is None and verdict_of("1") is None


@pytest.mark.parametrize("above", ["", "top"])
def test_a_zip_is_unpacked_into_the_run_and_read_as_its_folder(mvtec, tmp_path, above):
    archive = zipped(mvtec, tmp_path / "parts.zip", above)
    result, frame = imported(archive, tmp_path / "run")
    assert result.counts == {"nut": [4, 1], "plate": [4, 1]}
    assert frame["path"].str.startswith("artifacts/unpacked/parts/").all()
    archive.unlink()
    assert read_crops(frame, tmp_path / "run", 32).std() > 0


def test_a_zip_of_one_type_is_named_after_the_zip(tmp_path):
    picture(tmp_path / "mine" / "good" / "a.png", 1)
    archive = zipped(tmp_path / "mine", tmp_path / "gear.zip")
    assert imported(archive, tmp_path / "run")[0].counts == {"gear": [1, 0]}


def test_a_zip_that_leaves_its_folder_is_refused(tmp_path):
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.write(picture(tmp_path / "a.png", 1), "../good/a.png")
    with pytest.raises(UserError, match="outside its folder"):
        imported(archive, tmp_path / "run")


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    picture(tmp_path / "mine" / "good" / "a.png", 1)
    (tmp_path / "mine" / "good" / "b.png").symlink_to(picture(tmp_path / "secret.png", 2))
    with pytest.raises(UserError, match="lies outside"):
        imported(tmp_path / "mine", tmp_path / "run")


def test_a_folder_that_says_nothing_is_refused_in_words(tmp_path):
    picture(tmp_path / "mine" / "a.png", 1)
    with pytest.raises(UserError, match="says nowhere which parts are GOOD"):
        detect.read(tmp_path / "mine", "auto")
    for layout, words in (("mvtec", "train/good"), ("good-bad", "No folder below")):
        with pytest.raises(UserError, match=words):
            detect.read(tmp_path / "mine", layout)


# parts that a detector finds


def boxes(*named: tuple[str, float]) -> list[Box]:
    return [Box(name, (x, 4.0, x + 10, 14.0), 0.9, "detector") for name, x in named]


@pytest.fixture
def found(monkeypatch):
    """A detector that finds, by a picture's size: dist.1 and dots (40 px), dots (50), nothing."""
    by_size = {40: boxes(("dist.1", 2), ("dots", 20), ("dots", 26)), 50: boxes(("dots", 5))}
    finder = lambda *_: lambda pixels: by_size.get(len(pixels), [])  # noqa: E731
    monkeypatch.setattr(yolo_finder, "finder", finder)


def detected(place, tmp_path):
    values = {"source": "crops", "detector_file": str(tmp_path / "any.pt"), "margin": 0}
    return imported(place, tmp_path / "run", **values)


def test_a_pictures_label_counts_for_all_parts_found_in_it(tmp_path, found):
    root = tmp_path / "full"
    picture(root / "good" / "a.png", 1, 40)
    picture(root / "bad" / "b.png", 2, 50)
    picture(root / "good" / "empty.png", 3, 60)
    result, frame = detected(root, tmp_path)
    assert result.counts == {"dist1": [1, 0], "dots": [2, 1]}
    assert frame["group"].nunique() == 2
    one = frame.loc["good/a.png#2"]
    assert (one["x1"], one["x2"], one["image"]) == (20, 30, "good/a.png")
    crop = np.asarray(Image.open(tmp_path / "run" / one["path"]))
    whole = np.asarray(Image.open(root / "good" / "a.png"))
    assert np.array_equal(crop, whole[4:14, 20:30])
    left_out = facts.read(tmp_path / "run", "left_out")
    assert left_out["file"].tolist() == ["good/empty.png"]
    assert result.left_out == 1 and "misses what it should" in " ".join(result.notes)


def test_a_row_may_name_the_one_feature_that_is_bad(tmp_path, found):
    root = tmp_path / "full"
    picture(root / "a.png", 1, 40)
    picture(root / "b.png", 2, 50)
    (root / "metadata.csv").write_text(
        "file_name,feature,label,group\na.png,,1,x\na.png,dist.1,0,x\nb.png,edge1,1,y\n"
    )
    result, _ = detected(root, tmp_path)
    assert result.counts == {"dist1": [0, 1], "dots": [2, 0]}
    left_out = facts.read(tmp_path / "run", "left_out")
    assert left_out["reason"].tolist() == ["the detector found no 'edge1' in it"]


def test_where_nothing_is_found_nothing_is_imported(tmp_path, found):
    picture(tmp_path / "full" / "good" / "a.png", 1, 60)
    with pytest.raises(UserError, match="No GOOD part is left"):
        detected(tmp_path / "full", tmp_path)


@pytest.mark.parametrize("values", [{}, {"detector_run": "x", "detector_file": "y"}])
def test_crops_need_exactly_one_detector(values):
    with pytest.raises(UserError, match="one of the two"):
        specs.validate(Spec(source="crops", folder="x", **values))


def test_a_file_that_is_no_detector_is_refused(tmp_path):
    file = tmp_path / "any.pt"
    file.write_bytes(b"no network")
    with pytest.raises(UserError, match=r"any\.pt"):
        yolo_finder.finder(file, 64, 0.25)


def test_a_square_stays_inside_the_picture_or_repeats_its_edge():
    pixels = np.arange(30 * 50).reshape(30, 50).astype(np.uint16)
    assert np.array_equal(cut_out(pixels, (40, 0, 50, 10), 0.5), pixels[0:20, 30:50])
    high = cut_out(pixels, (0, 10, 40, 20), 0)
    assert high.shape == (40, 40)
    assert np.array_equal(high[5:35], pixels[:, :40]) and (high[:5] == pixels[0, :40]).all()


ENDED = {"state": "completed", "finished": "2026-01-01T00:00:00+00:00", "result": {}, "error": ""}


@pytest.mark.parametrize(
    ("spec", "result", "size"),
    [
        ({"size": 96}, {}, 96),
        ({"size": 640, "preset": "paper"}, {}, 128),
        ({"size": 640, "preset": "paper"}, {"size": 128}, 128),
        ({"preset": "paper", "gone_since": True}, {}, 128),
        ({}, {}, 128),
        ({"size": 640}, {"size": 320}, 320),
    ],
)
def test_an_own_detector_looks_at_the_size_it_was_trained_with(
    tmp_path, monkeypatch, spec, result, size
):
    """That of its result; of an earlier version's, what the preset made of its settings."""
    name = "20260101T000000-detector-abcdef"
    own = tmp_path / name
    own.mkdir()
    asked_for = {"kind": "detector", "created": "2026-01-01T00:00:00+00:00", "spec": spec}
    (own / "spec.json").write_text(json.dumps(asked_for))
    (own / "result.json").write_text(json.dumps(ENDED | {"result": result}))
    asked = []
    finder = lambda *values: asked.append(values) or (lambda pixels: boxes(("dots", 2)))  # noqa: E731
    monkeypatch.setattr(yolo_finder, "finder", finder)
    picture(tmp_path / "full" / "good" / "a.png", 1, 40)
    imported(tmp_path / "full", tmp_path / "run", source="crops", detector_run=name)
    assert asked == [(own / "artifacts" / "detector.pt", size, 0.25)]
