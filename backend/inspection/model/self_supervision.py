"""A backbone without foreign weights: trained on GOOD parts to find defects pasted into them.

CutPaste (arXiv 2104.04015), and telling the part types apart. Heavy (torch): import it in a job.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from backend.inspection.model.features import Crops, Tick, no_tick, to_images
from backend.numeric.backbones import Yolo, default_config, untrained


class _Heads(nn.Module):
    """Where is a pasted defect (a logit a position, at each stride), and which type is it?"""

    def __init__(self, backbone: Yolo, channels: list[int], n_types: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.defect = nn.ModuleList(nn.Conv2d(c, 1, 1) for c in channels)
        self.part_type = nn.Linear(sum(channels), n_types)

    def forward(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        maps = self.backbone.outputs(images)
        pooled = torch.cat([m.mean((2, 3)) for m in maps], 1)
        return [h(m) for h, m in zip(self.defect, maps, strict=True)], self.part_type(pooled)


def self_supervise(
    crops: Crops,
    types: NDArray[np.int64],
    steps: int,
    seed: int,
    strides: str = "8+16",
    tick: Tick = no_tick,
    batch: int = 32,
) -> Yolo:
    """Train a YOLOv8n from scratch on GOOD crops [N, S, S, 3] alone: find what was pasted in.

    The defect's place is asked for at every position, not once an image. Tried with 300 steps, a
    minute or two on one core: on one fold of six real part types as good as COCO weights (0.86);
    on two folds of 399 simulated parts worse than scattering (0.82 against 0.90).
    """
    backbone = untrained(default_config(), strides, seed)
    with torch.inference_mode():
        probe = backbone.outputs(to_images(torch.from_numpy(crops[:1].copy())))
    net = _Heads(backbone, [m.shape[1] for m in probe], int(types.max()) + 1).train()
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 3e-3, total_steps=steps + 1, pct_start=0.15
    )
    rng = np.random.default_rng(seed)
    for step in range(steps):
        images, masks, chosen = _pasted_batch(crops, rng, batch)
        loss = _loss(net, images, masks, torch.from_numpy(types[chosen]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        tick((step + 1) / steps, f"self-supervision, loss {loss.item():.2f}")
    return net.backbone.eval()


def _loss(net: _Heads, images: Tensor, masks: Tensor, types: Tensor) -> Tensor:
    logits, type_logits = net(images)
    loss = 0.2 * F.cross_entropy(type_logits, types)
    for logit in logits:
        target = F.adaptive_max_pool2d(masks, logit.shape[-1])
        weight = torch.tensor(3.0)
        loss = loss + F.binary_cross_entropy_with_logits(logit, target, pos_weight=weight)
    return loss


def _pasted_batch(
    crops: Crops, rng: np.random.Generator, batch: int
) -> tuple[Tensor, Tensor, NDArray[np.int64]]:
    """Images [B, 3, S, S] in 0..1, masks [B, 1, S, S], and which crops they were."""
    chosen = rng.integers(len(crops), size=batch)
    images, masks = [], []
    for i in chosen:
        image = crops[i].astype(np.float32) * rng.uniform(0.9, 1.1) + rng.uniform(-12, 12)
        mask = np.zeros(image.shape[:2], np.float32)
        for _ in range(rng.integers(0, 4)):
            image, changed = paste_defect(image, crops[rng.integers(len(crops))], rng)
            mask = np.maximum(mask, changed)
        images.append(image)
        masks.append(mask)
    stack = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    return stack.clamp(0, 255) / 255, torch.from_numpy(np.stack(masks))[:, None], chosen


def paste_defect(
    image: NDArray[np.float32], donor: Crops, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One synthetic defect in an image [S, S, 3], 0..255; also where it changed [S, S], 0 or 1.

    A patch or scar from a donor (CutPaste), the image itself shifted by a few px, or one flat
    colour, inside a turned rectangle or ellipse with soft edges.
    """
    shape = _soft_shape(len(image), rng)
    kind = rng.integers(4)
    if kind <= 1:
        source = _scrambled(donor, rng)
    elif kind == 2:
        shift = rng.integers(2, 7, 2) * rng.choice([-1, 1], 2)
        source = np.roll(image, tuple(int(s) for s in shift), (0, 1))
    else:
        y, x = rng.integers(len(image), size=2)
        source = np.broadcast_to(image[y, x], image.shape)
    pasted = image + shape[..., None] * (source - image)
    changed = (abs(pasted - image).max(-1) > 12) & (shape > 0.3)
    return pasted.astype(np.float32), changed.astype(np.float32)


def _soft_shape(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """[S, S] weights 0..1: a turned ellipse or rectangle, edges about 1 px soft."""
    long, short = rng.uniform(4, size / 4), rng.uniform(2, size / 8)
    angle, centre = rng.uniform(0, math.pi), rng.uniform(4, size - 4, 2)
    y, x = np.mgrid[:size, :size].astype(np.float32) - centre[:, None, None]
    u = (x * math.cos(angle) + y * math.sin(angle)) / (long / 2)
    v = (y * math.cos(angle) - x * math.sin(angle)) / (short / 2)
    radius = np.maximum(abs(u), abs(v)) if rng.random() < 0.5 else np.sqrt(u**2 + v**2)
    return np.clip((1 - radius) * short / 2 + 0.5, 0, 1).astype(np.float32)


def _scrambled(donor: Crops, rng: np.random.Generator) -> NDArray[np.float32]:
    """A donor crop rolled, flipped, turned and recoloured."""
    source = np.roll(donor, tuple(rng.integers(0, len(donor), 2)), (0, 1))
    source = source[::-1] if rng.random() < 0.5 else source
    source = source.transpose(1, 0, 2) if rng.random() < 0.5 else source
    return source.astype(np.float32) * rng.uniform(0.8, 1.2) + rng.uniform(-20, 20)
