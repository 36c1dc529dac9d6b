"""Sampling without torch: classes, mixtures, precisions."""

import numpy as np
import pytest

from backend.records import UserError
from backend.students.drawing import UNNAMED
from backend.students.sampler import Sampler
from tests import tiny_student


def test_a_class_takes_latents_of_its_own_images_alone(tmp_path):
    sampler = Sampler(tiny_student.student(tmp_path).folder)
    assert sampler.known_classes == ("chip", "crack")
    half = sampler.latent_dim // 2
    defects = {tuple(row[half:]) for row in sampler.latents[sampler.rule.labels == 1]}
    for seed in range(20):
        z, name = sampler.draw_named(np.random.default_rng(seed), class_name="crack")
        assert name == "crack"
        assert tuple(z[half:]) in defects


def test_without_a_class_each_sample_is_named_after_its_defect(tmp_path):
    sampler = Sampler(tiny_student.student(tmp_path).folder)
    half = sampler.latent_dim // 2
    names = set()
    for seed in range(20):
        z, name = sampler.draw_named(np.random.default_rng(seed))
        place = np.flatnonzero((sampler.latents[:, half:] == z[half:]).all(1))[0]
        assert name == sampler.classes[sampler.rule.labels[place]]
        names.add(name)
    assert names == {"chip", "crack"}


def test_an_unknown_class_is_refused_by_name(tmp_path):
    sampler = Sampler(tiny_student.student(tmp_path).folder)
    with pytest.raises(UserError, match=r"'bubble'.*chip, crack"):
        sampler.sample([0], class_name="bubble")
    paper = Sampler(tiny_student.student(tmp_path, masks=False).folder)
    assert paper.sample_named([0])[2] == [UNNAMED]
    with pytest.raises(UserError, match="Known are: none"):
        paper.sample([0], class_name="crack")


def test_a_mixture_begins_at_one_latent_ends_at_the_other_and_does_not_fade(tmp_path):
    sampler = Sampler(tiny_student.student(tmp_path).folder)
    first, second = (sampler.draw(np.random.default_rng(k)) for k in (0, 1))
    assert sampler.mix(first, second, 0.0) == pytest.approx(first, abs=1e-6)
    assert sampler.mix(first, second, 1.0) == pytest.approx(second, abs=1e-6)
    lengths = [np.linalg.norm(v) for v in (first, second)]
    assert np.linalg.norm(sampler.mix(first, second, 0.5)) == pytest.approx(np.mean(lengths))
    assert sampler.mix(first, first, 0.5) == pytest.approx(first, abs=1e-6)


def test_int8_needs_an_export(tmp_path):
    with pytest.raises(UserError, match="page Package"):
        Sampler(tiny_student.student(tmp_path).folder, precision="int8")
