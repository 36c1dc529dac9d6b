"""Parts: what is simulated, what is imported, and what an import refuses in plain words."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from backend.core import facts, specs
from backend.inspection.parts import job as parts
from backend.inspection.parts.crops import COLUMNS, read_crop, read_crops, read_parts
from backend.inspection.parts.spec import Spec
from backend.records import UserError


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


def grey(level, size=40):
    return Image.new("RGB", (size, size), (level, level, level))


@pytest.fixture
def folder(tmp_path):
    """Six images, four GOOD and two BAD, in two feature types."""
    root = tmp_path / "mine"
    (root / "a").mkdir(parents=True)
    rows = []
    kinds = ["dist.1", "dist.1", "e.rought2", "e.rought2", "dist.1", "e.rought2"]
    for i, (feature, label) in enumerate(zip(kinds, [1, 1, 1, 1, 0, 0], strict=True)):
        grey(20 * i).save(root / "a" / f"{i}.png")
        rows.append({"file_name": f"a/{i}.png", "feature": feature, "label": label})
    pd.DataFrame(rows).to_csv(root / "metadata.csv", index=False)
    return root


def rewrite(folder, change, **options):
    table = pd.read_csv(folder / "metadata.csv", dtype=str, keep_default_na=False)
    table = change(table)
    table.to_csv(folder / "metadata.csv", index=False, **options)


def imported(folder, out):
    out.mkdir(exist_ok=True)
    return parts.run(Spec(source="folder", folder=str(folder)), out, quiet)


def refused(folder, tmp_path):
    with pytest.raises(UserError) as caught:
        imported(folder, tmp_path / "run")
    assert not facts.path(tmp_path / "run", "parts").exists()
    return str(caught.value)


def textured(seed, size=40):
    pixels = np.random.default_rng(seed).integers(60, 200, (size, size, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_simulated_parts_can_be_read_back(tmp_path):
    result = parts.run(Spec(scale=0.02, size=64), tmp_path, quiet)
    frame = read_parts(tmp_path)
    assert list(frame.columns) == list(COLUMNS)
    assert result.n == len(frame) == result.n_good + result.n_bad
    assert len(result.features) == 8 and frame["part"].is_unique
    assert (frame.loc[frame["label"] == 0, "defect"] != "").all()
    crops = read_crops(frame.head(5), tmp_path, 64)
    assert crops.shape == (5, 64, 64, 3) and crops.dtype == np.uint8 and crops.std() > 0
    json.dumps(specs.to_json(result))


def test_same_spec_same_pictures(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        parts.run(Spec(scale=0.02, size=64, seed=3), tmp_path / name, quiet)
    one, two = (read_parts(tmp_path / name) for name in ("one", "two"))
    assert one.equals(two)
    pictures = [read_crops(f, tmp_path / n, 64) for f, n in ((one, "one"), (two, "two"))]
    assert np.array_equal(*pictures)


def test_import_maps_names_and_keeps_the_files_where_they_are(folder, tmp_path):
    result = imported(folder, tmp_path / "run")
    frame = read_parts(tmp_path / "run")
    assert result.features == ("dist1", "edge2")
    assert result.counts == {"dist1": [2, 1], "edge2": [2, 1]}
    assert frame["path"].tolist() == [str(folder.resolve() / "a" / f"{i}.png") for i in range(6)]
    assert frame["group"].tolist() == frame["part"].tolist()
    assert not (tmp_path / "run" / "artifacts").exists()
    assert read_crops(frame, tmp_path / "run", 32).mean((1, 2, 3)).tolist() == [
        0, 20, 40, 60, 80, 100,
    ]  # fmt: skip


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_delimiter_bom_and_words_for_labels(folder, tmp_path, separator):
    words = {"1": "GOOD", "0": "bad"}
    rewrite(
        folder,
        lambda t: t.assign(label=t["label"].map(words)),
        sep=separator,
        encoding="utf-8-sig",
    )
    assert imported(folder, tmp_path / "run").n_bad == 2


def test_copies_in_two_groups_are_counted(folder, tmp_path):
    grey(0).save(folder / "a" / "1.png")
    result = imported(folder, tmp_path / "run")
    assert result.duplicates == 2 and "copy in another group" in " ".join(result.notes)
    rewrite(folder, lambda t: t.assign(group="one"))
    assert imported(folder, tmp_path / "run").duplicates == 0


@pytest.mark.parametrize("name", ["../secret.png", "a/../../secret.png", "/etc/hostname"])
def test_a_path_out_of_the_folder_is_refused(folder, tmp_path, name):
    grey(9).save(tmp_path / "secret.png")
    rewrite(folder, lambda t: t.assign(file_name=[name, *t["file_name"][1:]]))
    text = refused(folder, tmp_path)
    assert "outside" in text and "row 2" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="label"), ("lacks the column 'label'",)),
        (lambda t: t.head(0), ("lists no part",)),
        (lambda t: t.assign(label=["1", "2", *t["label"][2:]]), ("row 3", "unknown label '2'")),
        (lambda t: t.assign(label="0"), ("no GOOD part",)),
        (lambda t: t.assign(file_name=["a/9.png", *t["file_name"][1:]]), ("a/9.png", "row 2")),
        (lambda t: t.assign(file_name="a/1.png"), ("row 3", "second time")),
        (lambda t: t.assign(feature=["x", "", *t["feature"][2:]]), ("row 3", "'feature'")),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(folder, tmp_path, change, words):
    rewrite(folder, change)
    text = refused(folder, tmp_path)
    assert all(word in text for word in words), text


def test_a_broken_image_is_named(folder, tmp_path):
    (folder / "a" / "3.png").write_bytes((folder / "a" / "3.png").read_bytes()[:60])
    text = refused(folder, tmp_path)
    assert "row 5: 'a/3.png' is no readable image" in text and "1 of 6 pictures" in text


def test_every_unreadable_picture_is_named_or_left_out(folder, tmp_path):
    for k in (1, 3):
        (folder / "a" / f"{k}.png").write_bytes(b"nothing")
    (folder / "a" / "5.png").unlink()
    text = refused(folder, tmp_path)
    assert "3 of 6 pictures" in text and "Skip unreadable" in text
    assert all(f"'a/{k}.png'" in text for k in (1, 3, 5)) and "does not exist" in text
    (tmp_path / "again").mkdir()
    spec = Spec(source="folder", folder=str(folder), skip_unreadable=True)
    result = parts.run(spec, tmp_path / "again", quiet)
    assert (result.n, result.left_out) == (3, 3)
    left_out = facts.read(tmp_path / "again", "left_out")
    assert left_out["file"].tolist() == ["a/1.png", "a/3.png", "a/5.png"]


def test_a_box_is_cut_out_square_and_keeps_its_place(tmp_path):
    root = tmp_path / "mine"
    root.mkdir()
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[10:30, 20:60] = 200
    Image.fromarray(pixels).save(root / "board.png")
    (root / "metadata.csv").write_text(
        "file_name,feature,label,x1,y1,x2,y2\n"
        "board.png,pad,1,20,10,60,30\nboard.png,pad,0,80,40,100,60\nboard.png,whole,1,,,,\n"
    )
    imported(root, tmp_path / "run")
    frame = read_parts(tmp_path / "run").set_index("part")
    first = frame.loc["board.png"]
    assert (first["image"], first["x1"], first["y2"]) == ("board.png", 20, 30)
    crop = np.asarray(Image.open(tmp_path / "run" / first["path"]))
    assert crop.shape == (48, 48, 3)  # 40 px and a margin of a tenth on each side
    assert (crop > 100).sum() == 3 * 40 * 20
    second = Image.open(tmp_path / "run" / frame.loc["board.png#2", "path"])
    assert second.size == (24, 24)
    assert frame.loc["board.png#3", "path"] == str(root.resolve() / "board.png")
    assert frame["group"].unique().tolist() == ["board.png"]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("5,5,3,9", "row 2: the box 5, 5, 3, 9 is no box"),
        ("1,2,x,4", "is not four numbers"),
        ("40,0,90,20", "leaves the picture (40 × 40 px)"),
    ],
)
def test_a_wrong_box_is_refused_with_its_row(tmp_path, cells, words):
    root = tmp_path / "mine"
    root.mkdir()
    grey(9).save(root / "a.png")
    table = f"file_name,feature,label,x1,y1,x2,y2\na.png,pad,1,{cells}\n"
    (root / "metadata.csv").write_text(table)
    assert words in refused(root, tmp_path)


def test_facts_of_the_checks_fit_the_parts(folder, tmp_path):
    textured(1).save(folder / "a" / "0.png")
    imported(folder, tmp_path / "run")
    checks = facts.read(tmp_path / "run", "part_checks").set_index("part")
    pixels = np.asarray(Image.open(folder / "a" / "0.png").convert("L"), float)
    assert checks.loc["a/0.png", "brightness"] == pytest.approx(pixels.mean(), abs=1e-3)
    assert checks.loc["a/0.png", "contrast"] == pytest.approx(pixels.std(), abs=1e-3)
    assert (checks["width"] == 40).all() and not checks["leak"].any()
    assert checks.loc["a/1.png", ["contrast", "sharpness"]].tolist() == [0, 0]


def test_a_huge_image_is_refused(folder, tmp_path):
    Image.new("1", (10_001, 5_000)).save(folder / "a" / "0.png")
    assert "50 megapixels" in refused(folder, tmp_path)


def test_other_encodings_and_empty_files(folder, tmp_path):
    (folder / "metadata.csv").write_bytes("file_name,feature,label\nä.png,x,1".encode("latin-1"))
    assert "UTF-8" in refused(folder, tmp_path)
    (folder / "metadata.csv").write_text("")
    assert "empty" in refused(folder, tmp_path)
    (folder / "metadata.csv").unlink()
    assert "metadata.csv is missing" in refused(folder, tmp_path)
    with pytest.raises(UserError, match="name a folder"):
        specs.validate(Spec(source="folder"))


def test_16_bit_pictures_keep_their_greys(folder, tmp_path):
    ramp = np.linspace(0, 65535, 40 * 40).reshape(40, 40).astype(np.uint16)
    Image.fromarray(ramp).save(folder / "a" / "0.png")
    crop = read_crop(folder / "a" / "0.png", 40)
    assert crop.max() == 255 and abs(crop.mean() - 127) < 2


def test_job_modules_import_without_heavy_libraries():
    modules = "backend.inspection.parts.job, backend.inspection.model.job, "
    modules += "backend.deployment.package.job, backend.deployment.latency.job"
    heavy = "{'torch', 'ultralytics', 'cv2', 'diffusers', 'onnxruntime', 'streamlit'}"
    code = f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
