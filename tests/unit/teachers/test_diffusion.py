"""The small diffusion model: what it learns from, that it learns, and that it can be stopped."""

import itertools

import numpy as np
import pytest
import torch

from backend import renderer
from backend.core import runs, specs
from backend.images import imageset
from backend.images.labelled_image import LabelledImage
from backend.records import Box, Cancelled, UserError
from backend.teachers.diffusion import data, stage, training
from backend.teachers.diffusion import job as diffusion
from backend.teachers.diffusion.model import load_model, signal_shares
from backend.teachers.diffusion.spec import Spec
from tests import tiny_denoiser


def quiet(*args, **kwargs):
    pass


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Sixteen rendered images, every fourth of them intact."""

    def make(k):
        kind = ("crack", "chip")[k % 2]
        shot = renderer.render(k, 128, classes=(kind,), defects=(0, 0) if k % 4 == 0 else (1, 2))
        return LabelledImage(shot.image, "rendered", boxes=shot.boxes, mask=shot.mask)

    run = runs.create(tmp_path_factory.mktemp("diffusion") / "runs", "generate", {})
    imageset.write(run.folder, 16, make, quiet)
    runs.finish(run.folder, runs.RunState.COMPLETED, result={})
    return run


def trained(labelled, progress=quiet, folder=None, **values):
    values = {"images_run": labelled.id, "minutes": 0.05, "batch": 4, **values}
    folder = folder or runs.create(labelled.folder.parent, "diffusion", values).folder
    for name in ("checkpoint", "artifacts"):
        (folder / name).mkdir(exist_ok=True)
    return folder, diffusion.run(specs.from_json(Spec, values), folder, progress)


def test_a_lesson_has_a_class_for_each_kind_and_masks_as_fourth_channel(labelled):
    shown = data.read(labelled.folder)
    assert shown.classes == ("intact", "chip", "crack")
    assert shown.pictures.shape == (16, 128, 128, 4)
    assert [shown.classes[n] for n in shown.labels[:4]] == ["intact", "chip", "crack", "chip"]
    assert shown.pictures[0, ..., 3].max() == 0
    assert shown.pictures[1, ..., 3].max() == 255


def test_boxes_stand_in_for_masks_that_nobody_has(tmp_path):
    run = runs.create(tmp_path / "runs", "generate", {})
    box = Box("dent", (50, 20, 100, 30))
    made = LabelledImage(np.zeros((100, 200, 3), np.uint8), "imported", boxes=(box,))
    imageset.write(run.folder, 1, lambda k: made, quiet)
    mask = data.read(run.folder).pictures[0, ..., 3] > 0
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert (columns[0], columns[-1] + 1) == (32, 64)
    assert rows[0] == pytest.approx(25, abs=1)
    assert rows[-1] + 1 == pytest.approx(39, abs=1)


def test_images_without_any_label_are_refused_before_training(tmp_path):
    run = runs.create(tmp_path / "runs", "generate", {})
    made = LabelledImage(np.zeros((64, 64, 3), np.uint8), "imported")
    imageset.write(run.folder, 20, lambda k: made, quiet)
    with pytest.raises(UserError, match="None of these images has a box"):
        data.read(run.folder)


def test_a_trained_model_is_saved_and_samples(labelled):
    folder, result = trained(labelled)
    assert result.classes == ("intact", "chip", "crack")
    assert result.codec_steps > 0
    assert result.steps > 0
    model = load_model(folder / "artifacts" / "model")
    made = model.sample([3, 4], ["crack", "intact"], 2)
    assert made.images.shape == (2, 128, 128, 3)
    assert set(np.unique(made.masks)) <= {0, 255}
    assert list((folder / "artifacts" / "film").glob("samples_*.png"))


def test_a_model_goes_on_from_an_earlier_one_with_the_classes_it_is_shown(labelled):
    earlier = tiny_denoiser.make(labelled.folder.parent)
    _, result = trained(labelled, start="earlier run", start_run=earlier.id, codec_share=0.0)
    assert result.classes == ("intact", "chip", "crack")
    assert result.codec_steps == 0


def test_a_stopped_training_goes_on_where_it_was(labelled, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(stage, "REPORT_STEPS", 1)
    reached = []

    def stop(fraction, message="", *, step=None, metrics=None):
        if step:
            reached.append(step)
        if len(reached) == 2:
            raise Cancelled

    values = {"start": "scratch", "minutes": 1.0}
    folder = runs.create(labelled.folder.parent, "diffusion", values).folder
    with pytest.raises(Cancelled):
        trained(labelled, stop, folder, **values)

    def stop_at_once(fraction, message="", *, step=None, metrics=None):
        if step:
            reached.append(step)
            raise Cancelled

    with pytest.raises(Cancelled):
        trained(labelled, stop_at_once, folder, **values)
    assert reached == [1, 2, 3]


def test_steps_after_a_restart_are_those_of_a_training_never_stopped():
    def new():
        torch.manual_seed(0)
        return stage.Stage(torch.nn.Linear(4, 4), 1e-2, 1e12, 0.9, seed=3)

    def learn(one, steps):
        for _ in range(steps):
            one.round(itertools.islice(one.some_steps(lambda random: loss(one, random)), 1))

    def loss(one, random):
        error = one.network(torch.randn(8, 4, generator=random)).square().mean()
        return {"loss": error, "error": error.detach()}

    whole, stopped, resumed = new(), new(), new()
    learn(whole, 4)
    learn(stopped, 2)
    resumed.restore(stopped.state())
    learn(resumed, 2)
    assert torch.allclose(whole.network.weight, resumed.network.weight, atol=1e-7)
    assert torch.allclose(whole.average.weight, resumed.average.weight, atol=1e-7)


def test_a_codec_keeps_brightness_and_denoising_of_a_perfect_network_costs_nothing():
    random = torch.Generator().manual_seed(0)
    clean, noise = (torch.randn(6, 12, 16, 16, generator=random) for _ in range(2))
    steps = torch.tensor([0, 100, 400, 700, 900, 999])
    alphas = signal_shares()
    signal = alphas[steps][:, None, None, None]

    class Perfect:
        def __call__(self, noisy, steps, labels):
            v = signal.sqrt() * noise - (1 - signal).sqrt() * clean
            return type("Out", (), {"sample": v})

    labels = torch.zeros(6, dtype=torch.long)
    losses = training.denoising_losses(Perfect(), clean, noise, steps, labels, alphas)
    assert losses["error"].item() == pytest.approx(0, abs=1e-9)
    assert alphas[-1].item() == pytest.approx(0, abs=1e-6)  # zero terminal SNR


def test_the_codes_moments_do_not_overflow_half_precision():
    random = np.random.default_rng(0)
    codes = (3 + 20 * random.standard_normal((300, 2, 2, 16, 16))).astype(np.float16)
    mean, deviation = training.moments(codes)
    assert mean.shape == deviation.shape == (2, 1, 1)
    assert mean.flatten().tolist() == pytest.approx([3, 3], abs=0.2)
    assert deviation.flatten().tolist() == pytest.approx([20, 20], rel=0.02)


def test_a_damaged_model_is_refused_in_words(tmp_path):
    with pytest.raises(UserError, match="holds no diffusion model"):
        load_model(tmp_path)
    (tmp_path / "diffusion.json").write_text('{"classes": ["intact", "crack"]}')
    (tmp_path / "diffusion.safetensors").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="damaged"):
        load_model(tmp_path)
