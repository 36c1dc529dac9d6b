"""The student: shapes, determinism, resume, and that it learns at all."""

import dataclasses
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.core.specs import validate
from backend.records import Cancelled, UserError
from backend.students import drawing, quantize
from backend.students.distill import (
    data,
    discriminator,
    initial_codes,
    learned_student,
    losses,
    networks,
    recipes,
    training,
)
from backend.students.distill.data import Material
from backend.students.distill.spec import Result, Spec, cut_short
from backend.students.drawing import OCTAVES
from backend.students.sampler import Sampler

SPEC = Spec(teacher_run="x", size=64, epochs=3, batch=8, channels=8)


def quiet(*args, **kwargs) -> None:
    """A progress nobody looks at."""


@pytest.fixture(scope="module", autouse=True)
def few_judged() -> Iterator[None]:
    """A judgement of the samples takes as long as the rest of these lessons."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "JUDGED_IMAGES", 16)
        yield


@pytest.fixture(scope="module")
def lesson() -> Material:
    """Bright squares on grey fields of different tones, 64 px, and their masks."""
    random = np.random.default_rng(0)
    images = np.empty((12, 64, 64, 3), np.uint8)
    masks = np.zeros((12, 64, 64), bool)
    for k in range(12):
        images[k] = random.integers(40, 140)
        x, y = random.integers(8, 40, 2)
        masks[k, y : y + 14, x : x + 14] = True
    images[masks] = 250
    names = np.array([f"{k:06d}" for k in range(12)])
    return Material(images, masks, np.arange(12) % 2, names, names, ("crack", "scratch"))


KINDS = {
    "default": learned_student.LearnedLatents,
    "sharp": learned_student.Sharp,
}


def recipe_of(spec: Spec, lesson: Material) -> recipes.Recipe:
    """Learns from ten of the images; two are kept away."""
    learned, held = lesson.part(np.arange(10)), lesson.part(np.arange(10, 12))
    if spec.preset == "paper":
        return recipes.Paper(spec, learned, held)
    return KINDS[spec.preset](spec, learned, held, Path("none.pt"))


def taught(spec: Spec, lesson: Material, folder: Path, tell=quiet) -> recipes.Recipe:
    """A finished student."""
    return chosen(spec, lesson, folder, tell)[0]


def chosen(
    spec: Spec, lesson: Material, folder: Path, tell=quiet
) -> tuple[recipes.Recipe, float | None]:
    """A finished student, and the KID of its samples by which its weights were chosen."""
    for name in ("checkpoint", "artifacts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    recipe = recipe_of(spec, lesson)
    best_kid, _ = training.teach(recipe, folder, tell)
    training.save_weights(recipe, folder / "artifacts", tell)
    return recipe, best_kid


@pytest.fixture(scope="module")
def student(lesson: Material, tmp_path_factory) -> tuple[Path, recipes.Recipe]:
    """A folder with everything of a student that was taught once, and its recipe."""
    return whole(SPEC, lesson, tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="module")
def able(lesson: Material, tmp_path_factory) -> tuple[Path, recipes.Recipe]:
    """One that was taught for longer."""
    return whole(dataclasses.replace(SPEC, epochs=60), lesson, tmp_path_factory.mktemp("able"))


def whole(spec: Spec, lesson: Material, folder: Path) -> tuple[Path, recipes.Recipe]:
    """A finished student that can be sampled."""
    recipe = taught(spec, lesson, folder)
    as_a_file(recipe, folder)
    return folder, recipe


def as_a_file(recipe: recipes.Recipe, folder: Path) -> None:
    """For samples; it takes longer than teaching."""
    training.write_onnx(recipe.training.average, folder / "artifacts" / "student.onnx")


def weights(recipe: recipes.Recipe) -> list[torch.Tensor]:
    """Those that are kept."""
    return list(recipe.training.average.parameters())


def test_the_paper_student_is_six_transposed_convolutions_from_z_100():
    network = networks.PaperStudent()
    layers = [m for m in network.modules() if isinstance(m, torch.nn.ConvTranspose2d)]
    assert len(layers) == 6
    assert network(torch.zeros(2, 100)).shape == (2, 3, 128, 128)


@pytest.mark.parametrize("size", (64, 128, 256))
def test_the_default_student_paints_rgb_and_mask_between_0_and_1(size):
    torch.manual_seed(0)
    made = networks.Student(8, size)(torch.randn(2, 8 * (size // 8) ** 2 + 6))
    assert made.shape == (2, 4 + OCTAVES, size, size)
    assert made[:, :4].min() >= 0
    assert made[:, :4].max() <= 1


def test_the_paper_recipe_has_one_size():
    with pytest.raises(UserError, match="128"):
        validate(dataclasses.replace(SPEC, preset="paper"))


def test_it_learns_colours_and_masks(lesson, able):
    sampler = Sampler(able[0])
    images, masks = sampler.paint(sampler.latents)
    wanted = lesson.images[sampler.trained.names.astype(int)]
    error = np.abs(images.astype(float) - wanted).mean()
    blur = np.abs(wanted.mean(0) - wanted).mean()
    assert error < 0.4 * blur
    exact = lesson.masks[sampler.trained.names.astype(int)]
    overlap = (masks > 0.5) & exact
    assert overlap.sum() / ((masks > 0.5) | exact).sum() > 0.6


def test_the_same_spec_gives_the_same_student(lesson, tmp_path):
    first, second = (taught(SPEC, lesson, tmp_path / name) for name in ("a", "b"))
    for one, other in zip(weights(first), weights(second), strict=True):
        assert torch.equal(one, other)


def as_earlier_versions_kept_it(file: Path) -> None:
    """With the number of the epoch, and what each group's rate is multiplied by."""
    state = torch.load(file, weights_only=True)
    state["lesson"]["epoch"] = 2
    for group, scale in zip(state["lesson"]["optimizer"]["param_groups"], (1.0, 3.0), strict=True):
        group["scale"] = scale
    torch.save(state, file)


@pytest.mark.parametrize("preset", ("default", "sharp"))
def test_a_canceled_lesson_resumes_to_the_same_student(lesson, tmp_path, monkeypatch, preset):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    spec = dataclasses.replace(SPEC, preset=preset)

    def stop(fraction, message="", *, step=None, metrics=None):
        if step == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        taught(spec, lesson, tmp_path / "b", stop)
    as_earlier_versions_kept_it(tmp_path / "b" / "checkpoint" / "lesson.pt")
    resumed, resumed_kid = chosen(spec, lesson, tmp_path / "b")
    straight, straight_kid = chosen(spec, lesson, tmp_path / "a")
    for one, other in zip(weights(resumed), weights(straight), strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    assert resumed_kid == pytest.approx(straight_kid)


def test_the_best_weights_are_chosen_on_what_their_users_get(lesson, tmp_path, monkeypatch):
    """The samples that were judged best are those that the finished student paints of the seeds."""
    judged, kids, drawn = [], [], recipes.Recipe.sample
    measure = training.kid

    def samples(recipe, random):
        judged.append(drawn(recipe, random))
        return judged[-1]

    def kid(*sets):
        kids.append(measure(*sets))
        return kids[-1]

    monkeypatch.setattr(recipes.Recipe, "sample", samples)
    monkeypatch.setattr(training, "kid", kid)
    recipe, best_kid = chosen(dataclasses.replace(SPEC, epochs=24, seed=3), lesson, tmp_path)
    as_a_file(recipe, tmp_path)
    assert len(judged) > 2
    assert best_kid == min(kids)
    seeds = [[3, k] for k in range(training.JUDGED_IMAGES)]
    given, _ = Sampler(tmp_path).sample(seeds)
    apart = np.abs(given.astype(int) - judged[int(np.argmin(kids))])
    assert apart.max() <= 2


def test_the_paper_recipe_draws_as_the_sampler_does_and_keeps_no_latents(lesson, tmp_path):
    images, masks = (x.repeat(2, 1).repeat(2, 2) for x in (lesson.images, lesson.masks))
    large = dataclasses.replace(lesson, images=images, masks=masks)
    spec = dataclasses.replace(SPEC, preset="paper", size=128, epochs=1)
    recipe, best_kid = chosen(spec, large, tmp_path)
    as_a_file(recipe, tmp_path)
    drawn = recipe.sample([np.random.default_rng(seed) for seed in (3, 4)])
    given, masks = Sampler(tmp_path).sample([3, 4])
    assert np.abs(given.astype(int) - drawn).max() <= 1
    assert not masks.any()
    assert best_kid is None
    with np.load(tmp_path / "artifacts" / "latents.npz") as kept:
        assert "latents" not in kept.files


@pytest.mark.parametrize("change", ("order", "class", "content"))
def test_a_lesson_whose_images_changed_meanwhile_begins_again(
    lesson, tmp_path, monkeypatch, change
):
    """Its latents would be those of other images."""
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)

    def stop(fraction, message="", *, step=None, metrics=None):
        if step == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        taught(SPEC, lesson, tmp_path / "b", stop)
    changed = {
        "order": lambda: lesson.part(np.r_[1:12, 0]),
        "class": lambda: dataclasses.replace(lesson, labels=1 - lesson.labels),
        "content": lambda: dataclasses.replace(lesson, hashes=lesson.names[::-1]),
    }[change]()
    told = []

    def listen(fraction, message="", **_):
        told.append(message)

    resumed = taught(SPEC, changed, tmp_path / "b", listen)
    straight = taught(SPEC, changed, tmp_path / "a")
    assert "beginning again" in told[0]
    for one, other in zip(weights(resumed), weights(straight), strict=True):
        assert torch.equal(one, other)


def test_onnx_paints_what_torch_paints_for_any_batch(student):
    folder, trained = student
    sampler = Sampler(folder)
    z = np.random.default_rng(0).standard_normal((5, 8 * 64 + 6)).astype(np.float32)
    images, masks = sampler.paint(z, batch=2)
    with torch.no_grad():
        wanted = trained.training.average(torch.from_numpy(z)).permute(0, 2, 3, 1).numpy()
    assert np.abs(images / 255 - wanted[..., :3]).max() < 0.01
    assert np.abs(masks - wanted[..., 3]).max() < 1e-4


def test_a_sample_depends_on_its_seed_alone(student):
    sampler = Sampler(student[0])
    alone, _ = sampler.sample([7])
    among, _ = sampler.sample([5, 6, 7, 8])
    assert np.abs(alone[0].astype(int) - among[2]).max() <= 1


@pytest.mark.parametrize("content", [None, b"", b"garbage"])
def test_a_damaged_student_is_a_plain_sentence(student, tmp_path, content):
    shutil.copytree(student[0], tmp_path, dirs_exist_ok=True)
    for name in ("student.onnx", "latents.npz"):
        whole = (tmp_path / "artifacts" / name).read_bytes()
        (tmp_path / "artifacts" / name).unlink()
        if content is not None:
            (tmp_path / "artifacts" / name).write_bytes(content)
        with pytest.raises(UserError, match="Distil it again"):
            Sampler(tmp_path)
        (tmp_path / "artifacts" / name).write_bytes(whole)


def test_images_kept_away_get_latents_but_teach_nothing(lesson, student):
    sampler = Sampler(student[0])
    assert list(sampler.trained.names) == list(lesson.names[:10])
    assert list(sampler.held.names) == ["000010", "000011"]
    assert sampler.held_latents.shape == (2, 8 * 64 + 6)


def test_each_image_has_the_class_of_its_largest_box(tiny_runs):
    run = tiny_runs["generate"]
    found = data.read(run.folder, 64)
    assert len(found.labels) == len(found) == len(found.names)
    has_defect = np.array([found.classes[k] != "intact" for k in found.labels])
    assert list(has_defect) == list(found.masks.any((1, 2)))


def test_held_images_and_learned_ones_are_all_images_once():
    names = np.arange(20).astype(str)
    whole = Material(np.zeros((20, 8, 8, 3)), np.zeros((20, 8, 8)), np.arange(20), names, names, ())
    learned, held = data.divided(whole, 0.25, seed=3)
    assert len(held) == 5
    assert sorted([*learned.names, *held.names]) == sorted(names)


@pytest.mark.parametrize("octave", range(OCTAVES))
def test_noise_is_drawn_as_strong_as_it_is_found(octave):
    """In each octave, whatever lines there are; the other octaves stay silent."""
    scene = np.full((3, 128, 128), 0.5, np.float32)
    scene[:, :, 16::32] = 0.3
    noisy = [
        scene + 0.02 * drawing.noise(np.random.default_rng(k), 128)[octave].transpose(2, 0, 1)
        for k in range(4)
    ]
    found = losses.log_noise(torch.from_numpy(np.stack(noisy))).exp().mean((0, 2, 3))
    assert float(found[octave]) == pytest.approx(0.02, rel=0.2)
    assert all(float(found[k]) < 0.013 for k in range(OCTAVES) if k != octave)


def test_codes_of_cells_keep_what_the_cells_show(lesson):
    images = torch.from_numpy(lesson.images).permute(0, 3, 1, 2)
    masks = torch.from_numpy(lesson.masks)[:, None]
    codes = initial_codes.local_codes(images, masks, 16)
    z = codes(images, masks)
    assert z.shape == (12, 16 * 64)
    defects = z.unflatten(1, (16, 8, 8))[:, 8:]
    empty = ~torch.nn.functional.max_pool2d(masks.float(), 8)[:, 0].bool()
    assert torch.allclose(defects.permute(0, 2, 3, 1)[empty], codes.nothing, atol=1e-3)


def test_a_defect_is_covered_with_the_mean_of_what_lies_within_12_px_of_it(lesson):
    image = torch.from_numpy(lesson.images[:1]).permute(0, 3, 1, 2).double() / 255
    mask = torch.zeros_like(image[:, :1])
    mask[:, :, 20:24, 3:40] = 1
    covered = losses.without_defect(image, mask)
    around = image[0, :, 22 - 12 : 22 + 13, : 5 + 13]
    outside = 1 - mask[0, :, 22 - 12 : 22 + 13, : 5 + 13]
    wanted = (around * outside).sum((1, 2)) / outside.sum()
    torch.testing.assert_close(covered[0, :, 22, 5], wanted)
    assert covered[0, :, 30, 5].equal(image[0, :, 30, 5])


def test_samples_carry_camera_noise_and_copies_do_not(lesson, tmp_path):
    noisy = np.clip(
        lesson.images + np.random.default_rng(1).normal(0, 8, lesson.images.shape), 0, 255
    )
    lesson = dataclasses.replace(lesson, images=noisy.astype(np.uint8))
    whole(SPEC, lesson, tmp_path)
    sampler = Sampler(tmp_path)
    clean, _ = sampler.paint(sampler.latents[:4])
    randoms = [np.random.default_rng(k) for k in range(4)]
    grainy, _ = sampler.paint(sampler.latents[:4], random=randoms)
    difference = (grainy.astype(float) - clean).mean(-1).std()
    assert 2 < difference < 12


def test_a_sample_has_the_light_of_another_scene_and_the_whole_of_a_defect(lesson, able):
    """One grey field each, so the light is its tone alone; the bright squares are 14 px wide."""
    sampler = Sampler(able[0])
    own = np.median(lesson.images[sampler.trained.names.astype(int)], (1, 2, 3))
    for seed in range(12):
        z = sampler.draw(np.random.default_rng(seed))
        (image,), (mask,) = sampler.paint(z[None])
        assert np.abs(np.median(image) - own).min() < 12
        assert 0.5 * 14**2 < (mask > 0.5).sum() < 2 * 14**2


def test_in_whole_numbers_it_paints_alike_in_any_light(student, tmp_path):
    shutil.copytree(student[0], tmp_path, dirs_exist_ok=True)
    exact = Sampler(tmp_path)
    folder = tmp_path / "artifacts"
    latents = quantize.latents(exact, 0, 16)
    quantize.quantise(folder / "student.onnx", folder / "student_int8.onnx", latents)
    quantised = Sampler(tmp_path, precision="int8")
    gate = quantize.compare(exact, quantised, quantize.latents(exact, 100, 8))
    assert gate.passes, gate.words


def test_without_variation_scenes_keep_their_light_and_defects_their_place(student):
    sampler = Sampler(student[0])
    for seed in range(12):
        z = sampler.draw(np.random.default_rng(seed), 0.0)
        own = sampler.scene_dim
        assert (z[:own] == sampler.latents[:, :own]).all(1).any()
        assert (z[own:] == sampler.latents[:, own:]).all(1).any()


def test_light_moves_to_that_of_the_other_or_a_share_of_the_way():
    random = np.random.default_rng(0)
    images = np.stack([random.normal(mean, 12, (64, 64, 3)) for mean in (90, 120)])
    own, other = drawing.light_of(images.round().astype(np.uint8))
    for share in (0.0, 0.5, 1.0):
        gain, shift = np.split(drawing.light_change(own, other, share), 2)
        assert own[:3] * np.exp(gain) + shift == pytest.approx(
            own[:3] + share * (other[:3] - own[:3]), abs=1e-5
        )
    assert not drawing.light_change(own, other, 0.0).any()


def test_a_critic_learns_to_tell_noise_from_squares(lesson):
    torch.manual_seed(0)
    judge, random = discriminator.Critic(), torch.Generator().manual_seed(0)
    rgb = torch.from_numpy(lesson.images).permute(0, 3, 1, 2).float() / 255
    real = torch.cat([rgb, torch.from_numpy(lesson.masks)[:, None].float()], 1)
    made = torch.rand(real.shape, generator=random)
    optimizer = torch.optim.Adam(judge.parameters(), 0.002)
    for _ in range(15):
        loss = discriminator.critic_loss(judge, real, made, random)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert judge(real).mean() > judge(made).mean() + 0.5


def test_augmenting_moves_picture_and_mask_together():
    random = torch.Generator().manual_seed(2)
    shown = torch.zeros(1, 4, 64, 64)
    shown[:, :, 20:40, 20:40] = 1
    for _ in range(5):
        seen = discriminator.augmented(shown, random)
        assert ((seen[:, 0] > seen[:, 0].mean()) == (seen[:, 3] > 0.5)).all()


@pytest.mark.parametrize(
    ("spec", "ended", "told"),
    [
        (Spec(epochs=30, minutes=1.0), "time", "Its time (1 min) was up after 2 of 30 epochs"),
        (Spec(epochs=30, patience=2), "time", "Its time (5 min) was up after 2 of 30 epochs"),
        (Spec(epochs=30, minutes=1.0), "epochs", ""),
        (Spec(epochs=30, patience=2), "patience", ""),
        (Spec(epochs=30, preset="pairs"), "time", ""),
        (Spec(epochs=30), "", ""),  # of an earlier version
    ],
)
def test_a_student_tells_that_its_time_was_up_first(spec, ended, told):
    result = Result(
        **{"preset": spec.preset, "size": 128, "latent_dim": 8, "paints_mask": True},
        **{"images": 9, "epochs": 2, "parameters": 1, "megabytes": 1.0, "loss": 1.0},
        ended=ended,
    )
    said = cut_short(spec, result)
    assert said.startswith(told) if told else said == ""


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        ({"epochs": 2}, "epochs"),
        ({"epochs": 5000, "minutes": 0.001, "patience": 9}, "time"),
        ({"epochs": 24, "patience": 1}, "patience"),
    ],
)
def test_why_a_lesson_ended_is_kept(lesson, tmp_path, monkeypatch, change, ended):
    for name in ("checkpoint", "artifacts"):
        (tmp_path / name).mkdir()
    kids = itertools.count(1.0)  # worse each time
    monkeypatch.setattr(training, "kid", lambda *sets: next(kids))
    spec = dataclasses.replace(SPEC, **change)
    assert training.teach(recipe_of(spec, lesson), tmp_path, quiet)[1] == ended
