"""Automatic labels for a run: a new set, with the old one's origin and its boxes respected."""

import json

import numpy as np
import pytest

from backend.core import facts, runs, specs
from backend.images import curation, imagefiles, imageset, resuming
from backend.images.labelled_image import LabelledImage, Marks, Origin
from backend.labels.label import job as labelling
from backend.labels.label.spec import Spec
from backend.records import Box, Cancelled, UserError

SIZE = 128


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


def cracked(seed: int) -> np.ndarray:
    """A grey image with a dark crooked line."""
    random = np.random.default_rng(seed)
    grey = 150 + random.normal(0, 2, (SIZE, SIZE))
    columns = np.arange(10, SIZE - 10)
    rows = np.rint(40 + 0.4 * columns + 4 * np.sin(columns / 7)).astype(int)
    for row in (rows, rows + 1):
        grey[row, columns] -= 50
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, -1)


def finished(folder, kind: str = "generate"):
    """A finished run in a folder of runs."""
    run = runs.create(folder, kind, {})
    runs.finish(run.folder, runs.RunState.COMPLETED, result={})
    return run.folder


@pytest.fixture
def source(tmp_path):
    """Images nobody labelled, cracked and blank; one labelled by hand; one known to be intact."""
    folder = finished(tmp_path)
    mine = Box("scratch", (5, 5, 30, 30), 1.0, "hand")
    blank = np.full((SIZE, SIZE, 3), 120, np.uint8)
    made = [
        LabelledImage(
            cracked(0),
            "photograph",
            group="part-1",
            marks=Marks.UNKNOWN,
            origin=Origin(7, {"prompt": "a crack"}, arrays={"noise": np.ones((4, 4), np.float32)}),
        ),
        LabelledImage(cracked(1), "photograph", boxes=(mine,), origin=Origin(original=blank)),
        LabelledImage(blank, "photograph", marks=Marks.UNKNOWN),
        LabelledImage(cracked(2), "photograph"),
    ]
    imageset.write(folder, len(made), made.__getitem__, quiet)
    return folder


def label(source, **values):
    """Result, folder and box rows of a labelling run of `source`."""
    out = runs.create(source.parent, "label", {}).folder
    spec = specs.from_json(Spec, {"source_run": source.name, **values})
    return labelling.run(spec, out, quiet), out, facts.read(out, "boxes")


def test_an_unlabelled_image_is_labelled_and_keeps_its_origin(source):
    result, out, boxes = label(source)
    assert (result.images, result.labelled, result.without) == (4, 2, 2)
    found = boxes[boxes["image"] == "000000"]
    assert set(found["source"]) == {"edges"}
    assert set(found["class_name"]) == {"crack"}
    row = facts.read(out, "images").iloc[0]
    assert (row["group"], row["seed"], row["source"]) == ("part-1", 7, "photograph")
    assert json.loads(row["params"]) == {"prompt": "a crack", "labelled_from": source.name}
    assert (out / "artifacts" / "noise" / "000000.npy").exists()
    assert (imagefiles.read_rgb(out / row["path"]) == cracked(0)).all()
    assert imagefiles.read_rgb(out / row["mask_path"]).any()


def test_an_image_known_to_be_intact_gets_no_label(source):
    _, _, boxes = label(source)
    assert "000003" not in set(boxes["image"])


def test_an_image_in_which_nothing_is_found_is_still_not_labelled(source):
    _, out, _ = label(source)
    images, _ = curation.kept(out)
    assert list(images["labelled"]) == [True, True, False, True]


def test_a_set_with_nothing_left_to_label_says_so(source):
    _, out, _ = label(source, labeller="centred")
    runs.finish(out, runs.RunState.COMPLETED, result={})
    with pytest.raises(UserError, match="labelled already"):
        label(out)


def test_boxes_that_are_there_stay_unless_all_are_wanted_anew(source):
    _, out, boxes = label(source)
    kept = boxes[boxes["image"] == "000001"].to_dict("records")
    assert [(b["source"], b["class_name"], b["x2"]) for b in kept] == [("hand", "scratch", 30)]
    row = facts.read(out, "images").iloc[1]
    assert row["mask_path"] is None or row["mask_path"] != row["mask_path"]
    assert isinstance(row["background_path"], str)
    result, _, boxes = label(source, only_missing=False)
    assert set(boxes[boxes["image"] == "000001"]["source"]) == {"edges"}
    assert result.labelled == 4


def test_uncertain_boxes_and_their_part_of_the_mask_are_left_out(source):
    result, out, boxes = label(source, least_confidence=1.0, only_missing=False)
    assert boxes.empty
    assert result.mean_confidence is None
    assert not imagefiles.read_rgb(out / facts.read(out, "images").iloc[0]["mask_path"]).any()


def test_the_dummy_says_how_little_it_knows(source):
    result, _, boxes = label(source, labeller="centred", class_name="chip")
    assert result.mean_confidence == pytest.approx(0.02)
    assert set(boxes["class_name"]) == {"chip", "scratch"}
    assert list(boxes["image"]) == ["000000", "000001", "000002"]


def test_attention_maps_of_the_run_are_used(source):
    heat = np.zeros((16, 16), np.float32)
    heat[4:12, 2:14] = 1
    folder = source / "artifacts" / labelling.ATTENTION
    folder.mkdir(parents=True)
    np.save(folder / "000000.npy", heat)
    _, _, boxes = label(source, labeller="attention")
    assert set(boxes[boxes["image"] == "000000"]["source"]) == {"attention"}
    assert boxes[boxes["image"] == "000002"].empty


def test_attention_without_maps_names_the_cure(source):
    with pytest.raises(UserError, match="Stable Diffusion teacher"):
        label(source, labeller="attention")


def test_a_damaged_map_is_named(source):
    folder = source / "artifacts" / labelling.ATTENTION
    folder.mkdir(parents=True)
    (folder / "000000.npy").write_bytes(b"no array")
    with pytest.raises(UserError, match=r"000000\.npy"):
        label(source, labeller="attention")


def test_an_empty_class_name_is_refused(source):
    with pytest.raises(UserError, match="Class name"):
        label(source, class_name=" ")


def test_a_stopped_run_goes_on_with_the_same_images_alone(source):
    """Where one was rejected meanwhile, each number would be another image's: it begins again."""
    out = runs.create(source.parent, "label", {}).folder
    spec = specs.from_json(Spec, {"source_run": source.name})
    told = []

    def stop_at(image):
        def tell(fraction, message="", **_):
            told.append(message)
            if message.startswith(f"image {image} "):
                raise Cancelled

        return tell

    with pytest.raises(Cancelled):
        labelling.run(spec, out, stop_at(2))
    with pytest.raises(Cancelled):
        labelling.run(spec, out, stop_at(3))
    assert told == [f"image {k} of 4" for k in (1, 2, 3)], "the second went on behind the first"
    curation.record(source, "one rejected", [curation.Edit("000000", "rejected")])
    told.clear()
    labelling.run(spec, out, stop_at(9))
    assert told[:2] == [resuming.WORDS, "image 1 of 3"]
    rows = facts.read(out, "images")
    for row, name in zip(rows["path"], ("000001", "000002", "000003"), strict=True):
        same = [
            imagefiles.read_rgb(f) for f in (out / row, source / f"artifacts/images/{name}.png")
        ]
        assert np.array_equal(*same)
