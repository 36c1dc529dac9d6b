"""Backbones: crops to feature maps. Heavy (torch, ultralytics): import it inside a job.

Four of them, all frozen once built:
- coco: the first layers of an Ultralytics YOLO file, as in source B (`model.model[:10]`);
- scattering: fixed wavelets, no training and no download (Bruna & Mallat, arXiv 1203.1513);
- self-supervised: a YOLOv8n trained on the given GOOD parts to find pasted defects (CutPaste,
  arXiv 2104.04015) and to tell the part types apart;
- random: an untrained YOLOv8n, the control.
"""

import importlib
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from backend.records import UserError

Tick = Callable[[float, str], None]  # fraction of this piece of work, message
Crops = NDArray[np.uint8]  # [N, S, S, 3]

STRIDES = {"8+16": (4, 6), "8+16+32": (4, 6, 9), "32": (9,)}  # names -> layers of a YOLO
COCO_FILE = "yolov8n.pt"
TRUSTED = ("ultralytics.nn.modules.", "ultralytics.nn.tasks.", "torch.nn.modules.")


def no_tick(fraction: float, message: str) -> None:
    """A Tick for nobody."""


@dataclass(frozen=True)
class Choice:
    """Which backbone: kind ("coco", "scattering", …), its file, and a sentence for the report."""

    kind: str
    file: Path | None
    note: str


def choose(weights: str, weights_file: str, folder: Path) -> Choice:
    """Turn the setting into a backbone. `folder` is storage/weights.

    auto: a named file, else yolov8n.pt in `folder`, else scattering. Raises UserError where the
    file that was asked for is missing.
    """
    file = Path(weights_file).expanduser() if weights_file else folder / COCO_FILE
    if weights in ("scattering", "self-supervised", "random"):
        return Choice(weights, None, NOTES[weights])
    if file.is_file():
        return Choice("coco", file, f"YOLO weights from {file.name}")
    if weights == "coco" or weights_file:
        raise UserError(
            f"{file} is missing. Put the official {COCO_FILE} into {folder}, name another file, "
            "or choose the weights 'scattering', which need no file."
        )
    note = f"{NOTES['scattering']}; {COCO_FILE} in {folder} would be used instead"
    return Choice("scattering", None, note)


NOTES = {
    "scattering": "fixed wavelets (scattering): nothing trained, nothing downloaded",
    "self-supervised": "trained anew in each fold on its GOOD training parts, with pasted defects",
    "random": "untrained YOLOv8n: a control, not for use",
}


class Yolo(nn.Module):
    """Layers 0..9 of a YOLO; returns the outputs of some of them on one grid.

    forward: [B, 3, S, S] in 0..1 -> [B, C, S/16, S/16], or [B, C, S/32, S/32] where only layer 9
    (source B's) is asked for. For YOLOv8n C is 64 (layer 4) + 128 (layer 6) + 256 (layer 9).
    """

    def __init__(self, config: dict[str, Any], strides: str = "8+16") -> None:
        super().__init__()
        from ultralytics.nn.tasks import DetectionModel

        self.config, self.strides = config, strides
        self.taps = STRIDES[strides]
        whole: Any = DetectionModel(dict(config), verbose=False).model
        self.layers: nn.Sequential = whole[: self.taps[-1] + 1]

    def outputs(self, images: Tensor) -> list[Tensor]:
        """The tapped layers' outputs, finest first."""
        found, x = [], images
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in self.taps:
                found.append(x)
        return found

    def forward(self, images: Tensor) -> Tensor:
        maps = self.outputs(images)
        if len(maps) == 1:
            return maps[0]
        return torch.cat([_on_grid(m, images.shape[-1] // 16) for m in maps], 1)


def _on_grid(maps: Tensor, grid: int) -> Tensor:
    """Averaged down, or interpolated up, to grid x grid."""
    size = maps.shape[-1]
    if size > grid:
        return F.avg_pool2d(maps, size // grid)
    if size < grid:
        return F.interpolate(maps, scale_factor=grid / size, mode="bilinear", align_corners=False)
    return maps


class Scattering(nn.Module):
    """Log of the wavelet scattering of a grey crop, orders 0 to 2, on a pyramid of scales.

    forward: [B, 3, S, S] in 0..1 -> [B, 1 + J L + L^2 J (J - 1) / 2, S/16, S/16]: 61 channels.
    Order 1 is local energy by scale and direction, order 2 how that energy varies.
    """

    def __init__(self, scales: int = 3, directions: int = 4, width: int = 7) -> None:
        super().__init__()
        self.scales, self.directions, self.width = scales, directions, width
        real, imaginary = _morlets(directions, width)
        self.register_buffer("real", real, persistent=False)
        self.register_buffer("imaginary", imaginary, persistent=False)

    def energy(self, x: Tensor) -> Tensor:
        """|x * psi| for each direction: [B, C, H, W] -> [B, C L, H, W]."""
        channels, pad = x.shape[1], self.width // 2
        x = F.pad(x, (pad, pad, pad, pad), mode="reflect")
        parts = [
            F.conv2d(x, kernel.repeat(channels, 1, 1, 1), groups=channels)
            for kernel in (self.get_buffer("real"), self.get_buffer("imaginary"))
        ]
        # Not 1e-8: the ONNX exporter takes that for 0 and drops it, which moved scores by 0.7.
        return torch.sqrt(parts[0] ** 2 + parts[1] ** 2 + 1e-6)

    def forward(self, images: Tensor) -> Tensor:
        grid = images.shape[-1] // 16
        low = images.mean(1, keepdim=True)
        found = [_on_grid(low, grid)]
        for scale in range(self.scales):
            first = self.energy(low)
            found.append(_on_grid(first, grid))
            for _ in range(scale + 1, self.scales):
                first = _halve(first)
                found.append(_on_grid(self.energy(first), grid))
            low = _halve(low)
        return torch.log(torch.cat(found, 1) + 0.01)


def _halve(x: Tensor) -> Tensor:
    x = F.pad(x, (1, 1, 1, 1), mode="reflect")
    return F.avg_pool2d(F.avg_pool2d(x, 3, 1), 2)


def _morlets(directions: int, width: int) -> tuple[Tensor, Tensor]:
    """Real and imaginary Morlet wavelets [L, 1, width, width], zero mean, xi = 3 pi / 4."""
    axis = torch.arange(width, dtype=torch.float32) - width // 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    kernels = []
    for k in range(directions):
        angle = math.pi * k / directions
        u = x * math.cos(angle) + y * math.sin(angle)
        v = y * math.cos(angle) - x * math.sin(angle)
        envelope = torch.exp(-(u**2 + (v * 4 / directions) ** 2) / (2 * 0.8**2))
        wave = torch.exp(1j * (0.75 * math.pi * u))
        wavelet = envelope * (wave - (envelope * wave).sum() / envelope.sum())
        kernels.append(wavelet / wavelet.abs().sum())
    stack = torch.stack(kernels)[:, None]
    return stack.real.contiguous(), stack.imag.contiguous()


def default_config() -> dict[str, Any]:
    """The YOLOv8n layout that ships with ultralytics."""
    from ultralytics.nn.tasks import yaml_model_load

    return dict(yaml_model_load("yolov8n.yaml"))


def load_yolo(file: Path, strides: str = "8+16") -> Yolo:
    """A backbone from an Ultralytics .pt file, or a .yaml layout (untrained).

    A .pt is a pickle, which could run code: only torch and ultralytics layers may be named in
    it, and torch's weights-only reader builds them. Raises UserError for any other file.
    """
    if file.suffix in (".yaml", ".yml"):
        from ultralytics.nn.tasks import yaml_model_load

        return untrained(dict(yaml_model_load(file)), strides)
    try:
        named = torch.serialization.get_unsafe_globals_in_checkpoint(str(file))
        with torch.serialization.safe_globals([_layer(name, file) for name in named]):
            saved = torch.load(file, map_location="cpu", weights_only=True)
        model = (saved.get("ema") or saved["model"]).float()
        backbone = Yolo(_plain(model.yaml), strides)
        backbone.layers.load_state_dict(model.model[: len(backbone.layers)].state_dict())
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{file} is no YOLO detector that can be read ({type(error).__name__}). "
            f"Use an official file such as {COCO_FILE}."
        ) from error
    return backbone.eval()


def _layer(name: str, file: Path) -> Any:
    """The layer class a checkpoint names, if it is one of torch's or ultralytics' layers."""
    module, _, attribute = name.rpartition(".")
    if f"{module}.".startswith(TRUSTED):
        found = getattr(importlib.import_module(module), attribute, None)
        if inspect.isclass(found) and issubclass(found, nn.Module):
            return found
    raise UserError(
        f"{file} names '{name}', which is no network layer, so it is not opened: a .pt file can "
        "run code. Use an official file."
    )


def _plain(value: Any) -> Any:
    """A model's layout as JSON values, so that it can be stored without a pickle."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def untrained(config: dict[str, Any], strides: str = "8+16", seed: int = 0) -> Yolo:
    """A YOLO with random weights, the same for the same seed."""
    torch.manual_seed(seed)
    return Yolo(_plain(config), strides).eval()


def fixed(choice: Choice, strides: str, seed: int) -> nn.Module | None:
    """A backbone that needs no training; None for "self-supervised", which is made per fold."""
    if choice.kind == "coco" and choice.file is not None:
        return load_yolo(choice.file, strides)
    if choice.kind == "scattering":
        return Scattering().eval()
    return untrained(default_config(), strides, seed) if choice.kind == "random" else None


def describe(backbone: nn.Module) -> dict[str, Any]:
    """What `rebuild` needs beside the state dict, as JSON values."""
    if isinstance(backbone, Yolo):
        return {"kind": "yolo", "config": backbone.config, "strides": backbone.strides}
    return {"kind": "scattering"}


def rebuild(description: dict[str, Any]) -> nn.Module:
    """The backbone of a description; its weights come from the state dict."""
    if description["kind"] == "yolo":
        return Yolo(description["config"], description["strides"]).eval()
    return Scattering().eval()


def to_images(crops: Tensor) -> Tensor:
    """uint8 [B, S, S, 3] -> float [B, 3, S, S] in 0..1."""
    return crops.permute(0, 3, 1, 2).to(torch.float32) / 255.0


@torch.inference_mode()
def extract(
    backbone: nn.Module, crops: Crops, tick: Tick = no_tick, batch: int = 32
) -> NDArray[np.float32]:
    """Feature maps [N, C, G, G] of crops [N, S, S, 3]."""
    found = []
    for start in range(0, len(crops), batch):
        piece = np.ascontiguousarray(crops[start : start + batch])
        found.append(backbone(to_images(torch.from_numpy(piece))).numpy())
        tick(min(1.0, (start + batch) / len(crops)), "features")
    return np.concatenate(found)


# Self-supervision ---------------------------------------------------------------------------


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
