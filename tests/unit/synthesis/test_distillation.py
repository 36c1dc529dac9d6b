"""The student: shapes, determinism, resume, and that it learns at all."""

import dataclasses

import numpy as np
import pytest
import torch

from backend.records import Cancelled, UserError
from backend.specs import validate
from backend.synthesis import student
from backend.synthesis.distilling import (
    distillation,
    networks,
)
from backend.synthesis.distilling.sampler import Sampler

SPEC = student.Spec(teacher_run="x", size=64, epochs=3, batch=8, latent_dim=16)


def quiet(*args, **kwargs) -> None:
    """A progress nobody looks at."""


@pytest.fixture
def lesson() -> tuple[np.ndarray, np.ndarray]:
    """Bright squares on grey fields of different tones, 64 px, and their masks."""
    random = np.random.default_rng(0)
    images = np.empty((12, 64, 64, 3), np.uint8)
    masks = np.zeros((12, 64, 64), bool)
    for k in range(12):
        images[k] = random.integers(40, 140)
        x, y = random.integers(8, 40, 2)
        masks[k, y : y + 14, x : x + 14] = True
    images[masks] = 250
    return images, masks


def test_the_paper_student_is_six_transposed_convolutions_from_z_100():
    network = networks.build("paper", 16, 128)
    layers = [m for m in network.modules() if isinstance(m, torch.nn.ConvTranspose2d)]
    assert len(layers) == 6
    assert network(torch.zeros(2, 100)).shape == (2, 3, 128, 128)


@pytest.mark.parametrize("size", (64, 128, 256))
def test_the_default_student_paints_rgb_and_mask_between_0_and_1(size):
    made = networks.build("default", 16, size)(torch.randn(2, 16))
    assert made.shape == (2, 4, size, size)
    assert made.min() >= 0
    assert made.max() <= 1


def test_the_paper_recipe_has_one_size():
    with pytest.raises(UserError, match="128"):
        validate(dataclasses.replace(SPEC, preset="paper"))


def test_it_learns_colours_and_masks(lesson, tmp_path):
    spec = dataclasses.replace(SPEC, epochs=60)
    trained = distillation.distill(spec, *lesson, tmp_path, quiet)
    (tmp_path / "artifacts").mkdir(exist_ok=True)
    distillation.save(trained, tmp_path / "artifacts")
    sampler = Sampler(tmp_path)
    images, masks = sampler.paint(sampler.latents)
    error = np.abs(images.astype(float) - lesson[0]).mean()
    blur = np.abs(lesson[0].mean(0) - lesson[0]).mean()
    assert error < 0.4 * blur
    overlap = (masks > 0.5) & lesson[1]
    assert overlap.sum() / ((masks > 0.5) | lesson[1]).sum() > 0.6


def test_the_same_spec_gives_the_same_student(lesson, tmp_path):
    first, second = (
        distillation.distill(SPEC, *lesson, tmp_path / name, quiet) for name in ("a", "b")
    )
    for one, other in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_canceled_lesson_resumes_to_the_same_student(lesson, tmp_path, monkeypatch):
    monkeypatch.setattr(distillation, "CHECKPOINT_SECONDS", -1.0)
    (tmp_path / "b" / "checkpoint").mkdir(parents=True)

    def stop(fraction, message="", *, step=None, metrics=None):
        if step == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        distillation.distill(SPEC, *lesson, tmp_path / "b", stop)
    resumed = distillation.distill(SPEC, *lesson, tmp_path / "b", quiet)
    (tmp_path / "a" / "checkpoint").mkdir(parents=True)
    straight = distillation.distill(SPEC, *lesson, tmp_path / "a", quiet)
    for one, other in zip(resumed.network.parameters(), straight.network.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_onnx_paints_what_torch_paints_for_any_batch(lesson, tmp_path):
    trained = distillation.distill(SPEC, *lesson, tmp_path, quiet)
    (tmp_path / "artifacts").mkdir(exist_ok=True)
    distillation.save(trained, tmp_path / "artifacts")
    sampler = Sampler(tmp_path)
    z = np.random.default_rng(0).standard_normal((5, 16)).astype(np.float32)
    images, masks = sampler.paint(z, batch=2)
    with torch.no_grad():
        wanted = trained.network(torch.from_numpy(z)).permute(0, 2, 3, 1).numpy()
    assert np.abs(images / 255 - wanted[..., :3]).max() < 0.01
    assert np.abs(masks - wanted[..., 3]).max() < 1e-4


def test_a_sample_depends_on_its_seed_alone(lesson, tmp_path):
    trained = distillation.distill(SPEC, *lesson, tmp_path, quiet)
    (tmp_path / "artifacts").mkdir(exist_ok=True)
    distillation.save(trained, tmp_path / "artifacts")
    sampler = Sampler(tmp_path)
    alone, _ = sampler.sample([7])
    among, _ = sampler.sample([5, 6, 7, 8])
    assert np.abs(alone[0].astype(int) - among[2]).max() <= 1


@pytest.mark.parametrize("content", [None, b"", b"garbage"])
def test_a_damaged_student_is_a_plain_sentence(lesson, tmp_path, content):
    trained = distillation.distill(SPEC, *lesson, tmp_path, quiet)
    distillation.save(trained, tmp_path / "artifacts")
    for name in ("student.onnx", "latents.npz"):
        whole = (tmp_path / "artifacts" / name).read_bytes()
        (tmp_path / "artifacts" / name).unlink()
        if content is not None:
            (tmp_path / "artifacts" / name).write_bytes(content)
        with pytest.raises(UserError, match="Distil it again"):
            Sampler(tmp_path)
        (tmp_path / "artifacts" / name).write_bytes(whole)
