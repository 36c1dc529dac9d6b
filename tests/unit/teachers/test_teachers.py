"""The four teachers behind one interface."""

import json
import re
import zipfile

import numpy as np
import pytest

from backend.core import facts, runs, specs
from backend.images import imagefiles, imageset
from backend.records import Cancelled, UserError
from backend.teachers.diffusion.spec import SHIPPED
from backend.teachers.generate import job as teacher
from backend.teachers.generate.spec import Spec as TeacherSpec
from tests import tiny_diffusion


def quiet(*args, **kwargs):
    pass


def made(tmp_path, **values):
    folder = runs.create(tmp_path / "runs", "generate", values).folder
    return folder, teacher.run(specs.from_json(TeacherSpec, values), folder, quiet)


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
    card = json.loads((SHIPPED / "diffusion.json").read_text())
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
    size = sum(p.stat().st_size for p in SHIPPED.iterdir())
    assert size <= 25e6
    card = json.loads((SHIPPED / "diffusion.json").read_text())
    assert card["classes"] == ["intact", "bubble", "chip", "crack", "inclusion", "scratch"]
    assert any("backend diffusion" in line for line in card["commands"])


def test_an_unknown_kind_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match="never saw 'dent'"):
        made(tmp_path, teacher="diffusion", kinds=["dent"], count=1)


def test_a_zip_of_labelled_images_becomes_a_set(tmp_path):
    archive = tmp_path / "mine.zip"
    imagefiles.write(tmp_path / "a.png", np.full((50, 100, 3), 90, np.uint8))
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
    imagefiles.write(tmp_path / "photos" / "a.png", np.full((50, 60, 3), 90, np.uint8))
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


PAINTED = {
    "teacher": "stable-diffusion",
    "count": 3,
    "pixels": 64,
    "size": 128,
    "painting_steps": 2,
    "prompts": ["a crack", "glass"],
}


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    return tiny_diffusion.make(tmp_path_factory.mktemp("tiny") / "model")


def test_stable_diffusion_labels_where_it_attended_to_the_defect_words(tmp_path, tiny_model):
    folder, result = made(tmp_path, **PAINTED, model=str(tiny_model), defect_words="crack")
    rows = imageset.records(imageset.read(folder)[0])
    prompts = [json.loads(row["params"])["prompt"] for row in rows]
    assert prompts == ["a crack", "glass", "a crack"]
    assert rows[0]["labelled"]
    assert not rows[1]["labelled"]  # none of its words is a defect's
    assert set(facts.read(folder, "boxes")["source"]) == {"attention"}
    assert imagefiles.read_rgb(folder / rows[0]["path"]).shape == (128, 128, 3)
    assert imagefiles.read_rgb(folder / "artifacts/full/000000.png").shape == (64, 64, 3)
    assert (folder / "artifacts" / "attention" / "000000.npy").exists()
    assert any("CPU" in note or "GPU" in note for note in result.notes)


def test_a_stopped_painting_goes_on_without_repeating_an_image(tmp_path, tiny_model):
    values = PAINTED | {"model": str(tiny_model)}
    whole, _ = made(tmp_path / "whole", **values)
    spec = specs.from_json(TeacherSpec, values)
    stopped = runs.create(tmp_path / "runs", "generate", values).folder

    def stop_in_the_second(fraction, message=""):
        if "painting image 2 of 3" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        teacher.run(spec, stopped, stop_in_the_second)
    first = stopped / "artifacts" / "images" / "000000.png"
    written = first.stat().st_mtime_ns
    teacher.run(spec, stopped, quiet)
    assert first.stat().st_mtime_ns == written
    for k in range(3):
        name = f"artifacts/images/{k:06d}.png"
        assert (stopped / name).read_bytes() == (whole / name).read_bytes()


def test_images_the_safety_checker_blacked_out_are_rejected_and_counted(tmp_path):
    model = tiny_diffusion.make(tmp_path / "model", flags=True)
    folder, result = made(tmp_path, **PAINTED, model=str(model))
    assert "3 images were blacked out by the safety checker and rejected." in result.notes
    assert imageset.read(folder)[0].empty


def test_stable_diffusion_paints_over_the_images_of_a_run(tmp_path, tiny_model, diffused):
    start, _ = diffused
    values = PAINTED | {"model": str(tiny_model), "mode": "image-to-image", "strength": 0.5}
    runs.finish(start, runs.RunState.COMPLETED, result={})
    folder = runs.create(start.parent, "generate", values).folder
    spec = specs.from_json(TeacherSpec, values | {"start_run": start.name})
    assert teacher.run(spec, folder, quiet).images == 3


def test_the_estimate_is_in_words_a_person_can_plan_by():
    spec = specs.from_json(TeacherSpec, {"teacher": "stable-diffusion", "count": 100})
    assert re.search(r"about .* an image on .*, .* for 100; .* GB of memory", spec.estimate())


def test_stable_diffusion_without_weights_says_what_to_download_and_where(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"download them .* into the folder .*weights"):
        made(tmp_path, teacher="stable-diffusion", count=1)
