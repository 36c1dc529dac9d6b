"""Stable Diffusion's pipelines: loaded from a folder, their schedulers, what they tell. Heavy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers

from backend.records import UserError
from backend.teachers.stable_diffusion.settings import variant

diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.disable_progress_bar()
# name in the settings → class, and what differs from the model's own configuration
SCHEDULERS: dict[str, tuple[str, dict[str, Any]]] = {
    "DDIM": ("DDIMScheduler", {"clip_sample": False}),  # latents reach beyond −1…1
    "DPM++ 2M Karras": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "Euler": ("EulerDiscreteScheduler", {}),
    "Euler a": ("EulerAncestralDiscreteScheduler", {}),
    "UniPC": ("UniPCMultistepScheduler", {}),
    "LCM": ("LCMScheduler", {}),
}
NO_CHECKER = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}

OnStep = Callable[[float], None]


def ignore(fraction: float) -> None:
    """An `on_step` nobody listens to."""


def load(folder: Path, dtype: torch.dtype, checks: bool) -> Any:
    """The text-to-image pipeline of a model folder, on the CPU, from safetensors files alone.

    checks: with its safety checker, where it has one. Raises UserError for damaged weights.
    """
    with_checker = checks and (folder / "safety_checker").is_dir()
    other = {} if with_checker else NO_CHECKER
    try:
        pipeline = diffusers.StableDiffusionPipeline.from_pretrained(
            folder,
            dtype=dtype,
            variant=variant(folder),
            use_safetensors=True,
            local_files_only=True,
            **other,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        said = (str(error).splitlines() or [""])[0]
        raise UserError(
            f"The model in {folder} cannot be loaded ({type(error).__name__}: {said}). "
            "Download its files again."
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def to_pixels(image: np.ndarray) -> np.ndarray:
    """An image of 0…1, float [H, W, 3], as uint8."""
    return (image * 255).round().astype(np.uint8)


def set_scheduler(pipeline: Any, name: str) -> None:
    """Take the denoising rule of that name; another name keeps the model's own."""
    if name in SCHEDULERS:
        kind, changes = SCHEDULERS[name]
        own = pipeline.scheduler.config
        pipeline.scheduler = getattr(diffusers, kind).from_config(own, **changes)


def told(on_step: OnStep) -> Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]:
    """`on_step` as a pipeline calls it; what it raises ends the image."""

    def tell(pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step(min(1.0, (step + 1) / max(1, pipeline.num_timesteps)))
        return tensors

    return tell
