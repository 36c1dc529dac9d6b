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
from backend.synthesis import networks, pictures

if TYPE_CHECKING:
    from backend.synthesis.student import Spec

EMA_DECAY = 0.99
LATENT_RATE = 10.0
MASK_WEIGHT = 4.0
CHECKPOINT_SECONDS = 20.0
FRAMES = 12
FILM_COLUMNS = 8


@dataclass
class Trained:
    """A student after its last epoch.

    latents: learned latents [N, D], None where z was drawn at random.
    """

    network: networks.PaperStudent | networks.Student
    latents: Tensor | None
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
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.latents: Tensor | None = None
        groups = [{"params": list(self.network.parameters()), "scale": 1.0}]
        if spec.preset != "paper":
            start = principal_latents(self.images, self.masks, spec.latent_dim)
            self.latents = start.to(self.device).requires_grad_()
            groups.append({"params": [self.latents], "scale": LATENT_RATE})
        self.optimizer = torch.optim.Adam(groups, lr=spec.learning_rate, betas=(0.9, 0.99))
        self.epoch = 0
        self.loss = math.nan

    def run_epoch(self) -> dict[str, float]:
        """One pass in an order that depends on seed and epoch alone. Returns mean losses."""
        self._set_learning_rate()
        random = torch.Generator().manual_seed(self.spec.seed * 100_003 + self.epoch)
        order = torch.randperm(len(self.images), generator=random).to(self.device)
        sums: dict[str, float] = {}
        for batch in order.split(self.spec.batch):
            for name, value in self._step(batch, random).items():
                sums[name] = sums.get(name, 0.0) + value * len(batch) / len(order)
        self.epoch += 1
        self.loss = sums["loss"]
        return sums

    def _set_learning_rate(self) -> None:
        done = self.epoch / self.spec.epochs
        warm = min(1.0, (self.epoch + 1) / 5)
        rate = self.spec.learning_rate * warm * (0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]

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
        made = self.network(self.latents[batch])
        weight = 1 + MASK_WEIGHT * masks
        entropy = functional.binary_cross_entropy(
            made[:, 3:].clamp(1e-5, 1 - 1e-5), masks, weight=weight
        )
        return {
            "image loss": networks.laplacian_loss(made[:, :3], images, weight),
            "mask loss": 0.3 * (networks.dice_loss(made[:, 3:], masks) + entropy),
        }

    @torch.no_grad()
    def _follow(self) -> None:
        """Exponential moving average of the weights; buffers are copied."""
        steps = self.epoch * math.ceil(len(self.images) / self.spec.batch)
        decay = min(EMA_DECAY, (1 + steps) / (10 + steps))
        pairs = zip(self.average.parameters(), self.network.parameters(), strict=True)
        for slow, fast in pairs:
            slow.lerp_(fast, 1 - decay)
        for slow, fast in zip(self.average.buffers(), self.network.buffers(), strict=True):
            slow.copy_(fast)

    def state(self) -> dict[str, object]:
        return {
            "epoch": self.epoch,
            "loss": self.loss,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "latents": self.latents.detach() if self.latents is not None else None,
        }

    def restore(self, state: dict) -> None:
        self.epoch, self.loss = state["epoch"], state["loss"]
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
    started, saved = time.monotonic(), time.monotonic()
    while lesson.epoch < spec.epochs and time.monotonic() - started < spec.minutes * 60:
        losses = lesson.run_epoch()
        _film(lesson, out_dir)
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            _save_checkpoint(lesson, checkpoint)
            saved = time.monotonic()
        done = max(lesson.epoch / spec.epochs, (time.monotonic() - started) / spec.minutes / 60)
        message = f"epoch {lesson.epoch} of {spec.epochs}, loss {lesson.loss:.3f}"
        progress(min(0.98, done), message, step=lesson.epoch, metrics=losses)
    latents = lesson.latents.detach().cpu() if lesson.latents is not None else None
    return Trained(lesson.average.cpu().eval(), latents, lesson.epoch, lesson.loss)


def principal_latents(images: Tensor, masks: Tensor, dim: int) -> Tensor:
    """Starting latents [N, dim]: whitened principal components of the shrunken images and masks.

    Components beyond the set's rank start as small noise.
    """
    small = [
        functional.adaptive_avg_pool2d(x.float(), 32).flatten(1) for x in (images / 255, masks)
    ]
    rows = torch.cat(small, 1)
    left, strength, _ = torch.linalg.svd(rows - rows.mean(0), full_matrices=False)
    keep = min(dim, int((strength > 1e-3 * strength[0]).sum()))
    latents = 0.1 * torch.randn(len(rows), dim, device=rows.device)
    latents[:, :keep] = left[:, :keep] * math.sqrt(len(rows))
    return latents


def _save_checkpoint(lesson: Lesson, path: Path) -> None:
    partial = path.with_suffix(".partial")
    torch.save(lesson.state(), partial)
    partial.replace(path)


@torch.no_grad()
def _film(lesson: Lesson, out_dir: Path) -> None:
    """Every few epochs, a strip: reconstructions above, samples of fixed latents below."""
    every = max(1, lesson.spec.epochs // FRAMES)
    if lesson.epoch % every and lesson.epoch not in (1, lesson.spec.epochs):
        return
    random = torch.Generator().manual_seed(lesson.spec.seed)
    z = torch.randn(FILM_COLUMNS, lesson.network.latent_dim, generator=random).to(lesson.device)
    rows = [z] if lesson.latents is None else [lesson.latents[:FILM_COLUMNS], z]
    lesson.average.eval()
    made = torch.cat([lesson.average(row)[:, :3] for row in rows])
    strip = (made * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    name = f"epoch_{lesson.epoch:05d}.png"
    pictures.write(out_dir / "artifacts" / "film" / name, pictures.sheet(list(strip), FILM_COLUMNS))


def save(trained: Trained, folder: Path) -> float:
    """Write student.onnx, student.safetensors and latents.npz. Returns the ONNX file's MB."""
    network, path = trained.network, folder / "student.onnx"
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
    program.save(str(path))
    save_file(network.state_dict(), folder / "student.safetensors")
    mean, spread = _distribution(trained)
    latents = np.zeros((0, network.latent_dim)) if trained.latents is None else trained.latents
    np.savez(folder / "latents.npz", latents=np.asarray(latents), mean=mean, spread=spread)
    card = {"size": network.size, "latent_dim": network.latent_dim, "mask": network.paints_mask}
    (folder / "student.json").write_text(json.dumps(card))
    return path.stat().st_size / 2**20


def _distribution(trained: Trained) -> tuple[np.ndarray, np.ndarray]:
    """Mean [D] and a root [D, D] of the covariance of the latents; z ~ mean + spread · N(0, 1)."""
    dim = trained.network.latent_dim
    if trained.latents is None:
        return np.zeros(dim), np.eye(dim)
    latents = trained.latents.numpy().astype(np.float64)
    covariance = np.cov(latents.T)
    shrunk = 0.9 * covariance + 0.1 * np.diag(np.diag(covariance))
    return latents.mean(0), np.linalg.cholesky(shrunk + 1e-6 * np.eye(dim))
