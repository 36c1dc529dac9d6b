"""The `pairs` student (PyTorch): one step from noise to the picture a diffusion model makes.

A deterministic sampler (DDIM) turns each noise into one picture, so noise and picture are true
partners (Luhman & Luhman, arXiv 2101.02388). The student learns that map in the model's own code
space and paints with the model's decoder; fresh pairs are made for half of the time.
"""

import copy
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.core import runs
from backend.images import imageset
from backend.numeric import devices, learning
from backend.numeric.losses import laplacian_loss, mask_loss
from backend.records import Progress, UserError
from backend.students.distill import training
from backend.students.distill.data import Material
from backend.students.distill.spec import Result, Spec
from backend.teachers.diffusion.model import (
    LATENT_CHANNELS,
    LATENT_SIZE,
    SIZE,
    Codec,
    ImageDiffusion,
    decoded,
    load_model,
)
from backend.teachers.generate import diffused
from backend.teachers.generate.spec import Spec as TeacherSpec

GROUP = 8  # noises denoised together
FRESH_SEED = 1_000_000_000  # fresh pairs begin here, so that no image of a run is one of them
MASK_WEIGHT = 10.0
EMA_DECAY = 0.998
WIDTH, DEEP = 96, 160


class _Mixer(nn.Module):
    """x + two convolutions of it, scaled and shifted by the class."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.norm = nn.GroupNorm(16, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.film = nn.Linear(classes, 2 * width)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        scale, shift = self.film(label)[:, :, None, None].chunk(2, 1)
        inner = functional.silu(self.norm(x) * (1 + scale) + shift)
        return x + self.second(functional.silu(self.first(inner)))


class PairStudent(nn.Module):
    """z [B, 3072 + classes]: noise [12, 16, 16] and the class as one of K → [B, 5, 128, 128]:
    RGB and mask in 0…1, and the standard deviation of the camera's noise."""

    size = SIZE
    paints_mask = True
    octaves = 1

    def __init__(self, codec: Codec, mean: Tensor, deviation: Tensor, classes: int):
        super().__init__()
        self.classes = classes
        self.latent_dim = LATENT_CHANNELS * LATENT_SIZE**2 + classes
        self.enter = nn.Conv2d(LATENT_CHANNELS, WIDTH, 3, padding=1)
        self.fine = nn.ModuleList(_Mixer(WIDTH, classes) for _ in range(4))
        self.down = nn.Conv2d(WIDTH, DEEP, 2, 2)
        self.deep = nn.ModuleList(_Mixer(DEEP, classes) for _ in range(4))
        self.up = nn.ConvTranspose2d(DEEP, WIDTH, 2, 2)
        self.leave = nn.Conv2d(WIDTH, LATENT_CHANNELS, 3, padding=1)
        self.decoder = copy.deepcopy(codec.decoder)
        self.register_buffer("mean", mean.clone())
        self.register_buffer("deviation", deviation.clone())

    def code(self, z: Tensor) -> Tensor:
        """The picture's code [B, 12, 16, 16], in units of the codes' spread."""
        noise = z[:, : -self.classes].unflatten(1, (LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE))
        label = z[:, -self.classes :]
        x = self.enter(noise)
        for index, block in enumerate(self.fine):
            if index == len(self.fine) // 2:
                x = x + self.up(self._deep(self.down(x), label))
            x = block(x, label)
        return self.leave(functional.silu(x))

    def _deep(self, x: Tensor, label: Tensor) -> Tensor:
        for block in self.deep:
            x = block(x, label)
        return x

    def painted(self, code: Tensor) -> Tensor:
        """What a code stands for [B, 5, 128, 128]; see `Codec.decode`."""
        codes = code * self.get_buffer("deviation") + self.get_buffer("mean")
        shown = decoded(self.decoder(codes))
        return torch.cat([shown.rgb.clamp(0, 1), shown.mask, shown.grain], 1)

    def forward(self, z: Tensor) -> Tensor:
        return self.painted(self.code(z))


class Pool:
    """Pairs of z [3072 + K] and code [12, 16, 16] made by the diffusion model, kept on disk."""

    def __init__(self, model: ImageDiffusion, steps: int, guidance: float, path: Path, seed: int):
        self.model, self.steps, self.guidance = model, steps, guidance
        self.path, self.first = path, FRESH_SEED + seed * 10_000_000
        self.z = np.zeros((0, LATENT_CHANNELS * LATENT_SIZE**2 + len(model.classes)), np.float32)
        self.codes = np.zeros((0, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE), np.float32)
        self.seconds = 0.0
        if path.exists():
            with np.load(path, allow_pickle=False) as stored:
                self.z, self.codes = stored["z"], stored["codes"]
                self.seconds = float(stored["seconds"])

    def __len__(self) -> int:
        return len(self.z)

    def add_fresh(self) -> None:
        """A group of new noises, each of a class in turn, denoised by the teacher."""
        seeds = [self.first + len(self) + k for k in range(GROUP)]
        names = [self.model.classes[s % len(self.model.classes)] for s in seeds]
        started = time.monotonic()
        noise, codes = self.model.codes_of(seeds, names, self.steps, self.guidance)
        labels = [self.model.classes.index(name) for name in names]
        self.z = np.concatenate([self.z, partners(noise, labels, len(self.model.classes))])
        self.codes = np.concatenate([self.codes, codes])
        self.seconds += time.monotonic() - started

    def save(self) -> None:
        partial = self.path.with_suffix(".partial.npz")
        np.savez(partial, z=self.z, codes=self.codes, seconds=self.seconds)
        partial.replace(self.path)


def partners(noise: np.ndarray, labels: Any, classes: int) -> np.ndarray:
    """z [N, 3072 + K] of noise [N, 12, 16, 16] and class numbers [N]."""
    chosen = np.eye(classes, dtype=np.float32)[np.asarray(labels)]
    return np.concatenate([noise.reshape(len(noise), -1), chosen], 1).astype(np.float32)


class _Lesson:
    """The student, its optimiser and the pool, which grows while it learns."""

    def __init__(self, spec: Spec, network: PairStudent, pool: Pool, out_dir: Path):
        torch.manual_seed(spec.seed)
        self.spec, self.pool, self.out_dir = spec, pool, out_dir
        self.device = devices.best()
        self.network = network.to(self.device)
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        self.optimizer = torch.optim.Adam(network.parameters(), lr=spec.learning_rate / 3)
        self.step, self.seconds, self.saved = 0, 0.0, time.monotonic()
        self.loss = math.nan
        self.path = out_dir / "checkpoint" / "lesson.pt"
        if self.path.exists():
            state = torch.load(self.path, map_location=self.device, weights_only=True)
            for name in ("network", "average", "optimizer"):
                getattr(self, name).load_state_dict(state[name])
            for name in ("step", "seconds", "loss"):
                setattr(self, name, state[name])

    @property
    def done(self) -> float:
        return min(1.0, (self.seconds + self.pool.seconds) / (60 * self.spec.minutes))

    def learn(self) -> dict[str, float]:
        """Fresh pairs where it is their turn, then a few steps on all there are."""
        while len(self.pool) < 2 * GROUP or self.pool.seconds < self.seconds:
            self.pool.add_fresh()
        started = time.monotonic()
        taken = [self._step() for _ in range(10)]
        self.seconds += time.monotonic() - started
        if time.monotonic() - self.saved > training.CHECKPOINT_SECONDS:
            self.save()
        means = {name: float(np.mean([each[name] for each in taken])) for name in taken[0]}
        self.loss = means["loss"]
        return means

    def _step(self) -> dict[str, float]:
        random = np.random.default_rng([self.spec.seed, self.step])
        chosen = random.integers(len(self.pool), size=self.spec.batch)
        z, wanted = (
            torch.from_numpy(rows[chosen]).to(self.device)
            for rows in (self.pool.z, self.pool.codes)
        )
        with devices.autocast(self.device):
            code = self.network.code(z)
            shown = self.network.painted(code)
            with torch.no_grad():
                aim = self.average.painted(wanted)
        found = _losses(code.float(), wanted, shown.float(), aim.float())
        fall = learning.falling(self.done)
        for group in self.optimizer.param_groups:
            group["lr"] = self.spec.learning_rate / 3 * min(1.0, (self.step + 1) / 50) * fall
        loss = torch.stack(list(found.values())).sum()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        learning.follow(self.average, self.network, self.step, EMA_DECAY)
        self.step += 1
        return {"loss": loss.item()} | {name: value.item() for name, value in found.items()}

    def save(self) -> None:
        self.pool.save()
        names = ("network", "average", "optimizer")
        state = {name: getattr(self, name).state_dict() for name in names}
        done = {"step": self.step, "seconds": self.seconds, "loss": self.loss}
        learning.save(state | done, self.path)
        self._film()
        self.saved = time.monotonic()

    @torch.no_grad()
    def _film(self) -> None:
        """Above what the teacher made of the first noises, below the student."""
        z, codes = (
            torch.from_numpy(rows[: training.FILM_COLUMNS]).to(self.device)
            for rows in (self.pool.z, self.pool.codes)
        )
        both = torch.cat([self.average.painted(codes), self.average(z)])
        training.write_frame(self.out_dir, both[:, :3], self.step)


def _losses(code: Tensor, wanted: Tensor, shown: Tensor, aim: Tensor) -> dict[str, Tensor]:
    """Codes [B, 12, 16, 16] and pictures [B, 5, S, S] against those of the teacher."""
    mask = aim[:, 3:4]
    return {
        "code loss": functional.l1_loss(code, wanted),
        "image loss": laplacian_loss(shown[:, :3], aim[:, :3], 1 + MASK_WEIGHT * mask),
        "mask loss": 0.3 * mask_loss(shown[:, 3:4], (mask > 0.5).float()),
    }


def run(spec: Spec, source: Path, material: Material, out_dir: Path, progress: Progress) -> Result:
    """Learn from fresh pairs of the model that painted `source`; its own images stay unseen, so
    every figure about them is held-out. Raises UserError for images of another teacher."""
    model, steps, guidance = _teacher(source)
    pool = Pool(model, steps, guidance, out_dir / "checkpoint" / "pairs.npz", spec.seed)
    classes = len(model.classes)
    network = PairStudent(model.codec.cpu(), model.mean.cpu(), model.deviation.cpu(), classes)
    lesson = _Lesson(spec, network, pool, out_dir)
    while lesson.done < 1:
        metrics = lesson.learn()
        words = f"{len(pool)} pairs, {lesson.step} steps, error {metrics['code loss']:.3f}"
        progress(0.95 * lesson.done, words, step=lesson.step, metrics=metrics)
    lesson.save()
    z = _partners_of(source, material, model)
    learned = lesson.average.cpu().eval()
    none = torch.zeros(0, network.latent_dim)
    trained = training.Trained(learned, none, z, lesson.step, lesson.loss)
    card = {
        "preset": "pairs",
        "noise_shape": [LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE],
        "classes": model.classes,
    }
    nothing = material.part(np.arange(0))
    artifacts = out_dir / "artifacts"
    megabytes = training.save(trained, nothing, material, card, artifacts)
    progress(1.0, "done")
    return Result(
        preset=spec.preset,
        size=spec.size,
        latent_dim=network.latent_dim,
        paints_mask=True,
        images=0,
        held=len(material),
        classes=model.classes,
        epochs=lesson.step,
        parameters=sum(p.numel() for p in network.parameters()),
        megabytes=megabytes,
        loss=lesson.loss,
        pairs=len(pool),
    )


def _teacher(source: Path) -> tuple[ImageDiffusion, int, float]:
    """The model that painted a run, and how. Raises UserError where it was another teacher."""
    run = runs.read(source)
    if run.kind != "generate" or (settings := runs.spec(run, TeacherSpec)).teacher != "diffusion":
        raise UserError(
            "The recipe 'pairs' learns how a diffusion model turns noise into a picture, so it "
            "needs images of the teacher 'diffusion'. Choose those, or another recipe."
        )
    model = load_model(diffused.model_folder(settings, source))
    return model, settings.denoising_steps, settings.class_guidance


def _partners_of(source: Path, material: Material, model: ImageDiffusion) -> Tensor:
    """z of the run's own images: the noise that is kept beside each, and its class."""
    images = imageset.read(source)[0]
    params = dict(zip(images["image"], images["params"], strict=True))
    noise, labels = [], []
    for name in material.names:
        noise.append(np.load(source / "artifacts" / "noise" / f"{name}.npy"))
        labels.append(model.classes.index(json.loads(params[name])["class"]))
    return torch.from_numpy(partners(np.stack(noise), labels, len(model.classes)))
