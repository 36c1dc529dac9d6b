"""Attention maps: which tokens count, that listening changes nothing."""

import numpy as np
import pytest
import torch

from backend.teachers.stable_diffusion import attention
from tests import tiny_diffusion


@pytest.fixture(scope="module")
def words():
    return tiny_diffusion.tokenizer()


@pytest.mark.parametrize(
    ("prompt", "wanted", "positions"),
    [
        ("a crack", "crack", [2]),
        ("Crack, a CRACK", "crack", [1, 4]),
        ("a hole", "hole crack", [2, 3, 4, 5]),
        ("a manhole", "hole", []),
        ("cracks", "crack", []),
        ("glass", "", []),
        ("a" * 80 + " crack", "crack", []),
    ],
    ids=["one", "any case", "of letters", "only whole words", "no plural", "none", "cut off"],
)
def test_the_tokens_of_whole_words_are_found(words, prompt, wanted, positions):
    assert attention.token_positions(words, prompt, wanted) == positions


def run(unet, batch: int = 1) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(batch, 4, 8, 8, generator=random)
    text = torch.randn(batch, 77, tiny_diffusion.WIDTH, generator=random)
    with torch.no_grad():
        return unet(noise, 10, text).sample


def test_listening_leaves_the_output_and_the_processors_as_they_were():
    unet = tiny_diffusion.unet().eval()
    before, plain = unet.attn_processors, run(unet)
    with attention.listening(unet, [2]) as recorder:
        heard = run(unet)
    assert torch.equal(plain, heard)
    assert unet.attn_processors == before
    drawn = recorder.heat_map()
    assert drawn.shape == (8, 8)
    assert (drawn.min(), drawn.max()) == (0, 1)


def test_the_processors_are_put_back_after_an_error():
    unet = tiny_diffusion.unet()
    before = unet.attn_processors
    with pytest.raises(RuntimeError), attention.listening(unet, [2]):
        raise RuntimeError
    assert unet.attn_processors == before


def test_of_a_guided_pair_only_the_prompts_half_is_heard():
    unet = tiny_diffusion.unet().eval()
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 4, 8, 8, generator=random)
    prompt, negative = torch.randn(2, 1, 77, tiny_diffusion.WIDTH, generator=random)
    maps = []
    for text in (prompt, torch.cat([negative, prompt])):
        with torch.no_grad(), attention.listening(unet, [3]) as recorder:
            unet(noise.expand(len(text), -1, -1, -1), 10, text)
        maps.append(recorder.heat_map())
    assert np.abs(maps[0] - maps[1]).max() < 1e-3


def test_a_recorder_averages_over_heads_tokens_and_steps_at_the_finest_layer():
    recorder = attention.Recorder([1, 3])
    place = torch.zeros(2, 16, 5)
    place[:, 0, 1] = 1.0
    recorder.add(place)
    place[:, 0, 3] = 1.0
    recorder.add(place)
    recorder.add(torch.zeros(4, 4, 5))
    drawn = recorder.heat_map()
    assert drawn.shape == (4, 4)
    assert np.unravel_index(drawn.argmax(), drawn.shape) == (0, 0)
    assert recorder.sums[4][0, 0] == 1.5


def test_nothing_heard_is_no_map():
    assert attention.Recorder([1]).heat_map() is None
