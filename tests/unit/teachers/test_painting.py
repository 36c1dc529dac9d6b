"""Stable Diffusion: where its weights are found, what it will cost, and what it paints."""

import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.numeric.hardware import Gpu
from backend.records import Cancelled, UserError
from backend.teachers.stable_diffusion import painting, painting_cost, pipelines
from backend.teachers.stable_diffusion import settings as sd
from tests import tiny_diffusion

SETTINGS = sd.PaintSettings(pixels=64, painting_steps=3)
PROMPT = "a crack in glass"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_diffusion.make(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def inpainting_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_diffusion.make(tmp_path_factory.mktemp("tiny") / "inpainting", channels=9)


@pytest.fixture(scope="module")
def painter(model: Path) -> painting.Painter:
    return painting.Painter(SETTINGS, model)


def put(folder: Path, *files: str, pipeline: str = "StableDiffusionPipeline") -> Path:
    """A model folder of empty files."""
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
    for name in files or [f"{part}/model.safetensors" for part in sd.NETWORKS]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    return folder


# --- where the weights are ---


def test_weights_are_looked_for_in_the_users_folder_then_storage_then_the_caches(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "w" / "huggingface"))
    hub = "hub/models--some--model"
    places = [
        put(tmp_path / "home/.cache/huggingface" / hub / "snapshots" / "abc"),
        put(tmp_path / "w/huggingface" / hub / "snapshots" / "def"),
        put(tmp_path / "w/model"),
        put(tmp_path / "w/some__model"),
    ]
    while places:
        assert sd.weights_folder("some/model", tmp_path / "w") == places[-1]
        shutil.rmtree(places.pop())
    mine = put(tmp_path / "mine")
    assert sd.weights_folder(str(mine), tmp_path / "w") == mine


def test_the_cache_gives_its_main_revision(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    repository = tmp_path / "cache/hub/models--some--model"
    put(repository / "snapshots" / "aaa")
    main = put(repository / "snapshots" / "bbb")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("bbb")
    assert sd.weights_folder("some/model", tmp_path / "w") == main


def test_missing_weights_say_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UserError) as caught:
        sd.weights_folder(sd.MODEL, tmp_path / "w")
    said = str(caught.value)
    assert str(tmp_path / "w" / "CompVis__stable-diffusion-v1-4") in said
    assert "GB" in said
    assert "model_index.json" in said


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (("unet/diffusion_pytorch_model.bin", "vae/a.safetensors"), "can run code"),
        (("unet/a.safetensors", "vae/a.safetensors"), "text_encoder holds no .safetensors"),
    ],
)
def test_pickles_and_gaps_are_refused_with_the_cure(tmp_path, files, said):
    folder = put(tmp_path / "m", *files)
    with pytest.raises(UserError, match=said):
        sd.weights_folder(str(folder), tmp_path)


def test_a_folder_of_another_family_or_layout_is_refused(tmp_path):
    other = put(tmp_path / "xl", pipeline="StableDiffusionXLPipeline")
    with pytest.raises(UserError, match="StableDiffusionXLPipeline"):
        sd.weights_folder(str(other), tmp_path)
    (other / "model_index.json").unlink()
    with pytest.raises(UserError, match=r"no model_index\.json"):
        sd.weights_folder(str(other), tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {"pixels": 100},
        {"prompts": ("", " ")},
        {"lora_file": "style.ckpt"},
        {"mode": "image-to-image"},
    ],
)
def test_settings_that_do_not_go_together_are_refused(values):
    wrong = dataclasses.replace(SETTINGS, **values)
    with pytest.raises(UserError):
        wrong.check_painting()


# --- what it will cost ---


@pytest.mark.parametrize("pixels", [64, 256, 512])
def test_the_multiply_adds_are_those_pytorch_counts(pixels):
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        unet = tiny_diffusion.unet()
        noise = torch.empty(1, 4, pixels // 8, pixels // 8)
        text = torch.empty(1, painting_cost.TOKENS, tiny_diffusion.WIDTH)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            unet(noise, torch.empty(1), text)
    counted = counter.get_total_flops() / 2
    assert painting_cost.unet_macs(unet.config, pixels) == pytest.approx(counted, rel=0.02)


def test_stable_diffusion_takes_402_billion_multiply_adds_a_pass():
    assert painting_cost.unet_macs(painting_cost.V1_4, 512) == pytest.approx(402e9, rel=0.01)


@pytest.fixture
def cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The computer of the measurement, with 16 GB free."""
    monkeypatch.setattr(painting_cost, "find_gpu", lambda: None)
    monkeypatch.setattr(painting_cost, "cpu_macs_per_second", lambda: 99e9)
    memory = SimpleNamespace(available=16e9)
    monkeypatch.setattr(painting_cost.psutil, "virtual_memory", lambda: memory)


def test_the_estimate_meets_the_measurement_it_was_set_by(cpu):
    settings = sd.PaintSettings(safety_checker=False, model="not here")
    told = painting_cost.estimate(settings, 10)
    assert told.seconds_per_image == pytest.approx(50 * 13.07 + 19, rel=0.05)
    assert told.memory_bytes == pytest.approx(6.3e9, rel=0.05)
    assert (told.device, told.dtype) == ("this CPU", "float32")
    assert told.words == "about 11 min an image on this CPU, 2 h for 10; 6.3 GB of memory"


def test_no_guidance_and_a_gpu_are_faster(cpu, monkeypatch):
    settings = sd.PaintSettings(model="not here")
    full = painting_cost.estimate(settings, 1).seconds_per_image
    plain = painting_cost.estimate(dataclasses.replace(settings, guidance=1.0), 1)
    assert 0.5 < plain.seconds_per_image / full < 0.6
    gpu = Gpu("some GPU", 12 * 2**30, 12e12)
    monkeypatch.setattr(painting_cost, "find_gpu", lambda: gpu)
    fast = painting_cost.estimate(settings, 1)
    assert 5 < fast.seconds_per_image < 30
    assert (fast.device, fast.dtype) == ("some GPU", "float16")
    small = dataclasses.replace(gpu, memory=2e9)
    monkeypatch.setattr(painting_cost, "find_gpu", lambda: small)
    assert "only 2.0 GB are there" in painting_cost.estimate(settings, 1).words


# --- what it paints ---


@pytest.mark.parametrize("scheduler", sd.SCHEDULERS)
def test_an_image_depends_on_its_seed_alone(model, scheduler):
    painter = painting.Painter(dataclasses.replace(SETTINGS, scheduler=scheduler), model)
    alone = painter.paint(5, PROMPT)
    other = painter.paint(4, PROMPT)
    again = painter.paint(5, PROMPT)
    assert alone.pixels.shape == (64, 64, 3)
    assert alone.pixels.dtype == np.uint8
    assert np.array_equal(alone.pixels, again.pixels)
    assert np.array_equal(alone.attention, again.attention)
    assert np.abs(alone.pixels.astype(int) - other.pixels).mean() > 5


@pytest.mark.parametrize("scheduler", sd.SCHEDULERS)
def test_no_denoising_rule_cuts_latents_off(painter, scheduler):
    """DDIM's own default does, and spoils a model whose configuration does not say otherwise."""
    other = SimpleNamespace(scheduler=painter.pipeline.scheduler)
    pipelines.set_scheduler(other, scheduler)
    assert not other.scheduler.config.get("clip_sample", False)


def test_sizes_that_are_no_power_of_two_are_painted(model):
    painted = painting.Painter(dataclasses.replace(SETTINGS, pixels=72), model).paint(0, PROMPT)
    assert painted.pixels.shape == (72, 72, 3)
    assert painted.attention.shape == (9, 9)


@pytest.mark.parametrize("guidance", [1.0, 7.5])
def test_the_label_comes_with_and_without_guidance_and_leaves_the_image_alone(model, guidance):
    settings = dataclasses.replace(SETTINGS, guidance=guidance)
    labelled = painting.Painter(settings, model).paint(1, PROMPT)
    plain = painting.Painter(dataclasses.replace(settings, defect_words=""), model)
    unlabelled = plain.paint(1, PROMPT)
    assert labelled.attention.shape == (8, 8)
    assert labelled.attention.min() >= 0
    assert labelled.attention.max() <= 1
    assert unlabelled.attention is None
    assert np.array_equal(labelled.pixels, unlabelled.pixels)
    assert len(plain.notes) == 1


def test_a_prompt_without_a_defect_word_is_noted_once(model):
    painter = painting.Painter(SETTINGS, model)
    assert painter.paint(0, "glass").attention is None
    painter.paint(1, "glass")
    assert sum("None of the defect words" in note for note in painter.notes) == 1


def test_progress_moves_within_an_image_and_a_cancel_ends_it(painter):
    heard: list[float] = []
    whole = painter.paint(0, PROMPT, heard.append)
    assert heard == sorted(heard)
    assert len(heard) >= 3
    assert heard[-1] == 1

    def stop(fraction: float) -> None:
        raise Cancelled

    before = painter.pipeline.unet.attn_processors
    with pytest.raises(Cancelled):
        painter.paint(0, PROMPT, stop)
    assert painter.pipeline.unet.attn_processors == before
    assert np.array_equal(painter.paint(0, PROMPT).pixels, whole.pixels)


def test_strength_says_how_much_of_the_start_is_painted_anew(model):
    painter = painting.Painter(dataclasses.replace(SETTINGS, painting_steps=10), model)
    start = tiny_diffusion.photographs(1)[0]
    weak, strong = (painter.repaint(0, PROMPT, start, strength) for strength in (0.1, 1.0))
    faint = painter.repaint(0, PROMPT, start, 0.001)
    again = painter.repaint(0, PROMPT, start, 0.1)
    assert weak.pixels.shape == (64, 64, 3)
    assert np.array_equal(weak.pixels, again.pixels)
    assert np.array_equal(weak.pixels, faint.pixels), "one step is the least"
    assert np.abs(weak.pixels.astype(int) - strong.pixels).mean() > 5


def test_one_step_is_enough_in_every_mode(model):
    painter = painting.Painter(dataclasses.replace(SETTINGS, painting_steps=1), model)
    start, mask = tiny_diffusion.photographs(1)[0], np.full((64, 64), 255, np.uint8)
    for made in (
        painter.paint(0, PROMPT),
        painter.repaint(0, PROMPT, start, 0.3),
        painter.inpaint(0, PROMPT, start, mask),
    ):
        assert made.pixels.std() > 5


def test_modes_can_be_mixed_in_any_order(painter):
    start, mask = tiny_diffusion.photographs(1)[0], np.full((64, 64), 255, np.uint8)
    first = painter.paint(0, PROMPT)
    painter.repaint(0, PROMPT, start, 0.6)
    painter.inpaint(0, PROMPT, start, mask)
    assert np.array_equal(painter.paint(0, PROMPT).pixels, first.pixels)


@pytest.mark.parametrize("kind", ["model", "inpainting_model"])
def test_only_the_masked_region_is_painted(kind, request):
    painter = painting.Painter(SETTINGS, request.getfixturevalue(kind))
    start = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[20:44, 16:48] = 255
    made = painter.inpaint(2, PROMPT, start, mask)
    again = painter.inpaint(2, PROMPT, start, mask)
    other = painter.inpaint(3, PROMPT, start, mask)
    assert np.array_equal(made.pixels[mask == 0], start[mask == 0])
    assert np.abs(made.pixels[mask > 0].astype(int) - start[mask > 0]).mean() > 20
    assert np.array_equal(made.pixels, again.pixels)
    assert not np.array_equal(made.pixels, other.pixels)
    assert made.attention is not None


def test_the_seam_is_soft_and_lies_inside_the_mask():
    ground, painted = np.zeros((256, 256, 3), np.uint8), np.full((256, 256, 3), 200, np.uint8)
    inside = np.zeros((256, 256), bool)
    inside[100:150, 100:150] = True
    row = painting.blended(ground, painted, inside)[125, :, 0]
    assert list(row[98:104]) == [0, 0, 50, 100, 150, 200]


def test_a_model_for_inpainting_paints_no_whole_image(inpainting_model):
    painter = painting.Painter(SETTINGS, inpainting_model)
    with pytest.raises(UserError, match="ordinary"):
        painter.paint(0, PROMPT)


def test_a_flagged_image_is_black_and_told(tmp_path):
    model = tiny_diffusion.make(tmp_path / "prude", flags=True)
    flagged = painting.Painter(SETTINGS, model).paint(0, PROMPT)
    assert flagged.flagged
    assert flagged.pixels.max() == 0
    free = painting.Painter(dataclasses.replace(SETTINGS, safety_checker=False), model)
    assert not free.paint(0, PROMPT).flagged
    assert any("off" in note for note in free.notes)
    start = tiny_diffusion.photographs(1)[0]
    mask = np.full((64, 64), 255, np.uint8)
    assert painting.Painter(SETTINGS, model).inpaint(0, PROMPT, start, mask).flagged


def test_a_model_without_a_safety_checker_says_so(model, painter, tmp_path):
    folder = tmp_path / "bare"
    shutil.copytree(model, folder)
    shutil.rmtree(folder / "safety_checker")
    shutil.rmtree(folder / "feature_extractor")
    bare = painting.Painter(SETTINGS, sd.weights_folder(str(folder), tmp_path))
    assert any("no image is checked" in note for note in bare.notes)
    assert np.array_equal(bare.paint(0, PROMPT).pixels, painter.paint(0, PROMPT).pixels)


def test_files_named_as_the_hub_named_them_in_2022_give_the_same_image(model, painter, tmp_path):
    """v1.4's own files: other names of weights, an older tokenizer and image processor."""
    folder = tmp_path / "legacy"
    shutil.copytree(model, folder)
    rename(folder / "text_encoder/model.safetensors", "", "text_model.")
    rename(
        folder / "safety_checker/model.safetensors", "vision_model.", "vision_model.vision_model."
    )
    vae = folder / "vae/diffusion_pytorch_model.safetensors"
    for new, old in (
        ("to_q", "query"),
        ("to_k", "key"),
        ("to_v", "value"),
        ("to_out.0", "proj_attn"),
    ):
        rename(vae, f"attentions.0.{new}.", f"attentions.0.{old}.")
    split_tokenizer(folder / "tokenizer")
    processor = folder / "feature_extractor/preprocessor_config.json"
    settings = {"feature_extractor_type": "CLIPFeatureExtractor", "size": 32, "crop_size": 32}
    processor.write_text(json.dumps(settings))
    index = json.loads((folder / "model_index.json").read_text())
    index["feature_extractor"] = ["transformers", "CLIPFeatureExtractor"]
    (folder / "model_index.json").write_text(json.dumps(index))
    old_one = painting.Painter(SETTINGS, folder)
    assert np.array_equal(old_one.paint(0, PROMPT).pixels, painter.paint(0, PROMPT).pixels)
    mine = painter.pipeline.safety_checker.state_dict()
    for name, weight in old_one.pipeline.safety_checker.state_dict().items():
        assert torch.equal(weight, mine[name]), name


def rename(file: Path, wanted: str, given: str) -> None:
    kept = load_file(file)
    new = {name.replace(wanted, given) if wanted else given + name: w for name, w in kept.items()}
    save_file(new, file, metadata={"format": "pt"})


def split_tokenizer(folder: Path) -> None:
    """tokenizer.json as vocab.json and merges.txt."""
    whole = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(whole["vocab"]))
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in whole["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]))


def test_the_half_precision_files_alone_are_enough(model, tmp_path):
    folder = tmp_path / "half"
    shutil.copytree(model, folder)
    for file in folder.glob("*/*.safetensors"):
        kept = {name: weight.half() for name, weight in load_file(file).items()}
        file.unlink()
        save_file(kept, file.with_suffix(".fp16.safetensors"), metadata={"format": "pt"})
    assert sd.variant(sd.weights_folder(str(folder), tmp_path)) == "fp16"
    painted = painting.Painter(SETTINGS, folder).paint(0, PROMPT)
    assert painted.pixels.std() > 5


def test_bfloat16_paints_on_a_cpu_and_float16_is_refused(model, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    half = painting.Painter(dataclasses.replace(SETTINGS, precision="bfloat16"), model)
    start = tiny_diffusion.photographs(1)[0]
    assert half.paint(0, PROMPT).pixels.std() > 5
    assert half.repaint(0, PROMPT, start, 0.5).pixels.std() > 5
    assert half.pipeline.unet.dtype == torch.bfloat16
    with pytest.raises(UserError, match="needs a GPU"):
        painting.Painter(dataclasses.replace(SETTINGS, precision="float16"), model)


def test_damaged_weights_are_a_plain_sentence(model, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(model, folder)
    (folder / "unet/diffusion_pytorch_model.safetensors").write_bytes(b"garbage")
    with pytest.raises(UserError, match="Download its files again"):
        painting.Painter(SETTINGS, folder)


@pytest.mark.parametrize("content", [b"garbage", None])
def test_a_lora_that_does_not_fit_is_a_plain_sentence(model, tmp_path, content):
    file = tmp_path / "style.safetensors"
    if content is None:
        layer = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
        shapes = {"lora_A": (4, 99), "lora_B": (99, 4)}
        save_file({f"{layer}.{n}.weight": torch.ones(s) for n, s in shapes.items()}, file)
    else:
        file.write_bytes(content)
    with pytest.raises(UserError, match="trained on the same model"):
        painting.Painter(SETTINGS, model, [(file, 1.0)])
