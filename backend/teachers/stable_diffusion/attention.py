"""Where a word of the prompt was painted: cross-attention maps.

DAAM: Tang et al., What the DAAM: Interpreting Stable Diffusion Using Cross Attention,
arXiv 2210.04885. Heavy (torch).
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


class Recorder:
    """Sums of the attention paid to some tokens, one map per resolution, over heads, layers, steps.

    A layer's map is the mean over heads and tokens; sums and counts are kept by edge length.
    """

    def __init__(self, tokens: list[int]):
        self.tokens = tokens
        self.sums: dict[int, Tensor] = {}
        self.counts: dict[int, int] = {}

    def add(self, attention: Tensor) -> None:
        """attention: probabilities [heads, H·W, tokens of the prompt] of one layer and step."""
        edge = math.isqrt(attention.shape[1])
        if edge**2 != attention.shape[1]:
            raise ValueError("attention maps are of square images alone")
        drawn = attention[..., self.tokens].float().mean((0, 2)).reshape(edge, edge)
        self.sums[edge] = self.sums.get(edge, torch.zeros_like(drawn)) + drawn
        self.counts[edge] = self.counts.get(edge, 0) + 1

    def heat_map(self) -> np.ndarray | None:
        """The mean over layers and steps, scaled to 0…1: float32 [E, E], E the finest layer's edge.

        Coarser layers are upsampled bicubically, as in DAAM. None where nothing was recorded.
        """
        if not self.sums:
            return None
        edge = max(self.sums)
        total = torch.zeros(edge, edge)
        for one in self.sums.values():
            fine = functional.interpolate(one.cpu()[None, None], (edge, edge), mode="bicubic")
            total += fine[0, 0].clamp(min=0)
        drawn = (total / sum(self.counts.values())).numpy()
        spread = float(drawn.max() - drawn.min())
        return (drawn - drawn.min()) / spread if spread > 0 else np.zeros_like(drawn)


class _Listener:
    """An attention processor that shows the probabilities to a recorder, then does as before.

    The image is the same with it and without: it computes its own queries and keys.
    """

    def __init__(self, processor: Any, recorder: Recorder):
        self.processor = processor
        self.recorder = recorder

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        if encoder_hidden_states is not None:
            self._listen(attn, hidden_states[-1], encoder_hidden_states[-1])
        return self.processor(attn, hidden_states, encoder_hidden_states, attention_mask, temb)

    @torch.no_grad()
    def _listen(self, attn: Any, pixels: Tensor, words: Tensor) -> None:
        """pixels [H·W, C], words [tokens, D] of the last in the batch: with guidance the prompt's
        half comes last, without it there is no other."""
        queries, keys = attn.to_q(pixels), attn.to_k(words)
        queries = queries.unflatten(-1, (attn.heads, -1)).transpose(0, 1)
        keys = keys.unflatten(-1, (attn.heads, -1)).transpose(0, 1)
        scores = queries.float() @ keys.float().transpose(1, 2) * attn.scale
        self.recorder.add(scores.softmax(-1))


@contextmanager
def listening(unet: Any, tokens: list[int]) -> Iterator[Recorder]:
    """A recorder of the cross-attention to `tokens` while the U-Net paints one image.

    The attention processors are put back as they were, also after an error.
    """
    recorder, before = Recorder(tokens), dict(unet.attn_processors)
    listeners = {
        name: _Listener(processor, recorder) if ".attn2." in name else processor
        for name, processor in before.items()
    }
    unet.set_attn_processor(listeners)
    try:
        yield recorder
    finally:
        unet.set_attn_processor(before)


def token_positions(tokenizer: Any, prompt: str, words: str) -> list[int]:
    """Positions of the prompt's tokens that spell one of `words` (separated by spaces), sorted.

    A word of several tokens counts where all of them stand in a row and start a word. Empty where
    the prompt, as far as the text encoder reads it, has none of the words.
    """
    longest = tokenizer.model_max_length
    ids = tokenizer(prompt, truncation=True, max_length=longest).input_ids
    spelt = tokenizer.convert_ids_to_tokens(ids)
    starts = [i for i in range(1, len(ids)) if i == 1 or spelt[i - 1].endswith("</w>")]
    found: set[int] = set()
    for word in words.replace(",", " ").split():
        wanted = tokenizer(word, add_special_tokens=False).input_ids
        for start in starts:
            if ids[start : start + len(wanted)] == wanted:
                found.update(range(start, start + len(wanted)))
    return sorted(found)
