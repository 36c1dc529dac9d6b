"""The four teachers behind one interface."""

import json
import re
import zipfile

import numpy as np
import pytest

from backend.core import facts, runs, specs
from backend.images import curation, imagefiles, imageset
from backend.records import Cancelled, UserError
from backend.teachers.generate import job as teacher
from backend.teachers.generate.spec import Spec as TeacherSpec
from tests import tiny_denoiser, tiny_diffusion


def quiet(*args, **kwargs):
    pass


def made(tmp_path, **values):
    folder = runs.create(tmp_path / "runs", "generate", values).folder
    return folder, teacher.run(specs.from_json(TeacherSpec, values), folder, quiet)


@pytest.fixture(scope="module")
def diffused(tmp_path_factory):
    """Ten images of a diffusion model."""
    place = tmp_path_factory.mktemp("diffused")
    return made(
        place,
        teacher="diffusion",
        model_run=tiny_denoiser.make(place / "runs").id,
        count=10,
        seed=5,
        denoising_steps=3,
        intact_share=0.3,
    )


def test_a_diffusion_model_paints_images_and_keeps_their_noise(diffused):
    folder, result = diffused
    rows = imageset.records(facts.read(folder, "images"))
    assert result.images == len(rows) == 10
    assert {row["source"] for row in rows} == {"diffusion"}
    assert {json.loads(row["params"])["class"] for row in rows} <= set(tiny_denoiser.CLASSES)
    noise = np.load(folder / "artifacts" / "noise" / "000003.npy")
    assert noise.shape == (12, 16, 16)
    assert noise.dtype == np.float32


def test_an_image_of_the_diffusion_model_depends_on_its_seed_alone(diffused, tmp_path):
    folder, _ = diffused
    model = tiny_denoiser.make(tmp_path / "runs")
    settings = {"teacher": "diffusion", "denoising_steps": 3, "intact_share": 0.3}
    shorter, _ = made(tmp_path, **settings, model_run=model.id, count=2, seed=5)
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


def test_an_unknown_kind_is_refused_by_name(tmp_path):
    model = tiny_denoiser.make(tmp_path / "runs")
    with pytest.raises(UserError, match="never saw 'dent'"):
        made(tmp_path, teacher="diffusion", model_run=model.id, kinds=["dent"], count=1)


def test_a_diffusion_teacher_needs_a_model_that_was_trained(tmp_path):
    with pytest.raises(UserError, match="Model run is missing"):
        made(tmp_path, teacher="diffusion", count=1)


def test_a_zip_of_labelled_images_becomes_a_set(tmp_path):
    archive = tmp_path / "mine.zip"
    imagefiles.write(tmp_path / "a.png", np.full((50, 100, 3), 90, np.uint8))
    with zipfile.ZipFile(archive, "w") as file:
        file.write(tmp_path / "a.png", "set/images/a.png")
        file.write(tmp_path / "a.png", "set/images/b.png")
        file.writestr("set/labels/a.txt", "0 0.5 0.5 0.2 0.4\n")
        file.writestr("set/classes.txt", "dent\n")
    folder, result = made(tmp_path, teacher="folder", folder=str(archive), licence="ours")
    images, boxes = curation.kept(folder)
    assert (result.images, result.boxes, result.intact) == (2, 1, 1)
    (box,) = imageset.boxes_of(boxes, "000000")
    assert box.class_name == "dent"
    assert box.xyxy == pytest.approx((40, 15, 60, 35))
    assert box.source == "imported"
    assert len(images[images["labelled"]]) == 2


def test_images_without_labels_may_be_left_for_later(tmp_path):
    imagefiles.write(tmp_path / "photos" / "a.png", np.full((50, 60, 3), 90, np.uint8))
    folder, _ = made(
        tmp_path,
        teacher="folder",
        folder=str(tmp_path / "photos"),
        without_label="not labelled yet",
    )
    images, _ = curation.kept(folder)
    assert len(images) == 1
    assert images[images["labelled"]].empty


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
    rows = imageset.records(curation.kept(folder)[0])
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
    assert curation.kept(folder)[0].empty


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


def test_the_renderer_makes_any_material_with_its_own_defects(tmp_path):
    values = {"material": "textile", "classes": ["tear", "stain"], "intact_share": 0.3}
    folder, result = made(tmp_path, teacher="renderer", count=12, size=128, **values)
    images = imageset.read(folder)
    assert result.images == 12 and result.intact >= 1
    assert {box.class_name for image in images for box in image.boxes} <= {"tear", "stain"}
    assert {image.origin.params["material"] for image in images} == {"textile"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"material": "textile"}, "Classes: 'crack' does not go with material 'textile'"),
        ({"classes": ["dent"]}, "Classes: 'dent' does not go with material 'glass'"),
        ({"material": "wood", "lighting": "back light"}, "Lighting: 'back light' does not go"),
    ],
)
def test_what_a_material_cannot_have_is_refused_in_words(values, words):
    with pytest.raises(UserError, match=re.escape(words)):
        specs.from_json(TeacherSpec, values)


def test_older_settings_of_the_renderer_mean_glass():
    spec = specs.stored(TeacherSpec, {"teacher": "renderer", "classes": ["bubble"]})
    assert (spec.material, spec.classes, spec.lighting) == ("glass", ("bubble",), "mixed")
