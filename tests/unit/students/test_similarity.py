"""A comparison of student and teacher: every figure with its controls."""

import numpy as np
import pandas as pd
import pytest

from backend.core import facts, runs, specs
from backend.core.facts import Figure
from backend.images import curation, imagefiles
from backend.images.curation import Edit
from backend.records import Box, UserError
from backend.students.similarity import job as similarity
from backend.students.similarity import standing
from backend.students.similarity.spec import Spec as SimilaritySpec
from tests import tiny_student
from tests.tiny_student import quiet


def compare(folder, **values):
    run = runs.create(folder, "similarity", values)
    result = similarity.run(specs.from_json(SimilaritySpec, values), run.folder, quiet)
    figures = facts.read(run.folder, "figures")
    return run.folder, result, figures.set_index(["subject", "metric"])


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    teacher = tiny_student.teacher(folder)
    student = tiny_student.student(folder, teacher.id, held=4)
    return compare(folder, student_run=student.id, pairs=9, samples=20)


def test_pairs_stand_beside_random_ones_and_the_mean_image(compared):
    folder, result, figures = compared
    pairs = facts.read(folder, "ssim_pairs")
    assert set(pairs["pairing"]) == {"matched", "random", "mean image"}
    trained = pairs[pairs["split"] == "trained"]
    assert trained.groupby("pairing")["ssim"].count().eq(9).all()
    means = trained.groupby("pairing")["ssim"].mean()
    assert result.matched_ssim == pytest.approx(means["matched"])
    assert result.gap == pytest.approx(means["matched"] - means["random"])
    for metric in ("SSIM", "MS-SSIM", "wavelet distance"):
        for subject in ("matched", "random", "mean image", "matched minus random"):
            row = figures.loc[(subject, metric)]
            assert row["low"] <= row["value"] <= row["high"]


def test_images_it_never_saw_are_told_apart(compared):
    folder, result, figures = compared
    pairs = facts.read(folder, "ssim_pairs")
    held = pairs[(pairs["split"] == "held out") & (pairs["pairing"] == "matched")]
    assert len(held) == 4
    assert figures.loc[("held-out matched", "SSIM"), "value"] == pytest.approx(held["ssim"].mean())
    assert result.held_out_gap == pytest.approx(
        figures.loc[("held-out matched minus random", "SSIM"), "value"]
    )


def test_a_random_pair_names_the_picture_it_was_compared_with(compared):
    folder = compared[0]
    pairs = facts.read(folder, "ssim_pairs")
    own = pairs[pairs["pairing"] == "matched"].set_index("pair")["student_path"]
    other = pairs[pairs["pairing"] == "random"].set_index("pair")["student_path"]
    assert (own != other).all()
    assert all((folder / path).exists() for path in pairs["student_path"])


def test_samples_stand_beside_the_mean_image_and_real_ones(compared):
    _, result, figures = compared
    assert result.control == "other half of the teacher images"
    for subject in ("samples", "mean image", result.control):
        for metric in ("KID", "precision", "recall", "density", "coverage", "sharpness"):
            row = figures.loc[(subject, metric)]
            assert row["low"] <= row["value"] <= row["high"]
    assert figures.loc[("mean image", "KID"), "value"] > abs(result.control_kid)
    assert figures.loc[("mean image", "diversity"), "value"] == pytest.approx(0, abs=1e-3)
    assert figures.loc[("teacher images", "mask contrast"), "value"] > 0.95


def test_every_sample_has_its_nearest_training_image(compared):
    folder, _, figures = compared
    rows = facts.read(folder, "neighbours")
    assert len(rows) == 20
    assert rows["distance"].is_monotonic_increasing
    assert all((folder / path).exists() for path in rows["nearest_path"].dropna())
    limit = figures.loc[("training images", "least distance"), "value"]
    assert rows["copy"].eq(rows["distance"] <= limit).all()
    assert figures.loc[("samples", "not copies"), "value"] == pytest.approx(1 - rows["copy"].mean())


def test_the_papers_student_has_random_partners_and_no_masks(tmp_path):
    teacher = tiny_student.teacher(tmp_path)
    student = tiny_student.student(tmp_path, teacher.id, masks=False)
    _, result, figures = compare(tmp_path, student_run=student.id, pairs=4, samples=20)
    assert result.pairing == similarity.RANDOM_Z
    assert result.mask_iou is result.mask_contrast is result.held_out_gap is None
    assert "mask IoU" not in figures.index.get_level_values("metric")


def test_fresh_renders_are_the_control_of_a_rendered_teacher(tmp_path):
    from backend.students.similarity import references
    from backend.teachers.generate.spec import Spec as TeacherSpec

    spec = specs.to_json(TeacherSpec(count=6, seed=3))
    run = runs.create(tmp_path, "generate", spec)
    seen = np.zeros((6, 64, 64, 3), np.uint8)
    found = references.of_teacher(runs.read(run.folder), seen, 4, 0, quiet, (0, 1))
    assert found.fresh
    assert found.real.shape == found.control.shape == (4, 64, 64, 3)
    assert not np.array_equal(found.real, found.control)


def pictures_of(folder, split="trained"):
    """Name of each image that was compared → the bytes of its picture and of the student's."""
    pairs = facts.read(folder, "ssim_pairs")
    rows = pairs[(pairs["pairing"] == "matched") & (pairs["split"] == split)]
    return {
        row.image: (
            (folder / row.teacher_path).read_bytes(),
            (folder / row.student_path).read_bytes(),
        )
        for row in rows.itertuples()
    }


@pytest.mark.parametrize("held", (0, 4))
@pytest.mark.parametrize("mask", (None, "artifacts/masks/000000.png"))
def test_pairs_stay_pairs_whatever_is_rejected_or_labelled_later(tmp_path, held, mask):
    """An image that is rejected, or one more that is labelled, moves all those behind it."""
    teacher = tiny_student.teacher(tmp_path)
    rows = facts.read(teacher.folder, "images")
    new = rows.head(1).assign(image="a", group="a", params='{"labelled": false}', mask_path=mask)
    facts.write(teacher.folder, "images", pd.concat([new, rows]))
    student = tiny_student.student(tmp_path, teacher.id, held=held)
    before = pictures_of(compare(tmp_path, student_run=student.id, pairs=18, samples=20)[0])
    curation.record(teacher.folder, "one rejected", [Edit("000000", "rejected")])
    first, result, _ = compare(tmp_path, student_run=student.id, pairs=18, samples=20)
    after = pictures_of(first)
    assert after == {name: both for name, both in before.items() if name != "000000"}
    assert "learned from, 1 were rejected" in result.notes[0]
    box = Box("crack", (4, 4, 30, 30))
    curation.record(teacher.folder, "one labelled", [Edit("a", boxes=(box,))])
    second, _, _ = compare(tmp_path, student_run=student.id, pairs=18, samples=20)
    assert pictures_of(second) == after


def test_a_changed_image_is_left_out_and_told(tmp_path):
    teacher = tiny_student.teacher(tmp_path)
    student = tiny_student.student(tmp_path, teacher.id)
    imagefiles.write(
        teacher.folder / "artifacts/images/000003.png", np.zeros((64, 64, 3), np.uint8)
    )
    folder, result, _ = compare(tmp_path, student_run=student.id, pairs=18, samples=20)
    assert "000003" not in pictures_of(folder)
    assert "1 were changed since" in result.notes[0]
    assert "000003" not in set(facts.read(folder, "neighbours")["nearest_image"])


def test_a_student_none_of_whose_images_is_left_is_refused(tmp_path):
    teacher = tiny_student.teacher(tmp_path)
    student = tiny_student.student(tmp_path, teacher.id, held=8)
    names = [f"{k:06d}" for k in range(9)]
    curation.record(teacher.folder, "rejected", [Edit(name, "rejected") for name in names])
    with pytest.raises(UserError, match="1 are as it saw them: 9 were rejected"):
        compare(tmp_path, student_run=student.id, pairs=4, samples=20)


def test_an_earlier_versions_places_count_only_while_nothing_changed(tmp_path):
    teacher = tiny_student.teacher(tmp_path)
    student = tiny_student.student(tmp_path, teacher.id, held=4)
    wanted = pictures_of(compare(tmp_path, student_run=student.id, pairs=18, samples=20)[0])
    tiny_student.made_by_an_earlier_version(student, teacher)
    found, result, _ = compare(tmp_path, student_run=student.id, pairs=18, samples=20)
    assert pictures_of(found) == wanted
    assert not result.notes
    curation.record(teacher.folder, "one rejected", [Edit("000017", "rejected")])
    with pytest.raises(UserError, match=r"earlier version.*Distil it again"):
        compare(tmp_path, student_run=student.id, pairs=4, samples=20)


@pytest.mark.parametrize(("low", "told"), [(222.0, True), (143.0, False)])
def test_samples_no_nearer_than_a_grey_field_are_told(low, told):
    """Half the way of a grey field is the bound."""
    kid, grey = Figure(240.0, low, 258.0, 200), Figure(287.0, 270.0, 300.0, 200)
    said = standing.of_samples({("samples", "KID"): kid, ("mean image", "KID"): grey})
    assert ("KID 240 [" in said) is told
    assert bool(said) is told


def test_nothing_is_told_of_samples_that_were_not_measured():
    assert standing.of_samples({}) == ""


@pytest.mark.parametrize(
    ("low", "high", "near", "far"),
    [(10, 49, True, False), (40, 50, False, False), (50, 90, False, True)],
)
def test_samples_are_near_or_far_by_half_of_a_grey_field(low, high, near, far):
    kid = Figure(value=(low + high) / 2, low=low, high=high, n=40)
    assert (standing.is_near(kid, 100.0), standing.is_far(kid, 100.0)) == (near, far)
