"""A share of imported parts is put aside for tests, and nothing made later is trained on it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.core import aside, facts, jobs, lineage, registry, runs, specs, worker
from backend.core.runs import Run
from backend.detection import leaks
from backend.detection.study import pool
from backend.detection.testset import test_images
from backend.images import curation, fits, imageset
from backend.images.curation import Edit
from backend.images.labelled_image import LabelledImage, Origin
from backend.records import Box, RunState, UserError
from backend.settings import Settings

SIZE = 48


def quiet(*args: object, **kwargs: object) -> None:
    pass


def work(folder: Path, kind: str, **values: Any) -> Run:
    """A finished run as a job's own process makes it, without the process."""
    run = runs.create(folder, kind, values)
    spec = specs.from_json(registry.get(kind).spec_type, values)
    provenance = worker.provenance(run.folder, spec)
    runs.write_json(run.folder / "provenance.json", provenance)
    result = registry.get(kind).function(spec, run.folder, quiet)
    runs.finish(run.folder, RunState.COMPLETED, result=specs.to_json(result))
    return runs.read(run.folder)


def imported(folder: Path, parts: int = 10, source: str = "imported", first: int = 0) -> Run:
    """Two noisy views of each part; those of every other part have a box."""
    random = np.random.default_rng(first)
    pixels = random.integers(0, 255, (2 * parts, SIZE, SIZE, 3), np.uint8)

    def make(k: int) -> LabelledImage:
        boxes = () if (k // 2) % 2 else (Box("crack", (4.0, 4.0, 20.0, 20.0), source="imported"),)
        file = {"file": f"IMG_{k}"}
        group, origin = f"part {first + k // 2}", Origin(params=file)
        return LabelledImage(pixels[k], source, boxes, group=group, origin=origin)

    run = runs.create(folder, "generate", {"teacher": "folder"}, name="photographs")
    totals = imageset.write(run.folder, 2 * parts, make, quiet)
    result = {"images": totals.images, "intact": totals.intact, "boxes": totals.boxes}
    runs.finish(run.folder, RunState.COMPLETED, result=result | {"mask_share": None})
    return runs.read(run.folder)


def names(run: Run) -> set[str]:
    return {image.name for image in imageset.read(run.folder)}


def test_whole_parts_are_put_aside_with_and_without_defects_and_a_seed_repeats_them(storage):
    source = imported(storage.runs)
    first, second, other = (
        work(storage.runs, "testset", images_run=source.id, seed=seed) for seed in (0, 0, 3)
    )
    rows = facts.read(first.folder, "put_aside")
    test = test_images.of_run(first.folder)
    assert len(test.images) == len(rows) == first.result["put_aside"] == 8
    groups = {image.group for image in test.images}
    assert len(groups) == 4, "two of five parts with a defect, two of five without"
    assert sum(bool(image.boxes) for image in test.images) == 4
    assert first.result["hash"] == second.result["hash"] != other.result["hash"]


def test_what_is_put_aside_is_left_out_of_every_later_reading(storage):
    source = imported(storage.runs)
    before = names(source)
    frozen = work(storage.runs, "testset", images_run=source.id)
    away = set(facts.read(frozen.folder, "put_aside")["image"])
    assert names(source) == before - away
    assert str(fits.holding(source.folder)) == (
        "12 images, 6 good, 6 with defects, 8 more put aside"
    )
    assert str(fits.holding(frozen.folder)) == "8 images, 4 good, 4 with defects"
    frozen.folder.rename(storage.storage / frozen.id)  # as a deletion does
    assert names(source) == before


def test_a_data_set_leaves_it_out_by_itself_and_a_detector_may_be_judged_on_it(storage):
    source = imported(storage.runs)
    frozen = work(storage.runs, "testset", images_run=source.id)
    made = work(storage.runs, "dataset", source_runs=[source.id], counts=[0], validation_share=0.5)
    assert made.result["images"] == 12
    assert "8 of the images of 'photographs' were put aside" in " ".join(made.result["notes"])
    test = test_images.of_run(frozen.folder)
    assert leaks.refuse_leaks(test, [made.folder], storage.storage) == 0


def test_a_copy_with_other_labels_leaves_it_out_by_its_pixels(storage):
    """Automatic labels copy every image; those were copied before the test set was made."""
    source = imported(storage.runs)
    values = {"source_run": source.id, "labeller": "centred", "only_missing": False}
    copied = work(storage.runs, "label", **values)
    frozen = work(storage.runs, "testset", images_run=source.id)
    away = set(facts.read(frozen.folder, "put_aside")["image"])
    assert names(copied) == {f"{k:06d}" for k in range(20)} - away
    made = work(storage.runs, "dataset", source_runs=[copied.id], counts=[0], validation_share=0.5)
    test = test_images.of_run(frozen.folder)
    with pytest.raises(UserError, match=f"behind the data set, in {source.id}") as caught:
        leaks.refuse_leaks(test, [made.folder], storage.storage)
    assert "8 training images are test images" in str(caught.value)


def test_a_data_set_made_before_is_refused_and_one_without_these_images_is_not(storage):
    source = imported(storage.runs)
    early = work(storage.runs, "dataset", source_runs=[source.id], counts=[0], validation_share=0.5)
    frozen = work(storage.runs, "testset", images_run=source.id)
    test = test_images.of_run(frozen.folder)
    with pytest.raises(UserError, match="16 training images are test images"):
        leaks.refuse_leaks(test, [early.folder], early.folder)
    found = facts.read(early.folder, "leaks")
    assert len(found) == 16 and set(found["holder"]) == {early.id, source.id}
    assert found["same"].all()
    again = work(storage.runs, "dataset", **(early.spec | {"without_runs": [frozen.id]}))
    assert leaks.refuse_leaks(test, [again.folder], storage.storage) == 0


def test_images_that_look_like_those_of_a_test_set_are_left_out_where_it_is_named(storage):
    """The test set comes from another import, which holds a brighter copy."""
    source = imported(storage.runs)
    shown = imageset.read(source.folder)[0].read_rgb()
    copy = (shown * 0.9 + 12).clip(0, 255).astype(np.uint8)
    other = runs.create(storage.runs, "generate", {"teacher": "folder"})
    box = (Box("crack", (4.0, 4.0, 20.0, 20.0)),)
    imageset.write(other.folder, 1, lambda k: LabelledImage(copy, "imported", box), quiet)
    runs.finish(other.folder, RunState.COMPLETED, result={})
    frozen = work(storage.runs, "testset", images_run=other.id, aside_share=1.0)
    plain, without = (
        work(
            storage.runs,
            "dataset",
            source_runs=[source.id],
            counts=[0],
            validation_share=0.5,
            without_runs=named,
        )
        for named in ([], [frozen.id])
    )
    assert (plain.result["images"], without.result["images"]) == (20, 19)
    assert "1 of the images are or look like a test image: left out." in without.result["notes"]


def test_a_study_takes_imported_images_and_their_test_set(storage):
    source = imported(storage.runs)
    frozen = work(storage.runs, "testset", images_run=source.id)
    values = {
        **{"real_run": source.id, "test_run": frozen.id, "arms": ["real", "real+intact"]},
        **{"amounts": [2], "size": 64},
    }
    run = runs.create(storage.runs, "study", values)
    spec = specs.from_json(registry.get("study").spec_type, values)
    runs.write_json(run.folder / "provenance.json", worker.provenance(run.folder, spec))
    gathered = pool.gather(spec, run.folder, quiet, 0.1)
    assert {name: len(found) for name, found in gathered.training.items()} == {
        "real": 6,
        "intact": 6,
    }
    assert len(gathered.test) == 8 and gathered.alike == 0


def test_corrected_boxes_count_and_guessed_ones_do_not(storage):
    source = imported(storage.runs, 4)
    values = {"source_run": source.id, "labeller": "centred", "only_missing": False}
    guessed = work(storage.runs, "label", **values)
    with pytest.raises(UserError, match="all boxes are guessed"):
        jobs.check(storage, "testset", {"images_run": guessed.id})
    drawn = Box("scratch", (2.0, 2.0, 30.0, 30.0))
    edits = [Edit(f"{k:06d}", boxes=(drawn,) if k < 4 else ()) for k in range(8)]
    curation.record(guessed.folder, "8 corrected", edits)
    jobs.check(storage, "testset", {"images_run": guessed.id})
    frozen = work(storage.runs, "testset", images_run=guessed.id, aside_share=1.0)
    assert frozen.result["classes"] == ["scratch"]
    assert (frozen.result["images"], frozen.result["intact"]) == (8, 4)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "either imported images or a folder"),
        ({"intact_folder": "x", "images_run": "run"}, "goes with a folder"),
        ({"folder": "x", "images_run": "run"}, "not both"),
    ],
)
def test_a_test_set_has_one_source(values, words):
    with pytest.raises(UserError, match=words):
        specs.from_json(registry.get("testset").spec_type, values)


def test_a_set_of_no_use_is_named_before_the_job_starts(storage: Settings):
    rendered = imported(storage.runs, source="rendered")
    with pytest.raises(UserError, match=r"Images run: 'photographs' .*: not imported \(20 images"):
        jobs.check(storage, "testset", {"images_run": rendered.id})


def test_one_part_with_a_defect_cannot_be_divided(storage):
    source = imported(storage.runs, 2)
    with pytest.raises(UserError, match="show one part"):
        work(storage.runs, "testset", images_run=source.id)


def test_a_run_that_goes_on_knows_no_more_test_sets_than_at_its_first_start(storage):
    source = imported(storage.runs)
    first = work(storage.runs, "testset", images_run=source.id)
    made = work(storage.runs, "dataset", source_runs=[source.id], counts=[0], validation_share=0.5)
    work(storage.runs, "testset", images_run=source.id, seed=1)
    assert aside.noted(made.folder) == [first.id]
    assert lineage.parents(made) == (source.id,)
