"""A Stable Diffusion small enough for tests: the real classes, random weights, 64 px images."""

import string
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    PNDMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
)

PIXELS = 64
WIDTH = 16
CLIP = {"hidden_size": WIDTH, "intermediate_size": WIDTH, "num_hidden_layers": 1}
HEADS = {"num_attention_heads": 2, "projection_dim": WIDTH}
MERGES = [("c", "r"), ("cr", "a"), ("cra", "c"), ("crac", "k</w>")]


def make(folder: Path, seed: int = 0, channels: int = 4, flags: bool = False) -> Path:
    """Write a model folder. channels: of the U-Net, 9 for inpainting. flags: every image is."""
    torch.manual_seed(seed)
    words = tokenizer()
    StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=_text_encoder(words),
        tokenizer=words,
        unet=unet(channels),
        scheduler=PNDMScheduler(
            beta_schedule="scaled_linear",
            beta_start=0.00085,
            beta_end=0.012,
            skip_prk_steps=True,
            steps_offset=1,
        ),
        safety_checker=_checker(flags),
        feature_extractor=CLIPImageProcessor(
            size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
        ),
    ).save_pretrained(folder, safe_serialization=True)
    return folder


def tokenizer() -> CLIPTokenizer:
    """CLIP's byte-pair rules over letters; of all words only "crack" is one token."""
    letters = string.ascii_lowercase + string.digits + string.punctuation
    words = [*letters, *(letter + "</w>" for letter in letters), *("".join(m) for m in MERGES)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={word: place for place, word in enumerate(words)},
        merges=MERGES,
        model_max_length=77,
    )


def unet(channels: int = 4) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=channels,
        out_channels=4,
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=2,
        norm_num_groups=8,
    )


def _vae() -> AutoencoderKL:
    return AutoencoderKL(
        sample_size=PIXELS,
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
    )


def _text_encoder(words: Any) -> CLIPTextModel:
    ends = {"bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id}
    config = CLIPTextConfig(vocab_size=len(words), pad_token_id=words.pad_token_id, **CLIP, **HEADS)
    config.update(ends)
    return CLIPTextModel(config)


def _checker(flags: bool) -> StableDiffusionSafetyChecker:
    vision = {"image_size": 32, "patch_size": 16, "num_attention_heads": 2, **CLIP}
    config = CLIPConfig(vision_config=vision, text_config=CLIP | HEADS, projection_dim=WIDTH)
    checker = StableDiffusionSafetyChecker(config)
    checker.concept_embeds_weights.data.fill_(-2.0 if flags else 2.0)
    checker.special_care_embeds_weights.data.fill_(2.0)
    return checker


def photographs(count: int = 6) -> list[np.ndarray]:
    """Grey fields with a dark line each: uint8 [64, 64, 3]."""
    made = []
    for k in range(count):
        pixels = np.full((PIXELS, PIXELS, 3), 180, np.uint8)
        pixels[10 + 6 * k : 13 + 6 * k, 8:56] = 30
        made.append(pixels)
    return made
