"""Frozen test sets: copied, hashed, and kept apart from training."""

from pathlib import Path

import numpy as np
import pytest

from backend.core import facts, runs, specs
from backend.detection.testset import job as frozen_test
from backend.detection.testset import test_images
from backend.detection.testset.spec import Spec
from backend.images import duplicates, imagefiles, pictures
from backend.images.duplicates import Prints
from backend.records import RunState, UserError
from tests import tiny_photographs


def quiet(*args: object, **kwargs: object) -> None:
    pass


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """A YOLO folder and a folder of intact parts."""
    return tiny_photographs.make(tmp_path_factory.mktemp("photographs"))


def freeze(storage: Path, photographs: tuple[Path, Path], **values: object) -> runs.Run:
    """A finished run of the kind `testset`."""
    values = {"folder": str(photographs[0]), "intact_folder": str(photographs[1]), **values}
    run = runs.create(storage, "testset", values)
    result = frozen_test.run(specs.from_json(Spec, values), run.folder, quiet)
    runs.finish(run.folder, RunState.COMPLETED, result=specs.to_json(result))
    return runs.read(run.folder)


def dataset_of(storage: Path, *images: np.ndarray) -> runs.Run:
    run = runs.create(storage, "dataset", {})
    rows = []
    for k, pixels in enumerate(images):
        imagefiles.write(run.folder / "artifacts" / f"t{k}.png", pixels)
        rows.append({"image": f"t{k}", "path": f"artifacts/t{k}.png", "source": "real"})
    facts.write(run.folder, "images", rows)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return run


def test_a_frozen_set_is_the_folders_under_the_same_hash(tmp_path, photographs):
    run = freeze(tmp_path / "runs", photographs)
    test = test_images.of_run(run.folder)
    folder = test_images.load(str(photographs[0]), str(photographs[1]), tmp_path, 64)
    assert test.hash == folder.hash == run.result["hash"]
    assert [i.boxes for i in test.images] == [i.boxes for i in folder.images]
    assert [i.group for i in test.images] == [i.group for i in folder.images]
    assert all(i.path.is_relative_to(run.folder) for i in test.images)
    assert (run.result["images"], run.result["intact"]) == (6, 2)


def test_a_changed_image_of_a_frozen_set_is_noticed(tmp_path, photographs):
    run = freeze(tmp_path / "runs", photographs)
    path = test_images.of_run(run.folder).images[0].path
    imagefiles.write(path, 255 - imagefiles.read_rgb(path))
    with pytest.raises(UserError, match="were changed"):
        test_images.of_run(run.folder)


def test_a_near_duplicate_in_a_data_set_is_refused_or_reported(tmp_path, photographs):
    original = imagefiles.read_rgb(photographs[0] / "images" / "p6.png")
    noise = np.random.default_rng(0).integers(0, 6, original.shape)
    brighter = (original * 0.9 + 12 + noise).clip(0, 255).astype(np.uint8)
    other = imagefiles.read_rgb(photographs[0] / "images" / "p0.png")
    training = dataset_of(tmp_path / "runs", other, brighter)
    with pytest.raises(UserError, match=r"near-duplicates.*t1\.png and images/p6"):
        freeze(tmp_path / "runs", photographs, dataset_runs=[training.id])
    values = {"dataset_runs": [training.id], "near_duplicates": "report"}
    assert freeze(tmp_path / "runs", photographs, **values).result["near_duplicates"] == 1


def test_the_very_image_is_refused_even_where_likeness_is_only_reported(tmp_path, photographs):
    copy = imagefiles.read_rgb(photographs[0] / "images" / "p6.png")
    training = dataset_of(tmp_path / "runs", pictures.resized(copy, 96))
    values = {"dataset_runs": [training.id], "near_duplicates": "report"}
    with pytest.raises(UserError, match=r"t0\.png is test image images/p6"):
        freeze(tmp_path / "runs", photographs, **values)


def test_training_and_test_photographs_of_the_glass_set_do_not_look_alike(shared_data):
    glass, intact = shared_data / "glass", shared_data / "glass" / "intact"
    train, test = (
        np.stack([duplicates.grey(imagefiles.read_rgb(i.path)) for i in images])
        for images in (
            (
                test_images.read_yolo(glass, "train") + test_images.read_intact(intact, "train")
            ).images,
            (test_images.read_yolo(glass) + test_images.read_intact(intact, "test")).images,
        )
    )
    assert not Prints.of(train).alike(Prints.of(test)).any()
