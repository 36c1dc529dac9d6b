"""One step of a LoRA's training after another (PyTorch, peft). Heavy."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import diffusers
import psutil
import torch
from peft import LoraConfig
from torch import Tensor, nn
from torch.nn import functional

from backend.numeric.learning import Losses, Pace, State, TimedTraining
from backend.records import UserError
from backend.teachers.lora.spec import Example, Spec
from backend.teachers.stable_diffusion import pipelines

LAYERS = ["to_q", "to_k", "to_v", "to_out.0"]
AMPLE_MEMORY = 16 * 2**30  # bytes for a float32 image of 512 px; with less, parts are recomputed


class Lesson:
    """What changes while a LoRA learns, and how one step changes it.

    moments: mean and log variance of each image's latent [N, 8, h, w]. words: prompt → its
    embedding [1, 77, D].
    """

    def __init__(self, spec: Spec, folder: Path, shown: list[Example]):
        self.spec, self.shown = spec, shown
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = _dtype(spec.precision)
        self.pipeline = pipelines.load(folder, self.dtype, checks=True).to(self.device)
        self.unet = self.pipeline.unet
        if self.unet.config.in_channels != 4:
            raise UserError(
                f"'{spec.model}' was made to paint into photographs and cannot be trained here. "
                "Choose an ordinary Stable Diffusion model."
            )
        self.noising = diffusers.DDPMScheduler.from_config(self.pipeline.scheduler.config)
        self.weights = self._add_adapter()
        learned = nn.ParameterList(self.weights.values())
        optimizer = torch.optim.AdamW(learned, lr=spec.learning_rate)
        pace = Pace(60 * spec.minutes, spec.steps, floor=1.0)
        self.training = TimedTraining(learned, optimizer, pace)
        self.moments = torch.empty(0)
        self.words = self._embed()
        self.loss_before = math.nan

    def _add_adapter(self) -> dict[str, Tensor]:
        """Low-rank weights beside the attention's projections; the model's own stay as they are."""
        for network in (self.unet, self.pipeline.vae, self.pipeline.text_encoder):
            network.requires_grad_(False)
        torch.manual_seed(self.spec.seed)
        self.unet.add_adapter(
            LoraConfig(
                r=self.spec.rank,
                lora_alpha=self.spec.alpha,
                init_lora_weights="gaussian",
                target_modules=LAYERS,
            )
        )
        if self._memory_is_tight():
            self.unet.enable_gradient_checkpointing()
        weights = {n: p for n, p in self.unet.named_parameters() if p.requires_grad}
        for weight in weights.values():
            weight.data = weight.data.float()
        return weights

    def _memory_is_tight(self) -> bool:
        on_gpu = self.device.type == "cuda"
        free = torch.cuda.mem_get_info()[0] if on_gpu else psutil.virtual_memory().available
        share = self.spec.batch * (self.spec.pixels / 512) ** 2 * self.dtype.itemsize / 4
        return free < AMPLE_MEMORY * share

    @torch.no_grad()
    def _embed(self) -> dict[str, Tensor]:
        found = {}
        for prompt in sorted({example.prompt for example in self.shown}):
            words, _ = self.pipeline.encode_prompt(prompt, self.device, 1, False)
            found[prompt] = words.to(self.dtype)
        return found

    def autocast(self) -> AbstractContextManager[Any]:
        if self.dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def loss(self, seed: int) -> Tensor:
        """Mean squared error of the predicted noise (or velocity) on images, noise and times that
        depend on `seed` alone."""
        random = torch.Generator().manual_seed(seed)
        picked = torch.randint(len(self.shown), (self.spec.batch,), generator=random)
        mean, log_variance = self.moments[picked].chunk(2, 1)
        spread = (0.5 * log_variance.clamp(-30, 20)).exp()
        latents = mean + spread * torch.randn(mean.shape, generator=random)
        latents = latents * self.pipeline.vae.config.scaling_factor
        noise = torch.randn(mean.shape, generator=random)
        last = self.noising.config.num_train_timesteps
        times = torch.randint(last, (self.spec.batch,), generator=random)
        noised = self.noising.add_noise(latents, noise, times).to(self.device, self.dtype)
        words = torch.cat([self.words[self.shown[int(k)].prompt] for k in picked])
        with self.autocast():
            made = self.unet(noised, times.to(self.device), words, return_dict=False)[0]
        wanted = noise
        if self.noising.config.prediction_type == "v_prediction":
            wanted = self.noising.get_velocity(latents, noise, times)
        return functional.mse_loss(made.float(), wanted.to(self.device))

    def losses(self) -> Iterator[Losses]:
        """Of one step, on draws that depend on seed and step alone."""
        yield {"loss": self.loss(self.spec.seed * 1_000_003 + self.training.step)}

    def state(self) -> State:
        return self.training.state() | {"loss_before": self.loss_before}

    def restore(self, state: State) -> None:
        if "weights" in state:  # of an earlier version
            known = {str(k): state["weights"][name] for k, name in enumerate(self.weights)}
            state = state | {"network": known, "average": known}
        self.training.restore(state)
        self.loss_before = state["loss_before"]


def _dtype(precision: str) -> torch.dtype:
    if precision == "auto":
        modern = torch.cuda.is_available() and torch.cuda.is_bf16_supported(False)
        precision = "bfloat16" if modern else "float32"
    return torch.bfloat16 if precision == "bfloat16" else torch.float32
