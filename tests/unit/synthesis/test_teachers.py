"""The four teachers behind one interface."""

import json
import zipfile

import numpy as np
import pytest

from backend import facts, runs, specs
from backend.records import UserError
from backend.synthesis import diffusion, imageset, pictures, teacher


def quiet(*args, **kwargs):
    pass


def made(tmp_path, **values):
    folder = runs.create(tmp_path / "runs", "generate", values).folder
    return folder, teacher.run(specs.from_json(teacher.Spec, values), folder, quiet)


@pytest.fixture(scope="module")
def diffused(tmp_path_factory):
    """Ten images of the shipped diffusion model."""
    return made(
        tmp_path_factory.mktemp("diffused"),
        teacher="diffusion",
        count=10,
        seed=5,
        denoising_steps=3,
        intact_share=0.3,
    )


def test_the_shipped_diffusion_model_teaches_without_any_download(diffused):
    folder, result = diffused
    rows = imageset.records(facts.read(folder, "images"))
    assert result.images == len(rows) == 10
    assert {row["source"] for row in rows} == {"diffusion"}
    assert {json.loads(row["params"])["class"] for row in rows} <= {"intact", *teacher_classes()}
    noise = np.load(folder / "artifacts" / "noise" / "000003.npy")
    assert noise.shape == (12, 16, 16)
    assert noise.dtype == np.float32


def teacher_classes():
    card = json.loads((diffusion.SHIPPED / "diffusion.json").read_text())
    return card["classes"][1:]


def test_an_image_of_the_diffusion_model_depends_on_its_seed_alone(diffused, tmp_path):
    folder, _ = diffused
    settings = {"teacher": "diffusion", "denoising_steps": 3, "intact_share": 0.3}
    shorter, _ = made(tmp_path, **settings, count=2, seed=5)
    for k in range(2):
        name = f"artifacts/images/{k:06d}.png"
        assert (folder / name).read_bytes() == (shorter / name).read_bytes()


def test_a_label_of_the_diffusion_model_counts_only_where_class_and_mask_agree(diffused):
    folder, _ = diffused
    boxes = facts.read(folder, "boxes")
    for row in imageset.records(facts.read(folder, "images")):
        params = json.loads(row["params"])
        has_box = bool(imageset.boxes_of(boxes, row["image"]))
        if params.get("labelled", True):
            assert has_box == (params["class"] != "intact")
        else:
            assert not has_box


def test_the_shipped_model_is_small_and_says_how_it_was_trained():
    size = sum(p.stat().st_size for p in diffusion.SHIPPED.iterdir())
    assert size <= 25e6
    card = json.loads((diffusion.SHIPPED / "diffusion.json").read_text())
    assert card["classes"] == ["intact", "bubble", "chip", "crack", "inclusion", "scratch"]
    assert any("backend diffusion" in line for line in card["commands"])


def test_an_unknown_kind_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match="never saw 'dent'"):
        made(tmp_path, teacher="diffusion", kinds=["dent"], count=1)


def test_a_zip_of_labelled_images_becomes_a_set(tmp_path):
    archive = tmp_path / "mine.zip"
    pictures.write(tmp_path / "a.png", np.full((50, 100, 3), 90, np.uint8))
    with zipfile.ZipFile(archive, "w") as file:
        file.write(tmp_path / "a.png", "set/images/a.png")
        file.write(tmp_path / "a.png", "set/images/b.png")
        file.writestr("set/labels/a.txt", "0 0.5 0.5 0.2 0.4\n")
        file.writestr("set/classes.txt", "dent\n")
    folder, result = made(tmp_path, teacher="folder", folder=str(archive), licence="ours")
    images, boxes = imageset.read(folder)
    assert (result.images, result.boxes, result.intact) == (2, 1, 1)
    (box,) = imageset.boxes_of(boxes, "000000")
    assert box.class_name == "dent"
    assert box.xyxy == pytest.approx((40, 15, 60, 35))
    assert box.source == "imported"
    assert len(imageset.labelled(images)) == 2


def test_images_without_labels_may_be_left_for_later(tmp_path):
    pictures.write(tmp_path / "photos" / "a.png", np.full((50, 60, 3), 90, np.uint8))
    folder, _ = made(
        tmp_path,
        teacher="folder",
        folder=str(tmp_path / "photos"),
        without_label="not labelled yet",
    )
    images, _ = imageset.read(folder)
    assert len(images) == 1
    assert imageset.labelled(images).empty


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("x.zip", b"PK no zip", "x.zip"), ("empty", None, "holds no image")],
)
def test_what_cannot_be_imported_is_refused_in_words(tmp_path, name, content, words):
    place = tmp_path / name
    if content is None:
        place.mkdir()
    else:
        place.write_bytes(content)
    with pytest.raises(UserError, match=words):
        made(tmp_path, teacher="folder", folder=str(place))


def test_stable_diffusion_without_weights_says_what_to_download_and_where(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"download them .* into the folder .*weights"):
        made(tmp_path, teacher="stable-diffusion", count=1)
