"""Data sets: what is taken from which source, and what stays together."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core import facts, runs, specs
from backend.detection.dataset import job as dataset
from backend.detection.dataset.spec import Result, Spec
from backend.detection.dataset.splits import divided
from backend.images import curation, imagefiles, imageset
from backend.images.labelled_image import LabelledImage, Origin
from backend.records import Box, RunState, UserError


def quiet(*args: object, **kwargs: object) -> None:
    pass


def image_set(folder: Path, seed: int, count: int, **picture: object) -> str:
    """A finished run of noisy pictures with a box each (none on every fifth); its id."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 255, (count, 32, 32, 3), np.uint8)
    made = {"source": "rendered", "class_name": "crack", "boxes_from": "exact", "group": None}
    made |= picture

    def make(k: int) -> LabelledImage:
        box = Box(made["class_name"], (4, 4, 12, 12), source=made["boxes_from"])
        group = made["group"](k) if made["group"] else ""
        return LabelledImage(pixels[k], made["source"], boxes=(box,) if k % 5 else (), group=group)

    run = runs.create(folder, "generate", {"size": 32})
    imageset.write(run.folder, count, make, quiet)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return run.id


def photographs(folder: Path, count: int = 8) -> Path:
    """A YOLO folder, two pictures a specimen; 'train' but for the last two pictures."""
    random = np.random.default_rng(99)
    names = [f"p{k}.png" for k in range(count)]
    (folder / "labels").mkdir(parents=True)
    for name in names:
        imagefiles.write(folder / "images" / name, random.integers(0, 255, (24, 48, 3), np.uint8))
        (folder / "labels" / name.replace("png", "txt")).write_text("1 0.5 0.5 0.25 0.5\n")
    (folder / "train.txt").write_text("".join(f"images/{name}\n" for name in names[:-2]))
    (folder / "test.txt").write_text("".join(f"images/{name}\n" for name in names[-2:]))
    (folder / "data.yaml").write_text(
        "train: train.txt\ntest: test.txt\nnames: {0: crack, 1: spot}\n"
    )
    groups = [f"{name},part {k // 2}\n" for k, name in enumerate(names)]
    (folder / "metadata.csv").write_text("file_name,group\n" + "".join(groups))
    return folder


def build(storage: Path, **values: object) -> tuple[Result, Path]:
    """A data set run in `storage`, and its folder."""
    run = runs.create(storage, "dataset", values)
    spec = specs.from_json(Spec, values)
    return dataset.run(spec, run.folder, quiet), run.folder


def test_sources_are_mixed_in_the_wanted_numbers(tmp_path):
    sources = [image_set(tmp_path / "runs", seed, 12) for seed in (1, 2)]
    real = photographs(tmp_path / "real")
    result, folder = build(
        tmp_path / "runs",
        source_runs=sources,
        counts=[10, 5],
        real_folder=str(real),
        real_count=4,
    )
    assert result.images == 10 + 5 + 4
    assert result.source == "15 rendered, 4 real"
    images = facts.read(folder, "images")
    assert set(images["split"]) == {"train", "val"}
    assert (folder / "artifacts" / "images").is_dir()
    assert images.loc[images["source"] == "real", "group"].nunique() == 2, "whole specimens"


def test_test_images_of_a_real_folder_are_never_taken(tmp_path):
    real = photographs(tmp_path / "real")
    _, folder = build(tmp_path / "runs", real_folder=str(real), validation_share=0.4)
    tested = {imagefiles.read_rgb(real / "images" / f"p{k}.png").tobytes() for k in (6, 7)}
    for path in facts.read(folder, "images")["path"]:
        assert imagefiles.read_rgb(folder / path).tobytes() not in tested


def test_views_of_one_specimen_stay_in_one_split(tmp_path):
    source = image_set(tmp_path / "runs", 1, 30, group=lambda k: f"part {k // 6}")
    _, folder = build(tmp_path / "runs", source_runs=[source], counts=[0], validation_share=0.3)
    images = facts.read(folder, "images")
    assert (images.groupby("group")["split"].nunique() == 1).all()


@pytest.mark.parametrize(("asked_for", "shapes"), [(128, (32, 32)), (0, (32, 32))])
def test_intact_photographs_are_as_large_as_the_images_beside_them(tmp_path, asked_for, shapes):
    """As the images are, not as a setting says that their teacher passed over."""
    source = image_set(tmp_path, 1, 10)
    head = runs.read_json(tmp_path / source / "spec.json")
    runs.write_json(
        tmp_path / source / "spec.json", head | {"spec": {"teacher": "folder", "size": asked_for}}
    )
    random = np.random.default_rng(5)
    for k in range(3):
        imagefiles.write(tmp_path / f"ok/{k}.png", random.integers(0, 255, (60, 80, 3), np.uint8))
    _, folder = build(
        tmp_path, source_runs=[source], counts=[0], intact_folder=str(tmp_path / "ok")
    )
    rows = facts.read(folder, "images")
    assert {imagefiles.read_rgb(folder / path).shape[:2] for path in rows["path"]} == {shapes}


def test_near_duplicates_of_two_runs_stay_in_one_split(tmp_path):
    """The same pictures in two runs, one of them brighter."""
    first = image_set(tmp_path / "runs", 5, 20)
    again = image_set(tmp_path / "runs", 5, 20)
    result, folder = build(
        tmp_path / "runs", source_runs=[first, again], counts=[0], validation_share=0.3
    )
    splits = facts.read(folder, "images")["split"].tolist()
    assert splits[:20] == splits[20:]
    assert result.groups == 20


def test_each_source_gives_its_share_to_validation():
    members, source = np.arange(60), np.repeat([0, 1], [50, 10])
    splits = np.array(divided(members, source, 0.2, 3))
    assert [(splits[source == s] == "val").sum() for s in (0, 1)] == [10, 2]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=60),
    st.floats(0.05, 0.5),
    st.integers(0, 1000),
)
def test_whatever_the_groups_no_group_is_split_and_something_is_left_to_train_on(
    images, share, seed
):
    members, source = (np.array(column) for column in zip(*images, strict=True))
    splits = np.array(divided(members, source, share, seed))
    assert len(splits) == len(images) and set(splits) <= {"train", "val"}
    assert "train" in splits
    assert not set(members[splits == "val"]) & set(members[splits == "train"])
    for one in np.unique(source):
        held = set(members[(source == one) & (splits == "val")])
        assert held or len(set(members[source == one])) == 1


def test_a_source_held_for_validation_is_there_whole_and_so_are_its_groups_elsewhere():
    members, source = np.array([0, 1, 2, 3, 4, 5, 3, 6]), np.array([0, 0, 0, 0, 0, 0, 1, 1])
    splits = np.array(divided(members, source, 0.3, 0, held=[1]))
    assert (splits[source == 1] == "val").all() and splits[3] == "val"
    assert (splits[source == 0] == "val").sum() == 2, "3 counts among the share of its source"


def test_sets_kept_for_validation_teach_nothing(tmp_path):
    learned, held = (image_set(tmp_path, seed, count) for seed, count in ((1, 20), (2, 7)))
    result, folder = build(tmp_path, source_runs=[learned], validation_runs=[held])
    rows = facts.read(folder, "images")
    assert (result.images, result.validation) == (27, 4 + 7)
    assert set(rows["split"].tail(7)) == {"val"}
    plain, before = build(tmp_path, source_runs=[learned])
    assert plain.training == result.training
    assert facts.read(before, "images")["split"].tolist() == rows["split"].head(20).tolist()


def test_good_parts_kept_for_validation_stay_good_with_centred_boxes(tmp_path):
    learned = image_set(tmp_path, 1, 20)
    held = image_set(tmp_path, 2, 10)  # two of them intact
    _, folder = build(tmp_path, source_runs=[learned], validation_runs=[held], labels="centred")
    boxes = facts.read(folder, "boxes")
    kept = facts.read(folder, "images").tail(10)["image"]
    assert boxes["image"].isin(kept).sum() == 8
    assert set(boxes["source"]) == {"centred"}


def test_parts_with_other_defects_are_no_good_parts_for_validation(tmp_path):
    learned = image_set(tmp_path, 1, 20)
    held = image_set(tmp_path, 2, 20, class_name="spot")
    result, folder = build(tmp_path, source_runs=[learned], validation_runs=[held], classes="crack")
    rows = facts.read(folder, "images")
    assert (result.images, len(rows)) == (20 + 4, 20 + 4)
    assert result.notes == (
        "16 images kept for validation with defects of other classes alone: left out.",
    )


def goods_and_composites(folder: Path, goods: int, made: int) -> tuple[str, str]:
    """Runs of photographs of good parts and of composites on them, as their jobs leave them."""
    random = np.random.default_rng(4)
    pixels = random.integers(0, 255, (goods, 32, 32, 3), np.uint8)

    def good(k: int) -> LabelledImage:
        return LabelledImage(pixels[k], "photograph")

    def composite(k: int) -> LabelledImage:
        below, painted = k % goods, random.integers(0, 255, (32, 32, 3), np.uint8)
        box = Box("crack", (4, 4, 12, 12))
        told = Origin(params={"photograph": f"{below:06d}"})
        return LabelledImage(painted, "composite", (box,), group=f"{below:06d}", origin=told)

    ids: list[str] = []
    for kind, count, make in (("generate", goods, good), ("composite", made, composite)):
        run = runs.create(folder, kind, {"goods_run": ids[0]} if ids else {"size": 32})
        imageset.write(run.folder, count, make, quiet)
        runs.finish(run.folder, RunState.COMPLETED, result={})
        ids.append(run.id)
    return ids[0], ids[1]


def test_composites_go_where_the_photograph_below_them_goes(tmp_path):
    goods, made = goods_and_composites(tmp_path, 10, 40)
    _, folder = build(
        tmp_path, source_runs=[goods, made], group_duplicates=False, validation_share=0.3
    )
    rows = facts.read(folder, "images")
    assert (rows.groupby("group")["split"].nunique() == 1).all()
    assert rows["group"].nunique() == 10


def test_goods_kept_for_validation_take_their_composites_along_which_is_said(tmp_path):
    goods, made = goods_and_composites(tmp_path, 10, 40)
    with pytest.raises(UserError, match=r"train split has a defect.*choose other validation runs"):
        build(tmp_path, source_runs=[made], validation_runs=[goods], group_duplicates=False)


def test_a_run_without_an_image_left_is_refused(tmp_path):
    runs_folder = tmp_path / "runs"
    run_id = image_set(runs_folder, 1, 10)
    names = facts.read(runs_folder / run_id, "images")["image"]
    rejected = [curation.Edit(str(name), verdict="rejected") for name in names]
    curation.record(runs_folder / run_id, "all rejected", rejected)
    with pytest.raises(UserError, match=r"No image of .* has labels of the kind 'all'"):
        build(runs_folder, source_runs=[run_id], counts=[0])


@pytest.mark.parametrize(
    ("labels", "taken"), [("all", 20), ("exact", 12), ("hand", 12), ("automatic", 4)]
)
def test_only_images_with_the_wanted_kind_of_boxes_are_taken(tmp_path, labels, taken):
    """Ten images with exact boxes, ten by hand; two of each ten are intact."""
    sources = [
        image_set(tmp_path / "runs", 1, 10),
        image_set(tmp_path / "runs", 2, 10, boxes_from="hand"),
    ]
    if labels == "automatic":
        found = dataset.sources.of(
            specs.from_json(Spec, {"source_runs": sources, "counts": [0], "labels": labels}),
            tmp_path / "runs" / "made",
            quiet,
        )
        assert sum(len(source.groups) for source in found) == taken
        return
    result, _ = build(
        tmp_path / "runs", source_runs=sources, counts=[0], labels=labels, validation_share=0.3
    )
    assert result.images == taken


@pytest.mark.parametrize(
    ("classes", "names", "boxes"),
    [
        ("one", ("defect",), 24),
        ("keep", ("crack", "spot"), 24),
        ("spot", ("spot",), 8),
        ("spot, hole", ("spot", "hole"), 8),
    ],
)
def test_classes_are_joined_kept_or_picked(tmp_path, classes, names, boxes):
    sources = [
        image_set(tmp_path / "runs", 1, 20),
        image_set(tmp_path / "runs", 2, 10, class_name="spot"),
    ]
    result, _ = build(tmp_path / "runs", source_runs=sources, counts=[0], classes=classes)
    assert (result.classes, result.boxes) == (names, boxes)


def test_the_same_settings_give_the_same_version(tmp_path):
    source = image_set(tmp_path / "runs", 1, 20)
    values = {"source_runs": [source], "counts": [0]}
    first, again = build(tmp_path / "runs", **values)[0], build(tmp_path / "runs", **values)[0]
    assert first == again
    assert build(tmp_path / "runs", **values, seed=1)[0].hash != first.hash


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "at least one source"),
        ({"source_runs": ["a", "b", "c"], "counts": [1, 2]}, "2 numbers for 3 sources"),
        ({"source_runs": ["a"], "classes": " , "}, "Classes is empty"),
        ({"source_runs": ["a", "b"], "validation_runs": ["b"]}, "'b' is among the sources and"),
    ],
)
def test_settings_that_make_no_set_are_refused(values, words):
    with pytest.raises(UserError, match=words):
        specs.from_json(Spec, values)


def test_a_smaller_draw_of_photographs_is_part_of_a_larger_one(tmp_path):
    from backend.detection.dataset import sources
    from backend.detection.testset import test_images

    images = test_images.read_yolo(photographs(tmp_path / "real"), "train").images
    for seed in range(3):
        few, more = ({i.name for i in sources.drawn(images, n, seed)} for n in (2, 4))
        assert few < more
        assert len({i.group for i in sources.drawn(images, 2, seed)}) == 1, "views come together"
