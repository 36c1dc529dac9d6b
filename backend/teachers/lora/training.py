"""A LoRA's training from start to file: latents made once, checkpoints, samples. Heavy."""

from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.utils import convert_state_dict_to_diffusers
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import Tensor

from backend.images import imagefiles, pictures
from backend.numeric.learning import Checkpoint
from backend.records import Progress
from backend.teachers.lora.spec import Example, Result, Spec
from backend.teachers.lora.training_step import Lesson
from backend.teachers.stable_diffusion import pipelines

CHECKPOINT_SECONDS = 60.0
ENCODING_SHARE = 0.05
PREVIEW_STEPS = 20
PREVIEW_GUIDANCE = 7.5
PROBE_DRAWS, PROBE_SEED = 8, 2**40


def train(
    spec: Spec, folder: Path, shown: list[Example], out_dir: Path, progress: Progress
) -> Result:
    """Train on `shown` and write artifacts/lora.safetensors, in diffusers' format.

    The recipe of Hu et al., arXiv 2106.09685, on the U-Net's attention: AdamW, gradients clipped
    at 1. Resumes from `checkpoint/` where there is one.
    """
    lesson = Lesson(spec, folder, shown)
    lesson.moments = _moments(lesson, out_dir, progress)
    file = out_dir / "checkpoint" / "lora.pt"
    checkpoint = Checkpoint(file, CHECKPOINT_SECONDS, lesson)
    if not checkpoint.goes_on:
        lesson.loss_before = _probe(lesson, progress)
    _run_steps(lesson, checkpoint, out_dir, progress)
    loss_after = _probe(lesson, progress)
    return Result(
        images=len(shown),
        steps=lesson.training.step,
        parameters=sum(weight.numel() for weight in lesson.weights.values()),
        megabytes=save(lesson.unet, out_dir / "artifacts"),
        loss_before=lesson.loss_before,
        loss_after=loss_after,
    )


def _run_steps(lesson: Lesson, checkpoint: Checkpoint, out_dir: Path, progress: Progress) -> None:
    """Steps up to the last, with previews and checkpoints between them."""
    training = lesson.training
    _preview(lesson, out_dir, progress)
    while training.done < 1:
        metrics = training.round(lesson.losses())
        checkpoint.keep()
        message = f"step {training.step} of {lesson.spec.steps}, loss {metrics['loss']:.3f}"
        progress(_fraction(lesson), message, step=training.step, metrics=metrics)
        _preview(lesson, out_dir, progress)


@torch.no_grad()
def _probe(lesson: Lesson, progress: Progress) -> float:
    """The mean loss over draws that are the same before and after training."""
    losses = []
    for number in range(PROBE_DRAWS):
        progress(_fraction(lesson), "measuring the loss")
        losses.append(lesson.loss(PROBE_SEED + number).item())
    return sum(losses) / len(losses)


def _fraction(lesson: Lesson) -> float:
    return ENCODING_SHARE + (0.98 - ENCODING_SHARE) * lesson.training.done


@torch.no_grad()
def _moments(lesson: Lesson, out_dir: Path, progress: Progress) -> Tensor:
    """Latent moments of every image [N, 8, h, w], made once in float32 and kept for a resume."""
    file = out_dir / "checkpoint" / "latents.safetensors"
    if file.exists():
        return load_file(file)["moments"]
    vae, found = lesson.pipeline.vae.to(torch.float32), []
    for number, example in enumerate(lesson.shown, start=1):
        pixels = pictures.resized(imagefiles.read_rgb(example.path), lesson.spec.pixels)
        image = torch.from_numpy(pixels.copy()).to(lesson.device).permute(2, 0, 1)[None]
        found.append(vae.encode(image.float() / 127.5 - 1).latent_dist.parameters.cpu())
        share = ENCODING_SHARE * number / len(lesson.shown)
        progress(share, f"reading image {number} of {len(lesson.shown)}")
    vae.to(lesson.dtype)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({"moments": torch.cat(found)}, file.with_suffix(".partial"))
    file.with_suffix(".partial").replace(file)
    return torch.cat(found)


@torch.no_grad()
def _preview(lesson: Lesson, out_dir: Path, progress: Progress) -> None:
    """Every few steps, from the first, an image of the first prompt and the same noise."""
    every, spec, step = lesson.spec.preview_every, lesson.spec, lesson.training.step
    path = out_dir / "artifacts" / "film" / f"step_{step:05d}.png"
    if not every or step % every or path.exists():
        return

    def on_step(fraction: float) -> None:
        progress(_fraction(lesson), f"sample after step {step}")

    with lesson.autocast():
        made = lesson.pipeline(
            prompt=lesson.shown[0].prompt,
            height=spec.pixels,
            width=spec.pixels,
            num_inference_steps=PREVIEW_STEPS,
            guidance_scale=PREVIEW_GUIDANCE,
            generator=torch.Generator("cpu").manual_seed(spec.seed),
            callback_on_step_end=pipelines.told(on_step),
            output_type="np",
        )
    imagefiles.write(path, pipelines.to_pixels(made.images[0]))


def save(unet: Any, folder: Path) -> float:
    """Write lora.safetensors with its rank and scale. Returns its MB."""
    diffusers.StableDiffusionPipeline.save_lora_weights(
        folder,
        unet_lora_layers=convert_state_dict_to_diffusers(get_peft_model_state_dict(unet)),
        weight_name="lora.safetensors",
        unet_lora_adapter_metadata=unet.peft_config["default"].to_dict(),
    )
    return (folder / "lora.safetensors").stat().st_size / 2**20
