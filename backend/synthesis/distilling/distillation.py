"""How a student learns (PyTorch): latents, losses, epochs, checkpoints."""

import copy
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from backend.records import Progress
from backend.synthesis import pictures
from backend.synthesis.distilling import networks

if TYPE_CHECKING:
    from backend.synthesis.student import Spec

EMA_DECAY = 0.99
LATENT_RATE = 7.0
DEFECT_WEIGHT = 10.0
CHECKPOINT_SECONDS = 20.0
FRAMES = 12
FILM_COLUMNS = 8


@dataclass
class Trained:
    """A student after its last epoch.

    latents: learned latents [N, D], None where z was drawn at random.
    brightness: grey level of each teacher image's scene [N].
    """

    network: networks.PaperStudent | networks.Student
    latents: Tensor | None
    brightness: np.ndarray
    epochs: int
    loss: float


class Lesson:
    """Everything that changes while a student learns, and how one step changes it."""

    def __init__(self, spec: "Spec", images: np.ndarray, masks: np.ndarray):
        torch.manual_seed(spec.seed)
        self.spec = spec
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).to(self.device)
        self.masks = torch.from_numpy(masks)[:, None].to(self.device)
        self.network = networks.build(spec.preset, spec.latent_dim, spec.size).to(self.device)
        self.network.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.latents: Tensor | None = None
        self.drawings = torch.empty(0)
        groups = [{"params": list(self.network.parameters()), "scale": 1.0}]
        if isinstance(self.network, networks.Student):
            start = starting_latents(self.images, self.masks, spec.latent_dim)
            self.latents = start.to(self.device).requires_grad_()
            self.drawings = line_drawings(self.images, self.masks)
            groups.append({"params": [self.latents], "scale": LATENT_RATE})
        self.optimizer = torch.optim.Adam(groups, lr=spec.learning_rate, betas=(0.9, 0.99))
        self.epoch = 0
        self.seconds = 0.0
        self.loss = math.nan

    @property
    def done(self) -> float:
        """Fraction of the lesson: of its epochs, or of its time where that runs out first."""
        return max(self.epoch / self.spec.epochs, self.seconds / (60 * self.spec.minutes))

    def run_epoch(self) -> dict[str, float]:
        """One pass in an order that depends on seed and epoch alone. Returns mean losses."""
        started = time.monotonic()
        self._set_learning_rate()
        random = torch.Generator().manual_seed(self.spec.seed * 100_003 + self.epoch)
        order = torch.randperm(len(self.images), generator=random).to(self.device)
        sums: dict[str, float] = {}
        for batch in order.split(self.spec.batch):
            for name, value in self._step(batch, random).items():
                sums[name] = sums.get(name, 0.0) + value * len(batch) / len(order)
        self.epoch += 1
        self.seconds += time.monotonic() - started
        self.loss = sums["loss"]
        return sums

    def _set_learning_rate(self) -> None:
        warm = min(1.0, (self.epoch + 1) / 5)
        fall = 0.02 + 0.98 * (1 + math.cos(math.pi * min(1.0, self.done))) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = self.spec.learning_rate * warm * fall * group["scale"]

    def _step(self, batch: Tensor, random: torch.Generator) -> dict[str, float]:
        images = self.images[batch].float() / 255
        losses = self._losses(batch, images, random)
        loss = torch.stack(list(losses.values())).sum()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self._follow()
        return {"loss": loss.item()} | {name: value.item() for name, value in losses.items()}

    def _losses(self, batch: Tensor, images: Tensor, random: torch.Generator) -> dict[str, Tensor]:
        if self.latents is None:
            z = torch.randn(len(batch), self.network.latent_dim, generator=random).to(self.device)
            return {"image loss": functional.l1_loss(self.network(z), images)}
        masks = self.masks[batch].float()
        layers = self.network.layers(self.latents[batch])
        drawing = self.drawings[batch].float() / 127
        return {
            "scene loss": networks.laplacian_loss(layers.scene, images, 1 - 0.98 * masks),
            "image loss": networks.laplacian_loss(layers.image, images, 1 + DEFECT_WEIGHT * masks),
            "line loss": networks.drawing_loss(layers, drawing, masks),
            "mask loss": networks.mask_loss(layers.mask, masks),
        }

    @torch.no_grad()
    def _follow(self) -> None:
        """Exponential moving average of the weights; buffers are copied."""
        steps = self.epoch * math.ceil(len(self.images) / self.spec.batch)
        decay = min(EMA_DECAY, (1 + steps) / (10 + steps))
        for slow, fast in zip(self.average.parameters(), self.network.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)
        for stored, current in zip(self.average.buffers(), self.network.buffers(), strict=True):
            stored.copy_(current)

    def state(self) -> dict[str, object]:
        return {
            "epoch": self.epoch,
            "seconds": self.seconds,
            "loss": self.loss,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "latents": self.latents.detach() if self.latents is not None else None,
        }

    def restore(self, state: dict) -> None:
        self.epoch, self.seconds, self.loss = state["epoch"], state["seconds"], state["loss"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.latents is not None:
            self.latents.data.copy_(state["latents"])


def distill(
    spec: "Spec", images: np.ndarray, masks: np.ndarray, out_dir: Path, progress: Progress
) -> Trained:
    """Teach a student. images uint8 [N, S, S, 3], masks bool [N, S, S].

    Resumes from `checkpoint/lesson.pt` where there is one.
    """
    lesson = Lesson(spec, images, masks)
    checkpoint = out_dir / "checkpoint" / "lesson.pt"
    if checkpoint.exists():
        lesson.restore(torch.load(checkpoint, map_location=lesson.device, weights_only=True))
    saved = time.monotonic()
    while lesson.done < 1:
        losses = lesson.run_epoch()
        _film(lesson, out_dir)
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            _save_checkpoint(lesson, checkpoint)
            saved = time.monotonic()
        message = f"epoch {lesson.epoch} of {spec.epochs}, loss {lesson.loss:.3f}"
        progress(min(0.98, lesson.done), message, step=lesson.epoch, metrics=losses)
    latents = lesson.latents.detach().cpu() if lesson.latents is not None else None
    brightness = scene_brightness(images, masks)
    return Trained(lesson.average.cpu().eval(), latents, brightness, lesson.epoch, lesson.loss)


def scene_brightness(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Mean grey level outside the mask [N], by which defects find scenes that suit them."""
    outside = ~masks
    return (images.mean(-1) * outside).sum((1, 2)) / np.maximum(outside.sum((1, 2)), 1)


def line_drawings(images: Tensor, masks: Tensor, chunk: int = 64) -> Tensor:
    """The defects alone, int8 [N, 1, H, W] of -127…127; see `networks.line_drawing`."""
    pairs = zip(images.split(chunk), masks.split(chunk), strict=True)
    drawn = [networks.line_drawing(i.float() / 255, m.float()) for i, m in pairs]
    return (torch.cat(drawn) * 127).round().to(torch.int8)


def starting_latents(images: Tensor, masks: Tensor, dim: int) -> Tensor:
    """Latents [N, dim]: principal components of the scenes, then of the masks."""
    outside = 1 - masks.float()
    scenes = functional.adaptive_avg_pool2d(images.float() / 255 * outside, 32)
    scenes = scenes / functional.adaptive_avg_pool2d(outside, 32).clamp(min=0.05)
    shapes = functional.adaptive_avg_pool2d(masks.float(), 32)
    half = dim // 2
    return torch.cat([principal_components(rows.flatten(1), half) for rows in (scenes, shapes)], 1)


def principal_components(rows: Tensor, dim: int) -> Tensor:
    """Scores [N, dim] of unit variance; those beyond the rows' rank start as small noise."""
    left, strength, _ = torch.linalg.svd(rows - rows.mean(0), full_matrices=False)
    keep = min(dim, int((strength > 1e-3 * strength[0].clamp(min=1e-6)).sum()))
    scores = 0.1 * torch.randn(len(rows), dim, device=rows.device)
    scores[:, :keep] = left[:, :keep] * math.sqrt(len(rows))
    return scores


def _save_checkpoint(lesson: Lesson, path: Path) -> None:
    partial = path.with_suffix(".partial")
    torch.save(lesson.state(), partial)
    partial.replace(path)


@torch.no_grad()
def _film(lesson: Lesson, out_dir: Path) -> None:
    """Every few epochs, a strip of pictures from the same latents each time."""
    every = max(1, lesson.spec.epochs // FRAMES)
    if lesson.epoch % every and lesson.epoch != 1 and lesson.done < 1:
        return
    lesson.average.eval()
    made = lesson.average(_film_latents(lesson))[:, :3]
    strip = (made * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    name = f"epoch_{lesson.epoch:05d}.png"
    pictures.write(out_dir / "artifacts" / "film" / name, pictures.sheet(list(strip), FILM_COLUMNS))


def _film_latents(lesson: Lesson) -> Tensor:
    """The first teacher images' latents, then the same scenes with others' defects; or random z."""
    if lesson.latents is None:
        random = torch.Generator().manual_seed(lesson.spec.seed)
        z = torch.randn(FILM_COLUMNS, lesson.network.latent_dim, generator=random)
        return z.to(lesson.device)
    own = lesson.latents[:FILM_COLUMNS]
    others = lesson.latents.roll(-FILM_COLUMNS, 0)[:FILM_COLUMNS]
    half = lesson.network.latent_dim // 2
    return torch.cat([own, torch.cat([own[:, :half], others[:, half:]], 1)])


def save(trained: Trained, folder: Path) -> float:
    """Write student.onnx, student.safetensors and latents.npz. Returns the ONNX file's MB."""
    network = trained.network.to(memory_format=torch.contiguous_format)
    path = folder / "student.onnx"
    example = torch.zeros(2, network.latent_dim)
    program = torch.onnx.export(
        network,
        (example,),
        input_names=["z"],
        output_names=["image"],
        dynamic_shapes={"z": {0: torch.export.Dim("batch")}},
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    assert program is not None
    program.save(str(path))
    save_file(network.state_dict(), folder / "student.safetensors")
    latents = np.zeros((0, network.latent_dim)) if trained.latents is None else trained.latents
    np.savez(folder / "latents.npz", latents=np.asarray(latents), brightness=trained.brightness)
    card = {"size": network.size, "latent_dim": network.latent_dim, "mask": network.paints_mask}
    (folder / "student.json").write_text(json.dumps(card))
    return path.stat().st_size / 2**20
