"""The recipe `pairs`: the student learns a diffusion model's own map from noise to picture."""

import dataclasses

import numpy as np
import pytest
import torch

from backend.core import runs, specs
from backend.records import Cancelled, RunState, UserError
from backend.students.distill import data, pair_student, training
from backend.students.distill import job as student
from backend.students.distill.spec import Spec as StudentSpec
from backend.students.sampler import Sampler
from backend.teachers.diffusion.model import load_model
from backend.teachers.generate import job as teacher
from backend.teachers.generate.spec import Spec as TeacherSpec
from tests import tiny_denoiser


def quiet(*args, **kwargs):
    pass


def finished(folder, kind, values, spec_type, function, tell=quiet):
    run = runs.create(folder, kind, values)
    for name in ("artifacts", "checkpoint"):
        (run.folder / name).mkdir(exist_ok=True)
    result = function(specs.from_json(spec_type, values), run.folder, tell)
    runs.finish(run.folder, RunState.COMPLETED, result=specs.to_json(result))
    return run, result


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    """Sixteen images of a diffusion model, in two steps each."""
    folder = tmp_path_factory.mktemp("pairs") / "runs"
    settings = {"count": 16, "denoising_steps": 2, "intact_share": 0.4}
    values = settings | {"teacher": "diffusion", "model_run": tiny_denoiser.make(folder).id}
    return finished(folder, "generate", values, TeacherSpec, teacher.run)[0]


@pytest.fixture(scope="module")
def learned(painted):
    values = {"teacher_run": painted.id, "preset": "pairs", "minutes": 0.1}
    return finished(painted.folder.parent, "distill", values, StudentSpec, student.run)


def test_it_learns_from_fresh_pairs_and_none_of_the_run(learned, painted):
    run, result = learned
    sampler = Sampler(run.folder)
    assert result.pairs >= 2 * pair_student.GROUP
    assert result.images == len(sampler.trained) == 0
    assert result.held == len(sampler.held)
    assert list(sampler.held.names) == list(teacher.load_images(painted.folder, 128).names)
    assert result.megabytes < 15


def test_partners_of_the_runs_images_are_their_own_noise_and_class(learned, painted):
    run, _ = learned
    sampler = Sampler(run.folder)
    for name, latent in zip(sampler.held.names, sampler.held_latents, strict=True):
        noise = np.load(painted.folder / "artifacts" / "noise" / f"{name}.npy")
        count = noise.size
        assert np.abs(latent[:count] - noise.ravel()).max() < 1e-6
    assert np.allclose(sampler.held_latents[:, count:].sum(1), 1)


def test_it_paints_with_the_teachers_own_decoder(painted):
    """From the teacher's code it paints the teacher's picture, to the last grey level."""
    model_run = runs.sibling(painted.folder, painted.spec["model_run"])
    model = load_model(model_run / "artifacts" / "model")
    network = pair_student.PairStudent(model.codec, model.mean, model.deviation, len(model.classes))
    _, codes = model.codes_of([5], ["crack"], 2)
    code = torch.from_numpy(codes)
    shown = network.painted(code)
    decoded = model.codec.decode(code * model.deviation + model.mean)
    assert float((shown[:, :3] - decoded.rgb.clamp(0, 1)).abs().max()) < 1e-5
    assert float((shown[:, 4:5] - decoded.grain).abs().max()) < 1e-6


def test_samples_follow_seed_and_class(learned):
    sampler = Sampler(learned[0].folder)
    first, _ = sampler.sample([3], class_name="crack")
    again, _ = sampler.sample([3], class_name="crack")
    assert np.array_equal(first, again)
    z, name = sampler.draw_named(np.random.default_rng(3), class_name="scratch")
    assert name == "scratch"
    assert z[3072:].tolist() == [float(c == "scratch") for c in sampler.classes]


def test_initial_weights_depend_on_the_seed_alone(painted, tmp_path):
    everything = data.read(painted.folder, 128)
    first, again, other = (
        pair_student.Pairs(
            StudentSpec(teacher_run=painted.id, preset="pairs", seed=seed),
            painted.folder,
            everything,
            tmp_path,
        ).network.enter.weight
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def as_earlier_versions_kept_it(file):
    """The pairs in a file of their own, and the time that they took counted apart."""
    state = torch.load(file, weights_only=True)["lesson"]
    pairs = state.pop("pairs")
    state["seconds"] -= pairs["seconds"]
    torch.save(state, file)
    np.savez(file.with_name("pairs.npz"), **pairs)


@pytest.mark.parametrize("older", (False, True))
def test_a_canceled_lesson_goes_on_with_its_pairs(painted, monkeypatch, older):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    spec = StudentSpec(teacher_run=painted.id, preset="pairs", minutes=0.05)
    run = runs.create(painted.folder.parent, "distill", dataclasses.asdict(spec))
    for name in ("artifacts", "checkpoint"):
        (run.folder / name).mkdir(exist_ok=True)
    seen = []

    def stop(fraction, message="", *, step=None, metrics=None):
        seen.append(step)
        if step == 10:
            raise Cancelled

    with pytest.raises(Cancelled):
        student.run(spec, run.folder, stop)
    file = run.folder / "checkpoint" / "lesson.pt"
    state = torch.load(file, weights_only=True)["lesson"]
    kept, spent = state["pairs"]["z"].numpy(), state["seconds"]
    assert len(kept) >= 2 * pair_student.GROUP
    if older:
        as_earlier_versions_kept_it(file)
    everything = data.read(painted.folder, 128)
    recipe = pair_student.Pairs(spec, painted.folder, everything, file.with_name("pairs.npz"))
    state = torch.load(file, weights_only=True)
    recipe.restore(state.get("lesson", state))
    assert np.array_equal(recipe.pool.z, kept)
    assert recipe.training.seconds == pytest.approx(spent)
    seen.clear()
    result = student.run(
        spec, run.folder, lambda f, m="", *, step=None, metrics=None: seen.append(step)
    )
    assert all(step > 10 for step in seen if step)
    assert result.pairs >= len(kept)


def test_images_of_the_model_of_earlier_versions_are_refused_in_words(painted, tmp_path):
    shown = runs.create(tmp_path / "runs", "generate", {"teacher": "diffusion", "model_run": ""})
    everything, spec = data.read(painted.folder, 128), StudentSpec(preset="pairs")
    with pytest.raises(UserError, match="no longer part of the program"):
        pair_student.Pairs(spec, shown.folder, everything, tmp_path)


def test_images_of_another_teacher_are_refused_in_words(tmp_path):
    values = {"teacher": "renderer", "count": 8, "size": 128}
    rendered, _ = finished(tmp_path / "runs", "generate", values, TeacherSpec, teacher.run)
    values = {"teacher_run": rendered.id, "preset": "pairs"}
    with pytest.raises(UserError, match="needs images of the teacher 'diffusion'"):
        finished(tmp_path / "runs", "distill", values, StudentSpec, student.run)
