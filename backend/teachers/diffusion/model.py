"""The small diffusion model (PyTorch): image and defect mask denoised together, by class.

A picture [4, 128, 128] (RGB and mask) is coded to a latent [12, 16, 16] by a small autoencoder
(latent diffusion, arXiv 2112.10752); a class-conditional U-Net denoises latents (DDIM, arXiv
2010.02502; v-prediction, arXiv 2202.00512; zero terminal SNR, arXiv 2305.08891). What the code
cannot hold, the camera's grain, is not painted but drawn: the decoder tells its strength.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DModel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from backend.numeric import devices
from backend.records import UserError

SIZE, LATENT_CHANNELS, LATENT_SIZE = 128, 12, 16
TRAIN_STEPS = 1000
WEIGHTS, CARD = "diffusion.safetensors", "diffusion.json"


@dataclass(frozen=True)
class Decoded:
    """What a code stands for, all [B, C, 128, 128]: rgb [3] and mask [1] in 0…1, grain [1]: the
    standard deviation of the camera's noise, as a fraction of full scale."""

    rgb: Tensor
    mask: Tensor
    grain: Tensor


class Residual(nn.Module):
    """x + two convolutions of it, which start small; no normalisation, so brightness is kept."""

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.2)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.silu(self.first(functional.silu(x))))


class Codec(nn.Module):
    """Autoencoder of pictures [B, 4, 128, 128] in 0…1 to codes [B, 12, 16, 16]."""

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 128)):
        super().__init__()
        fine, middle, coarse = widths
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(16, fine, 3, padding=1),
            Residual(fine),
            nn.Conv2d(fine, middle, 4, 2, 1),
            Residual(middle),
            nn.Conv2d(middle, coarse, 4, 2, 1),
            Residual(coarse),
            Residual(coarse),
            nn.Conv2d(coarse, 2 * LATENT_CHANNELS, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(LATENT_CHANNELS, coarse, 3, padding=1),
            Residual(coarse),
            Residual(coarse),
            Residual(coarse),
            nn.Conv2d(coarse, 4 * middle, 1),
            nn.PixelShuffle(2),
            Residual(middle),
            Residual(middle),
            nn.Conv2d(middle, 4 * fine, 1),
            nn.PixelShuffle(2),
            Residual(fine),
            Residual(fine),
            nn.Conv2d(fine, 20, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def encode(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the codes; the variance starts small."""
        mean, log_variance = self.encoder(pictures * 2 - 1).float().chunk(2, 1)
        return mean, log_variance.clamp(-12, 12) - 6

    def decode(self, codes: Tensor) -> Decoded:
        return decoded(self.decoder(codes))


def decoded(painted: Tensor) -> Decoded:
    """What the decoder's numbers [B, 5, 128, 128] mean."""
    painted = painted.float()
    # the camera's noise changes slowly over a picture; what is fine is no noise
    slow = functional.avg_pool2d(painted[:, 4:].clamp(-3, 3), 16)
    return Decoded(
        rgb=painted[:, :3] * 0.5 + 0.5,
        mask=torch.sigmoid(painted[:, 3:4] * 4),
        grain=torch.exp(functional.interpolate(slow, SIZE, mode="bilinear") - 4),
    )


def unet(classes: int) -> Any:
    """The denoiser: latents [B, 12, 16, 16], time steps, classes → v. The last class: any."""
    network: Any = UNet2DModel(
        sample_size=LATENT_SIZE,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(96, 192),
        layers_per_block=2,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=32,
        norm_num_groups=16,
        num_class_embeds=classes + 1,
    )
    nn.init.zeros_(network.conv_out.weight)  # it begins by predicting nothing
    nn.init.zeros_(network.conv_out.bias)
    return network


def scheduler() -> Any:
    return DDIMScheduler(
        num_train_timesteps=TRAIN_STEPS,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
    )


def signal_shares() -> Tensor:
    """How much of a noisy latent's variance is signal, at each of the time steps [1000]."""
    ddim = scheduler()
    return ddim.alphas_cumprod


@dataclass
class ImageDiffusion:
    """The trained model. classes: "intact" and the kinds of defect, as the U-Net numbers them.

    mean, deviation: of the codes of the training set, each [12, 1, 1].
    """

    codec: Codec
    unet: Any
    classes: tuple[str, ...]
    mean: Tensor
    deviation: Tensor

    def save(self, folder: Path, card: dict[str, Any]) -> float:
        """Write weights (half precision) and card; returns their size in MB."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"codec.{k}": v for k, v in self.codec.state_dict().items()}
        tensors |= {f"unet.{k}": v for k, v in self.unet.state_dict().items()}
        tensors |= {"mean": self.mean, "deviation": self.deviation}
        half = {k: v.detach().cpu().to(torch.float16).contiguous() for k, v in tensors.items()}
        save_file(half, folder / WEIGHTS)
        words = json.dumps({"classes": self.classes, **card}, indent=1)
        (folder / CARD).write_text(words + "\n", encoding="utf-8")
        return sum((folder / name).stat().st_size for name in (WEIGHTS, CARD)) / 2**20

    @torch.inference_mode()
    def sample(
        self,
        seeds: Sequence[int],
        class_names: Sequence[str],
        steps: int,
        guidance: float = 1.0,
        on_step: Callable[[float], None] = lambda fraction: None,
    ) -> "Sampled":
        """Denoise one picture a seed (DDIM, no noise added on the way).

        guidance: how far the class pulls (arXiv 2207.12598); 1 is the model as trained and costs
        half. on_step: called with the fraction done. Raises UserError for a class it never saw.
        """
        noise, latents = self._denoised(seeds, class_names, steps, guidance, on_step)
        return self._develop(latents, seeds, noise)

    @torch.inference_mode()
    def codes_of(
        self, seeds: Sequence[int], class_names: Sequence[str], steps: int, guidance: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """The noises and the codes that `sample` would paint, in units of the codes' spread, both
        float32 [N, 12, 16, 16]."""
        noise, latents = self._denoised(seeds, class_names, steps, guidance, lambda fraction: None)
        return noise.cpu().numpy(), latents.cpu().numpy()

    def _denoised(
        self,
        seeds: Sequence[int],
        class_names: Sequence[str],
        steps: int,
        guidance: float,
        on_step: Callable[[float], None],
    ) -> tuple[Tensor, Tensor]:
        device = self.mean.device
        noise = torch.stack([_normal(seed, LATENT_CHANNELS) for seed in seeds]).to(device)
        labels = torch.tensor([self._number(name) for name in class_names], device=device)
        anything = torch.full_like(labels, len(self.classes))
        ddim = scheduler()
        ddim.set_timesteps(steps)
        latents = noise
        for index, step in enumerate(ddim.timesteps):
            with devices.autocast(device):
                v = self.unet(latents, step, labels).sample
                if guidance != 1:
                    free = self.unet(latents, step, anything).sample
                    v = free + guidance * (v - free)
            latents = ddim.step(v.float(), step, latents).prev_sample
            on_step((index + 1) / steps)
        return noise, latents

    def _develop(self, latents: Tensor, seeds: Sequence[int], noise: Tensor) -> "Sampled":
        with devices.autocast(latents.device):
            decoded = self.codec.decode(latents * self.deviation + self.mean)
        grain = torch.stack([_normal(seed, 1, SIZE, salt=1) for seed in seeds]).to(noise.device)
        images = (decoded.rgb + decoded.grain * grain).clamp(0, 1)
        return Sampled(
            images=(images * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy(),
            masks=(decoded.mask[:, 0] > 0.5).byte().mul(255).cpu().numpy(),
            noise=noise.cpu().numpy(),
        )

    def _number(self, name: str) -> int:
        if name not in self.classes:
            known = ", ".join(self.classes)
            raise UserError(f"This model never saw the class '{name}'. It knows: {known}.")
        return self.classes.index(name)


@dataclass(frozen=True)
class Sampled:
    """images uint8 [N, 128, 128, 3], masks uint8 [N, 128, 128] of 0 or 255, and the noise each
    was denoised from, float32 [N, 12, 16, 16]."""

    images: np.ndarray
    masks: np.ndarray
    noise: np.ndarray


def _normal(seed: int, channels: int, size: int = LATENT_SIZE, salt: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed * 2 + salt)
    return torch.randn(channels, size, size, generator=random)


def card(folder: Path) -> dict[str, Any]:
    """What a model folder says of itself. Raises UserError where it holds no model."""
    try:
        return dict(json.loads((folder / CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} holds no diffusion model. Train one.") from error


def load_model(folder: Path) -> ImageDiffusion:
    """The model in a folder. Raises UserError where it is missing or damaged."""
    classes = tuple(card(folder)["classes"])
    codec, denoiser = Codec(), unet(len(classes))
    try:
        tensors = {k: v.float() for k, v in load_file(folder / WEIGHTS).items()}
        codec.load_state_dict(_under(tensors, "codec."))
        denoiser.load_state_dict(_under(tensors, "unet."))
    except Exception as error:
        raise UserError(f"{folder / WEIGHTS} is damaged. Train the model again.") from error
    device = devices.best()
    codec.to(device).eval().requires_grad_(False)
    denoiser.to(device).eval().requires_grad_(False)
    mean, deviation = tensors["mean"].to(device), tensors["deviation"].to(device)
    return ImageDiffusion(codec, denoiser, classes, mean, deviation)


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
