"""What painting an image will cost, told before a job starts. No torch.

A U-Net's multiply-adds (MACs) are counted from its configuration. On a CPU a network reaches the
shares below of a matrix product's speed.
Measured: Stable Diffusion v1.4 at 512 px in float32 on two cores that multiply matrices at 99
GMAC/s takes 13 s a step with guidance (2 × 402 GMAC) and 19 s to decode (1257 GMAC), in 6.3 GB.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from backend import settings as environment
from backend.numeric.hardware import GPU_SHARE, cpu_macs_per_second, duration, find_gpu
from backend.records import UserError
from backend.teachers.stable_diffusion.settings import (
    NETWORKS,
    PaintSettings,
    dtype_name,
    weights_folder,
)

V1_4: dict[str, Any] = {
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (320, 640, 1280, 1280),
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "layers_per_block": 2,
    "cross_attention_dim": 768,
}
V1_4_PARAMETERS, CHECKER_PARAMETERS = 1_066_000_000, 304_000_000
DECODE_MACS, ENCODE_MACS = 1257e9, 558e9  # the common VAE at 512 px; they grow with the area
ACTIVATION_BYTES = 2.0e9  # at 512 px in float32
UNET_SHARE, DECODE_SHARE = 0.62, 0.67  # of the matrix product's speed on a CPU
TOKENS = 77


@dataclass(frozen=True)
class Estimate:
    """Seconds an image, bytes of memory (the GPU's, where there is one), and the same in words."""

    seconds_per_image: float
    memory_bytes: int
    device: str
    dtype: str
    words: str


def estimate(settings: PaintSettings, count: int) -> Estimate:
    """What `count` images will cost. Rough: right within a factor of two or so.

    Without the weights it takes v1.4's figures. Raises UserError for float16 without a GPU.
    """
    gpu = find_gpu()
    dtype = dtype_name(settings.precision, gpu is not None)
    width = 4 if dtype == "float32" else 2
    config, parameters = _model(settings.model)
    area = (settings.pixels / 512) ** 2
    over = settings.mode == "image-to-image"
    steps = max(1, round(settings.painting_steps * (settings.strength if over else 1.0)))
    painting = steps * (2 if settings.guidance > 1 else 1) * unet_macs(config, settings.pixels)
    coding = area * (DECODE_MACS + (ENCODE_MACS if over else 0))
    if gpu:
        seconds = (painting + coding) / (gpu.flops * GPU_SHARE[2 if width == 2 else 1])
    else:
        seconds = (painting / UNET_SHARE + coding / DECODE_SHARE) / cpu_macs_per_second()
    parameters += CHECKER_PARAMETERS if settings.safety_checker else 0
    memory = int(width * parameters + ACTIVATION_BYTES * area * width / 4)
    device = gpu.name if gpu else "this CPU"
    free = gpu.memory if gpu else psutil.virtual_memory().available
    words = (
        f"about {duration(seconds)} an image on {device}, {duration(count * seconds)} for {count}; "
        f"{memory / 1e9:.1f} GB of memory"
    )
    if memory > free:
        words += f", of which only {free / 1e9:.1f} GB are there"
    return Estimate(seconds, memory, device, dtype, words)


def _model(model: str) -> tuple[Mapping[str, Any], int]:
    """A model's U-Net configuration and its number of parameters, of v1.4 where it is not here."""
    try:
        folder = weights_folder(model, environment.settings().weights)
        config = json.loads((folder / "unet" / "config.json").read_text(encoding="utf-8"))
        return V1_4 | config, sum(_parameters(folder / part) for part in NETWORKS)
    except (UserError, OSError, ValueError):
        return V1_4, V1_4_PARAMETERS


def _parameters(folder: Path) -> int:
    """From the size of the plain weights file, else of its half-precision variant."""
    full = [p.stat().st_size // 4 for p in folder.glob("*.safetensors") if ".fp16" not in p.name]
    half = [p.stat().st_size // 2 for p in folder.glob("*.fp16*.safetensors")]
    return sum(full or half)


def unet_macs(config: Mapping[str, Any], pixels: int) -> float:
    """Multiply-adds of one pass of a U-Net over one image of pixels × pixels px.

    config: as in unet/config.json. Convolutions, projections and attention; norms are left out.
    """
    channels, layers = config["block_out_channels"], config["layers_per_block"]
    attends = [kind.startswith("CrossAttn") for kind in config["down_block_types"]]
    text, last = config["cross_attention_dim"], len(channels) - 1
    area = [(pixels / 8 / 2**level) ** 2 for level in range(len(channels))]
    ends = config["in_channels"] + config["out_channels"]
    total = 9 * area[0] * channels[0] * ends
    width, skips = channels[0], [channels[0]]
    for level, out in enumerate(channels):
        for _ in range(layers):
            total += _resnet(width, out, area[level])
            total += attends[level] * _attend(out, area[level], text)
            width = out
            skips.append(out)
        if level < last:
            total += 9 * out**2 * area[level + 1]
            skips.append(out)
    total += 2 * _resnet(width, width, area[last]) + _attend(width, area[last], text)
    for level in range(last, -1, -1):
        out = channels[level]
        for _ in range(layers + 1):
            total += _resnet(width + skips.pop(), out, area[level])
            total += attends[level] * _attend(out, area[level], text)
            width = out
        if level > 0:
            total += 9 * out**2 * area[level - 1]
    return total


def _resnet(into: int, out: int, area: float) -> float:
    return area * (9 * out * (into + out) + (into * out if into != out else 0))


def _attend(width: int, area: float, text: int) -> float:
    """Self-attention, cross-attention to the words, and the GEGLU layer of a transformer block."""
    return 20 * width**2 * area + 2 * area**2 * width + 2 * TOKENS * width * (text + area)
