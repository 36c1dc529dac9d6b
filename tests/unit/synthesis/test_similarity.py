"""A comparison of student and teacher: every figure with its controls."""

import numpy as np
import pytest

from backend import facts, runs, specs
from backend.records import UserError
from backend.synthesis import curation, similarity
from backend.synthesis.curation import Edit
from tests import tiny_student
from tests.tiny_student import quiet


def compare(folder, **values):
    run = runs.create(folder, "similarity", values)
    result = similarity.run(specs.from_json(similarity.Spec, values), run.folder, quiet)
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
    from backend.synthesis import teacher
    from backend.synthesis.measuring import references

    spec = specs.to_json(teacher.Spec(count=6, seed=3))
    run = runs.create(tmp_path, "generate", spec)
    seen = np.zeros((6, 64, 64, 3), np.uint8)
    found = references.of_teacher(runs.read(run.folder), seen, 4, 0, quiet, (0, 1))
    assert found.fresh
    assert found.real.shape == found.control.shape == (4, 64, 64, 3)
    assert not np.array_equal(found.real, found.control)


def test_a_teacher_whose_images_were_rejected_since_is_refused(tmp_path):
    teacher = tiny_student.teacher(tmp_path)
    student = tiny_student.student(tmp_path, teacher.id)
    curation.record(teacher.folder, "one rejected", [Edit("000000", "rejected")])
    with pytest.raises(UserError, match="rejected since"):
        compare(tmp_path, student_run=student.id, pairs=4, samples=20)
