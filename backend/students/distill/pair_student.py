"""The `pairs` student (PyTorch): one step from noise to the picture a diffusion model makes.

A deterministic sampler (DDIM) turns each noise into one picture, so noise and picture are true
partners (Luhman & Luhman, arXiv 2101.02388). The student learns that map in the model's own code
space and paints with the model's decoder; fresh pairs are made for half of the time.
"""

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.core import runs
from backend.images import imageset
from backend.numeric import devices
from backend.numeric.learning import Losses, Pace, State, TimedTraining
from backend.numeric.losses import laplacian_loss, mask_loss
from backend.records import Progress, UserError
from backend.students import drawing
from backend.students.distill.data import Material
from backend.students.distill.recipes import FILM_COLUMNS, Recipe
from backend.students.distill.spec import Spec
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

CODE_SHAPE = (LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE)
GROUP = 8  # noises denoised together
ROUND = 10  # steps
FRESH_SEED = 1_000_000_000  # fresh pairs begin here, so that no image of a run is one of them
MASK_WEIGHT = 10.0
EMA_DECAY = 0.998
WARM_UP = 50
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
        noise = z[:, : -self.classes].unflatten(1, CODE_SHAPE)
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
    """Pairs of z [3072 + K] and code [12, 16, 16] made by the diffusion model."""

    def __init__(self, model: ImageDiffusion, steps: int, guidance: float, seed: int):
        self.model, self.steps, self.guidance = model, steps, guidance
        self.first = FRESH_SEED + seed * 10_000_000
        self.z = np.zeros((0, LATENT_CHANNELS * LATENT_SIZE**2 + len(model.classes)), np.float32)
        self.codes = np.zeros((0, *CODE_SHAPE), np.float32)
        self.seconds = 0.0

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

    def taken(self, places: Any) -> tuple[Tensor, Tensor]:
        """Some of the pairs, z [n, 3072 + K] and codes [n, 12, 16, 16]."""
        return torch.from_numpy(self.z[places]), torch.from_numpy(self.codes[places])

    def state_dict(self) -> State:
        z, codes = self.taken(slice(None))
        return {"z": z, "codes": codes, "seconds": self.seconds}

    def load_state_dict(self, state: State) -> None:
        self.z, self.codes = (np.asarray(state[name]) for name in ("z", "codes"))
        self.seconds = float(state["seconds"])


def partners(noise: np.ndarray, labels: Any, classes: int) -> np.ndarray:
    """z [N, 3072 + K] of noise [N, 12, 16, 16] and class numbers [N]."""
    chosen = np.eye(classes, dtype=np.float32)[np.asarray(labels)]
    return np.concatenate([noise.reshape(len(noise), -1), chosen], 1).astype(np.float32)


class Pairs(Recipe):
    """Fresh pairs of the model that painted a run; the run's own images stay unseen, so every
    figure about them is held-out. Raises UserError for images of another teacher.

    older: the file in which earlier versions kept the pairs of a run that was stopped."""

    def __init__(self, spec: Spec, source: Path, everything: Material, older: Path):
        super().__init__(spec, everything.part(np.arange(0)), everything)
        self.source, self.older = source, older
        model, steps, guidance = _teacher(source)
        self.classes = model.classes
        self.pool = self.others["pairs"] = Pool(model, steps, guidance, spec.seed)
        torch.manual_seed(spec.seed)
        self.network = PairStudent(
            model.codec.cpu(), model.mean.cpu(), model.deviation.cpu(), len(model.classes)
        ).to(self.device)
        pace = Pace(60 * spec.minutes, stride=ROUND, warm_up=WARM_UP, decay=EMA_DECAY)
        optimizer = torch.optim.Adam(self.network.parameters(), lr=spec.learning_rate / 3)
        self.training = TimedTraining(self.network, optimizer, pace)

    def losses(self) -> Iterator[Losses]:
        """Fresh pairs where it is their turn, then a few steps on all there are."""
        learned = self.training.seconds - self.pool.seconds
        while len(self.pool) < 2 * GROUP or self.pool.seconds < learned:
            self.pool.add_fresh()
        self.training.count()
        for _ in range(ROUND):
            random = np.random.default_rng([self.spec.seed, self.training.step])
            yield self._losses_of(random.integers(len(self.pool), size=self.spec.batch))

    def _losses_of(self, places: np.ndarray) -> Losses:
        z, wanted = (part.to(self.device) for part in self.pool.taken(places))
        with devices.autocast(self.device):
            code = self.network.code(z)
            shown = self.network.painted(code)
            with torch.no_grad():
                aim = self.training.average.painted(wanted)
        return _losses(code.float(), wanted, shown.float(), aim.float())

    def rule(self) -> drawing.Rule:
        return drawing.Noise(self.network.latent_dim - len(self.classes), self.classes)

    def film(self) -> Tensor:
        """Above what the teacher made of the first noises, below the student."""
        z, codes = (part.to(self.device) for part in self.pool.taken(slice(FILM_COLUMNS)))
        average = self.training.average
        return torch.cat([average.painted(codes), average(z)])

    def told(self) -> tuple[int, str]:
        step = self.training.step
        return step, f"{len(self.pool)} pairs, {step} steps, loss {self.loss:.3f}"

    def restore(self, state: State) -> None:
        """Earlier versions counted the time for pairs apart."""
        if "pairs" in state:
            return super().restore(state)
        with np.load(self.older, allow_pickle=False) as stored:
            spent = state["seconds"] + float(stored["seconds"])
            return super().restore(state | {"pairs": dict(stored), "seconds": spent})

    def card(self) -> dict[str, Any]:
        return super().card() | {"noise_shape": CODE_SHAPE, "pairs": len(self.pool)}

    def arrays(self, progress: Progress) -> dict[str, np.ndarray]:
        """Also z of the run's own images: the noise that is kept beside each, and its class."""
        origins = {image.name: image.origin for image in imageset.read(self.source)}
        noise, labels = [], []
        for name in self.held.names.tolist():
            noise.append(np.asarray(origins[name].array("noise")))
            labels.append(self.classes.index(origins[name].params["class"]))
        z = partners(np.stack(noise), labels, len(self.classes))
        return super().arrays(progress) | {"held_latents": z}


def _losses(code: Tensor, wanted: Tensor, shown: Tensor, aim: Tensor) -> dict[str, Tensor]:
    """Codes [B, 12, 16, 16] and pictures [B, 5, S, S] against those of the teacher."""
    mask = aim[:, 3:4]
    return {
        "code loss": functional.l1_loss(code, wanted),
        "image loss": laplacian_loss(shown[:, :3], aim[:, :3], 1 + MASK_WEIGHT * mask),
        "mask loss": 0.3 * mask_loss(shown[:, 3:4], (mask > 0.5).float()),
    }


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
