"""LoRA: what it reads, that it learns, resumes to the same weights, and changes an image."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from backend.core.specs import to_json, validate
from backend.images import imagefiles, imageset
from backend.images.labelled_image import LabelledImage
from backend.records import Box, Cancelled, UserError
from backend.teachers.lora import job as lora
from backend.teachers.lora import training, training_step
from backend.teachers.lora.spec import Example, Spec
from backend.teachers.stable_diffusion import painting
from backend.teachers.stable_diffusion.settings import PaintSettings, loras
from tests import tiny_diffusion

SPEC = Spec(images_run="x", steps=6, pixels=64, rank=4, preview_every=0, learning_rate=0.01)
SETTINGS = PaintSettings(pixels=64, painting_steps=3, scheduler="DDIM")


def quiet(*args, **kwargs) -> None:
    """A progress nobody looks at."""


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "PREVIEW_STEPS", 2)
    monkeypatch.setattr(training, "PROBE_DRAWS", 4)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_diffusion.make(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    folder = tmp_path_factory.mktemp("photographs")
    found = []
    for number, pixels in enumerate(tiny_diffusion.photographs()):
        imagefiles.write(folder / f"{number}.png", pixels)
        found.append(Example(folder / f"{number}.png", "a crack"))
    return found


def weights(file: Path) -> dict[str, torch.Tensor]:
    with safe_open(file, framework="pt") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118


def test_training_lowers_the_loss_and_its_file_changes_what_is_painted(model, shown, tmp_path):
    steps = []

    def progress(fraction, message="", *, step=None, metrics=None):
        steps.extend([(step, metrics["loss"])] if metrics else [])

    spec = dataclasses.replace(SPEC, steps=20, alpha=8, preview_every=10, learning_rate=0.02)
    result = training.train(spec, model, shown, tmp_path, progress)
    assert [step for step, _ in steps] == list(range(1, 21))
    assert result.loss_after < result.loss_before
    assert result.images == 6
    assert result.parameters == sum(
        weight.numel() for weight in weights(tmp_path / "artifacts" / "lora.safetensors").values()
    )
    film = sorted(path.name for path in (tmp_path / "artifacts" / "film").iterdir())
    assert film == ["step_00000.png", "step_00010.png", "step_00020.png"]
    file = tmp_path / "artifacts" / "lora.safetensors"
    plain, styled, off, twice = (
        painting.Painter(SETTINGS, model, use)
        for use in ([], [(file, 1.0)], [(file, 0.0)], [(file, 0.5), (file, 0.5)])
    )
    images = [one.paint(3, "a crack").pixels.astype(int) for one in (plain, styled, off, twice)]
    assert np.abs(images[0] - images[1]).mean() > 2
    assert np.abs(images[0] - images[2]).max() <= 1
    assert np.abs(images[1] - images[3]).max() <= 1, "two at half strength are one at full"
    layer = styled.pipeline.unet.mid_block.attentions[0].transformer_blocks[0].attn2.to_q
    assert layer.scaling["style0"] == 8 / 4, "the file keeps alpha"


def as_earlier_versions_kept_it(folder: Path, names: list[str]) -> None:
    """The low-rank weights by name."""
    file = folder / "checkpoint" / "lora.pt"
    state = torch.load(file, weights_only=True)
    learned = state.pop("network")
    del state["average"]
    state["weights"] = dict(zip(names, learned.values(), strict=True))
    torch.save(state, file)


@pytest.mark.parametrize("older", (False, True))
def test_a_canceled_training_resumes_to_the_same_weights(
    model, shown, tmp_path, monkeypatch, older
):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)

    def stop(fraction, message="", *, step=None, metrics=None):
        if step == 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        training.train(SPEC, model, shown, tmp_path / "b", stop)
    if older:
        names = list(training_step.Lesson(SPEC, model, shown).weights)
        as_earlier_versions_kept_it(tmp_path / "b", names)
    resumed = training.train(SPEC, model, shown, tmp_path / "b", quiet)
    straight = training.train(SPEC, model, shown, tmp_path / "a", quiet)
    one, other = (weights(tmp_path / name / "artifacts" / "lora.safetensors") for name in "ab")
    assert one.keys() == other.keys()
    for name, weight in one.items():
        assert torch.allclose(weight, other[name], atol=1e-6)
    assert resumed.steps == straight.steps == 6
    assert resumed.loss_before == pytest.approx(straight.loss_before, abs=1e-6)


def test_it_stops_when_its_minutes_are_over(model, shown, tmp_path):
    spec = dataclasses.replace(SPEC, steps=100_000, minutes=0.001)
    assert training.train(spec, model, shown, tmp_path, quiet).steps < 100_000


def test_a_model_that_predicts_velocity_is_trained_on_velocity(model, shown, tmp_path):
    import shutil

    folder = tmp_path / "velocity"
    shutil.copytree(model, folder)
    file = folder / "scheduler" / "scheduler_config.json"
    config = json.loads(file.read_text()) | {"prediction_type": "v_prediction"}
    file.write_text(json.dumps(config))
    lessons = [training_step.Lesson(SPEC, place, shown) for place in (model, folder)]
    for lesson in lessons:
        lesson.moments = torch.randn(6, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    epsilon, velocity = (lesson.loss(1).item() for lesson in lessons)
    assert epsilon != velocity


def test_half_precision_trains_full_precision_weights(model, shown, tmp_path):
    spec = dataclasses.replace(SPEC, precision="bfloat16", steps=2, preview_every=1)
    training.train(spec, model, shown, tmp_path, quiet)
    kept = weights(tmp_path / "artifacts" / "lora.safetensors")
    assert {weight.dtype for weight in kept.values()} == {torch.float32}


def test_sparing_memory_gives_the_same_weights(model, shown, tmp_path, monkeypatch):
    spec = dataclasses.replace(SPEC, steps=2)
    training.train(spec, model, shown, tmp_path / "a", quiet)
    monkeypatch.setattr(training_step, "AMPLE_MEMORY", 2**60)
    training.train(spec, model, shown, tmp_path / "b", quiet)
    one, other = (weights(tmp_path / name / "artifacts" / "lora.safetensors") for name in "ab")
    for name, weight in one.items():
        assert torch.allclose(weight, other[name], atol=1e-6)


def test_images_of_a_run_become_a_lora_that_a_teacher_may_name(model, tmp_path):
    given, made = (tmp_path / f"20260101T00000{k}-generate-00000{k}" for k in (1, 2))
    photographs = tiny_diffusion.photographs()
    for folder in (given, made):
        folder.mkdir()
    imageset.write(
        given, len(photographs), lambda k: LabelledImage(photographs[k], "photograph"), quiet
    )
    for folder in (given, made):
        (folder / "result.json").write_text("{}")
    spec = dataclasses.replace(SPEC, images_run=given.name, model=str(model), steps=1)
    result = lora.run(spec, made, quiet)
    named = dataclasses.replace(SETTINGS, lora_run=made.name)
    ((file, weight),) = loras(named, tmp_path / "next")
    assert weight == 1.0
    assert file == made / "artifacts" / "lora.safetensors"
    assert result.megabytes == file.stat().st_size / 2**20
    assert to_json(result)["images"] == 6


def test_a_lora_file_that_is_missing_is_a_plain_sentence(tmp_path):
    missing = dataclasses.replace(SETTINGS, lora_file=str(tmp_path / "none.safetensors"))
    with pytest.raises(UserError, match="no LoRA file"):
        loras(missing, tmp_path)
    assert loras(SETTINGS, tmp_path) == []


def test_half_precision_paints_with_a_lora(model, shown, tmp_path):
    training.train(dataclasses.replace(SPEC, steps=1), model, shown, tmp_path, quiet)
    half = dataclasses.replace(SETTINGS, precision="bfloat16")
    painter = painting.Painter(half, model, [(tmp_path / "artifacts" / "lora.safetensors", 1.0)])
    first = painter.paint(0, "a crack")
    painter.repaint(0, "a crack", tiny_diffusion.photographs(1)[0], 0.5)
    assert np.array_equal(painter.paint(0, "a crack").pixels, first.pixels)
    assert first.attention is not None


def test_a_model_for_inpainting_is_refused(shown, tmp_path):
    model = tiny_diffusion.make(tmp_path / "nine", channels=9)
    with pytest.raises(UserError, match="ordinary"):
        training.train(SPEC, model, shown, tmp_path, quiet)


def set_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: list[list[str]]) -> None:
    """A run's images, of which image k has boxes of the classes[k]."""
    shown = [
        LabelledImage(
            tmp_path / f"artifacts/{k:06d}.png",
            boxes=tuple(Box(name, (0, 0, 9, 9)) for name in found),
        )
        for k, found in enumerate(classes)
    ]
    monkeypatch.setattr(imageset, "read", lambda folder: shown)


def test_a_prompt_with_class_names_each_images_own_and_leaves_the_intact_out(tmp_path, monkeypatch):
    set_of(tmp_path, monkeypatch, [["crack"], [], ["scratch", "crack"], ["edge_chip"], ["crack"]])
    spec = dataclasses.replace(SPEC, prompt="a photograph of {class}")
    found = lora.examples(spec, tmp_path)
    assert [example.prompt for example in found] == [
        "a photograph of crack",
        "a photograph of crack and scratch",
        "a photograph of edge chip",
        "a photograph of crack",
    ]
    assert found[1].path == tmp_path / "artifacts/000002.png"


def test_without_class_every_image_is_shown_with_the_same_words(tmp_path, monkeypatch):
    set_of(tmp_path, monkeypatch, [[], [], ["crack"], []])
    assert [example.prompt for example in lora.examples(SPEC, tmp_path)] == [SPEC.prompt] * 4


def test_too_few_images_are_a_plain_sentence(tmp_path, monkeypatch):
    set_of(tmp_path, monkeypatch, [["crack"], [], [], []])
    with pytest.raises(UserError, match="has 1 images with boxes"):
        lora.examples(dataclasses.replace(SPEC, prompt="{class}"), tmp_path)


@pytest.mark.parametrize("values", [{"pixels": 100}, {"prompt": "  "}])
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(UserError):
        validate(dataclasses.replace(SPEC, **values))
