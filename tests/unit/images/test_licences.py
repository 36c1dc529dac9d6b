"""The licence of what a run made: that of everything behind it, and never silently ours."""

import json
import shutil
import zipfile

import numpy as np
import pytest

from backend.core import runs
from backend.images import image_export, imageset, licences
from backend.images.formats import export
from backend.images.labelled_image import LabelledImage, Origin
from tests import tiny_student

NC = "CC BY-NC-SA 4.0"


class Shop:
    """Runs of a storage folder, made by their settings alone."""

    def __init__(self, folder):
        self.folder = folder
        self.theirs = self("generate", teacher="folder", licence=NC)
        self.rendered = self("generate", teacher="renderer")

    def __call__(self, kind, **spec):
        return runs.create(self.folder, kind, spec).id

    def licence(self, run_id):
        return licences.licence(self.folder / run_id)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_what_this_program_made_alone_is_the_users(shop):
    student = shop("distill", teacher_run=shop.rendered)
    trained = shop("diffusion", images_run=shop.rendered)
    painted = shop("generate", teacher="diffusion", model_run=trained)
    mixed = shop("dataset", source_runs=[student, painted, shop.rendered])
    older = shop("generate", teacher="diffusion", model_run="")
    parts = shop("parts", source="simulator")
    for run_id in (shop.rendered, student, trained, painted, mixed, older, parts):
        assert shop.licence(run_id) == licences.OURS


def test_photographs_of_others_stay_theirs_in_all_that_is_made_from_them(shop):
    student = shop("distill", teacher_run=shop.theirs)
    model = shop("diffusion", images_run=shop.theirs, start="scratch")
    style = shop("lora", images_run=shop.theirs)
    clean = {"goods_run": shop.rendered}
    direct = [
        shop("composite", teacher="renderer", goods_run=shop.theirs),
        shop("composite", teacher="copy-paste", donors_run=shop.theirs, **clean),
        shop("composite", teacher="student", student_run=student, **clean),
        shop("composite", teacher="stable-diffusion", lora_run=style, **clean),
        shop("generate", teacher="diffusion", model_run=model),
        shop("generate", teacher="stable-diffusion", lora_run=style),
        shop("generate", teacher="stable-diffusion", mode="image-to-image", start_run=shop.theirs),
        shop("diffusion", images_run=shop.rendered, start="earlier run", start_run=model),
        shop("label", source_run=shop.theirs),
        shop("sample", student_run=student),
        shop("sample", student_run=shop("package", model_run=student)),
    ]
    for run_id in direct:
        again = shop("distill", teacher_run=run_id)
        dataset = shop("dataset", source_runs=[shop.rendered, again])
        detector = shop("detector", dataset_run=dataset)
        for made in (run_id, again, shop("sample", student_run=again), dataset, detector):
            assert f"{NC} (run {shop.theirs})" in shop.licence(made)
            assert licences.OURS not in shop.licence(made)


def test_settings_that_do_not_count_bring_nothing_in(shop):
    unused = {"donors_run": shop.theirs, "lora_file": "a.safetensors"}
    made = shop("composite", teacher="renderer", goods_run=shop.rendered, **unused)
    judged = shop("detector", dataset_run=shop.rendered, test_run=shop.theirs)
    assert shop.licence(made) == shop.licence(judged) == licences.OURS


def test_each_licence_is_named_once_with_its_runs(shop):
    again = shop("generate", teacher="folder", licence=f" {NC} ")
    free = shop("generate", teacher="folder", licence="CC0")
    made = shop("dataset", source_runs=[shop.theirs, free, again, shop.rendered])
    assert shop.licence(made) == f"{NC} (run {shop.theirs}, {again}); CC0 (run {free})"


def test_models_and_files_of_weights_are_named(shop):
    painted = shop(
        "generate", teacher="stable-diffusion", model="owner/base", lora_file="/x/own.safetensors"
    )
    words = shop.licence(shop("distill", teacher_run=painted))
    assert "that of the model owner/base" in words
    assert "that of the file own.safetensors" in words
    assert "/x/" not in words, "a card that is given away names no path of this computer"


def test_what_was_not_stated_or_is_gone_is_said_so(shop):
    silent = shop("generate", teacher="folder")
    gone = shop("distill", teacher_run=shop.rendered)
    spoilt = shop("generate", teacher="renderer")
    made = shop("dataset", source_runs=[silent, gone, spoilt], real_folder="/photographs")
    shutil.rmtree(shop.folder / gone)
    (shop.folder / spoilt / "spec.json").write_text("{")
    assert shop.licence(made) == (
        f"not stated (run {made}, {silent}); not known, as it was deleted (run {gone}); "
        f"not known, as it is damaged (run {spoilt})"
    )


@pytest.mark.parametrize("kind", ("distill", "composite", "conjure", "generate"))
def test_a_run_whose_settings_say_nothing_is_not_ours(shop, kind):
    assert licences.NOT_STATED in shop.licence(shop(kind))


def test_a_zip_names_the_licence_and_the_runs_behind(tmp_path):
    teacher = tiny_student.teacher(tmp_path)
    copies = runs.create(tmp_path, "label", {"source_run": teacher.id})
    shutil.copytree(teacher.folder / "facts", copies.folder / "facts")
    shutil.copytree(teacher.folder / "artifacts", copies.folder / "artifacts")
    target, words = tmp_path / "out.zip", licences.licence(copies.folder)
    behind = {"behind": licences.behind(copies)}
    export.export(imageset.read(copies.folder), target, "coco", licence=words, origin=behind)
    with zipfile.ZipFile(target) as packed:
        readme = packed.read("README.txt").decode()
        about = json.loads(packed.read("PROVENANCE.json"))
    assert f"Licence: CC BY 4.0 (run {teacher.id})" in readme
    assert about["origin"]["behind"] == [
        {"run": teacher.id, "kind": "generate", "teacher": "folder"}
    ]
    assert export.licence_in(target) == words
    target.write_bytes(b"torn")
    assert export.licence_in(target) is None


def test_a_zip_and_its_licence_name_no_folder_of_the_server(tmp_path, shop):
    own = "/srv/secret-place/sd15"
    asked = {"teacher": "stable-diffusion", "model": own, "lora_file": f"{own}/style.safetensors"}
    run = runs.read(tmp_path / shop("generate", **asked))
    pixels = np.zeros((32, 32, 3), np.uint8)
    made = LabelledImage(pixels, "painted", (), np.zeros((32, 32), np.uint8), origin=Origin(1))
    imageset.write(run.folder, 1, lambda k: made, lambda *a, **b: None)
    for layout in export.LAYOUTS:
        target = tmp_path / f"{layout}.zip"
        image_export.write(run, target, layout)
        with zipfile.ZipFile(target) as packed:
            for name in packed.namelist():
                assert b"secret-place" not in packed.read(name), name
            spec = json.loads(packed.read(export.PROVENANCE))["origin"]["spec"]
    assert spec["model"] == "…/sd15"
    assert "that of the model …/sd15" in shop.licence(run.id)
