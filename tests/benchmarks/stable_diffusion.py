"""Stable Diffusion v1.4 at its real size with random weights: seconds a step, decode, memory.

Run as `python -m tests.benchmarks.stable_diffusion [--steps 2] [--pixels 512]`; needs 6 GB of
memory on a CPU. It prints the shares of the matrix product's speed that `painting_cost` uses.
"""

import argparse
import resource
import sys
import time
from collections.abc import Mapping
from typing import Any

UNET: dict[str, Any] = {
    "sample_size": 64,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (320, 640, 1280, 1280),
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    "layers_per_block": 2,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
VAE: dict[str, Any] = {
    "sample_size": 512,
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
}
TEXT: dict[str, Any] = {
    "vocab_size": 49408,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
}
TOKENS = 77


def build(unet: Mapping[str, Any], vae: Mapping[str, Any], text: Mapping[str, Any]) -> tuple:
    """U-Net, VAE and text encoder with random weights, on torch's default device."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    encoder = CLIPTextModel(CLIPTextConfig(**text))
    return UNet2DConditionModel(**unet).eval(), AutoencoderKL(**vae).eval(), encoder.eval()


def measure(networks: tuple, steps: int, pixels: int) -> dict[str, float]:
    """Seconds to read a prompt, for a step with guidance, and to decode; GB at the peak."""
    import torch
    from diffusers import DDIMScheduler

    unet, vae, encoder = networks
    device, dtype = unet.device, unet.dtype
    scheduler = DDIMScheduler()
    scheduler.set_timesteps(steps)
    latents = torch.randn(1, 4, pixels // 8, pixels // 8, dtype=dtype, device=device)
    seconds = []
    with torch.inference_mode():
        started = _now(device)
        prompts = torch.randint(0, encoder.config.vocab_size, (2, TOKENS), device=device)
        words = encoder(prompts).last_hidden_state.to(dtype)
        reading = _now(device) - started
        for moment in scheduler.timesteps:
            started = _now(device)
            without, with_words = unet(latents.repeat(2, 1, 1, 1), moment, words).sample.chunk(2)
            noise = without + 7.5 * (with_words - without)
            latents = scheduler.step(noise, moment, latents).prev_sample
            seconds.append(_now(device) - started)
        started = _now(device)
        vae.decode(latents / vae.config.scaling_factor)
        decoding = _now(device) - started
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = kilobytes * (1 if sys.platform == "darwin" else 1024) / 1e9
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated() / 1e9
    return {"text": reading, "step": min(seconds), "decode": decoding, "peak": peak}


def _now(device: Any) -> float:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--pixels", type=int, default=512)
    chosen = parser.parse_args()
    import torch

    from backend.numeric import hardware
    from backend.teachers.stable_diffusion import painting_cost as cost

    on_gpu = torch.cuda.is_available()
    rate = hardware.cpu_macs_per_second()
    networks = build(UNET, VAE, TEXT)
    if on_gpu:
        networks = tuple(network.to("cuda", torch.float16) for network in networks)
    found = measure(networks, chosen.steps, chosen.pixels)
    print(f"{sum(p.numel() for n in networks for p in n.parameters()) / 1e6:.0f} M parameters")
    print(f"a prompt and its negative   {found['text']:8.2f} s")
    print(f"a step with guidance        {found['step']:8.2f} s")
    print(f"decode                      {found['decode']:8.2f} s")
    print(f"peak memory                 {found['peak']:8.2f} GB")
    step_rate = 2 * cost.unet_macs(UNET, chosen.pixels) / found["step"]
    decode_rate = cost.DECODE_MACS * (chosen.pixels / 512) ** 2 / found["decode"]
    if on_gpu and (gpu := hardware.find_gpu()):
        print(f"multiply-adds per FLOP of the GPU's float32 peak: {step_rate / gpu.flops:.2f}")
    else:
        print(f"matrix product {rate / 1e9:.0f} GMAC/s, of which the U-Net reaches")
        print(f"{step_rate / rate:.2f}, the decoder {decode_rate / rate:.2f}")


if __name__ == "__main__":
    main()
