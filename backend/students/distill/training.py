"""Teaching a student (PyTorch): epochs, the best weights so far, checkpoints, what is kept."""

import copy
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from backend.images import imagefiles, pictures, resuming
from backend.images.kid import features, kid
from backend.numeric import devices, learning
from backend.numeric.losses import laplacian_loss, mask_loss
from backend.records import Progress
from backend.students import drawing, lighting
from backend.students.distill import initial_codes, losses
from backend.students.distill.data import Material
from backend.students.distill.spec import Spec
from backend.students.distill.trainer import Lesson

CHECKPOINT_SECONDS = 20.0
FRAMES = 12
FILM_COLUMNS = 8
JUDGED_EVERY = 0.1  # of the lesson, in its second half
JUDGED_IMAGES = 128
FITTING_STEPS, FITTING_RATE = 30, 0.03


@dataclass
class Trained:
    """A student after its lesson.

    latents [N, D]: of the images it learned from, held_latents of those it did not; None where z
    was drawn at random. best_kid: of its samples, by which the weights were chosen; None: the last
    ones are kept. nothing [C]: the code of a cell without a defect. lights [N, 6]: of the images,
    see `lighting.measured`.
    """

    network: Any
    latents: Tensor | None
    held_latents: Tensor | None
    epochs: int
    loss: float
    best_kid: float | None = None
    nothing: Tensor | None = None
    lights: lighting.Light = field(default_factory=lambda: np.zeros((0, lighting.SIZE), np.float32))


class Best:
    """The weights whose samples were nearest to the teacher's images (KID), in the second half."""

    def __init__(self, lesson: Lesson, patience: int):
        self.kid: float | None = None
        self.state: dict[str, Any] | None = None
        self.worse, self.patience = 0, patience
        self.next = 0.5
        chosen = torch.linspace(0, len(lesson.images) - 1, JUDGED_IMAGES).long().unique()
        shown = lesson.images[chosen].permute(0, 2, 3, 1).cpu().numpy()
        self.real = features(shown) if lesson.latents is not None else None

    @property
    def is_enough(self) -> bool:
        """Early stop: so many judgements in a row were no better."""
        return 0 < self.patience <= self.worse

    def judge(self, lesson: Lesson) -> dict[str, float]:
        """The KID of fresh samples when it is due; keeps the weights where it is the lowest."""
        if self.real is None or (lesson.done < self.next and lesson.done < 1):
            return {}
        self.next = lesson.done + JUDGED_EVERY
        found = kid(features(_samples(lesson)), self.real)
        self.worse += 1
        if self.kid is None or found < self.kid:
            self.kid, self.worse = found, 0
            self.state = {
                "average": copy.deepcopy(lesson.average.state_dict()),
                "latents": lesson.latents.detach().clone() if lesson.latents is not None else None,
            }
        return {"KID of samples": found}

    def put_back(self, lesson: Lesson) -> None:
        if self.state is not None and lesson.latents is not None:
            lesson.average.load_state_dict(self.state["average"])
            lesson.latents.data.copy_(self.state["latents"])


@torch.no_grad()
def _samples(lesson: Lesson) -> np.ndarray:
    """Samples uint8 [128, S, S, 3] of the averaged network as its users will get them, drawn by the
    same seeds each time."""
    randoms = [np.random.default_rng([lesson.spec.seed, k]) for k in range(JUDGED_IMAGES)]
    stock = lesson.stock()
    picks = [stock.pick(random) for random in randoms]
    made = [
        lesson.average.layers(*lesson.mixed(stock, picks[k : k + 16])).painted.cpu().numpy()
        for k in range(0, JUDGED_IMAGES, 16)
    ]
    images, masks = drawing.finished(np.concatenate(made), lesson.average.octaves, randoms)
    drawing.turn(images, masks, randoms)
    return images


def distill(
    spec: Spec,
    material: Material,
    held: Material,
    weights: Path,
    out_dir: Path,
    progress: Progress,
) -> Trained:
    """Teach a student from `material`; then find the latents of the images it never saw.

    weights: the YOLO file for perceptual = yolo. Resumes from `checkpoint/lesson.pt` where the
    images are those it was learning from.
    """
    if resuming.begins_again(out_dir, resuming.version((material.version, held.version))):
        progress(0.0, resuming.WORDS)
    lesson = Lesson(spec, material, weights)
    best = Best(lesson, spec.patience)
    checkpoint = out_dir / "checkpoint" / "lesson.pt"
    if checkpoint.exists():
        _restore(lesson, best, checkpoint)
    saved = time.monotonic()
    while lesson.done < 1 and not best.is_enough:
        started = time.monotonic()
        metrics = lesson.run_epoch()
        metrics |= best.judge(lesson)
        _film(lesson, out_dir)
        lesson.seconds += time.monotonic() - started
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            _save_checkpoint(lesson, best, checkpoint)
            saved = time.monotonic()
        message = f"epoch {lesson.epoch} of {spec.epochs}, loss {lesson.loss:.3f}"
        progress(min(0.9, 0.9 * lesson.done), message, step=lesson.epoch, metrics=metrics)
    best.judge(lesson)
    best.put_back(lesson)
    trained = Trained(lesson.average, None, None, lesson.epoch, lesson.loss, best.kid)
    if lesson.latents is not None:
        trained.latents = lesson.network.unlit(lesson.latents.detach()).cpu()
        trained.held_latents = lesson.network.unlit(_fit_held(lesson, held, progress)).cpu()
        trained.nothing = lesson.codes.nothing.cpu()
        trained.lights = lesson.light
    trained.network = lesson.average.cpu().eval()
    return trained


def _restore(lesson: Lesson, best: Best, checkpoint: Path) -> None:
    state = torch.load(checkpoint, map_location=lesson.device, weights_only=True)
    lesson.restore(state["lesson"])
    best.kid, best.state = state["kid"], state["best"]
    best.worse, best.next = state["worse"], state["next"]


def _save_checkpoint(lesson: Lesson, best: Best, path: Path) -> None:
    state = {"lesson": lesson.state(), "kid": best.kid, "best": best.state}
    learning.save(state | {"worse": best.worse, "next": best.next}, path)


def _fit_held(lesson: Lesson, held: Material, progress: Progress) -> Tensor:
    """Latents [M, D] of images it never saw: the student is fixed and each latent descends from
    its linear code (Bojanowski et al., arXiv 1707.05776, section 4)."""
    assert lesson.latents is not None
    if not len(held):
        return lesson.latents.detach()[:0]
    images = torch.from_numpy(held.images).permute(0, 3, 1, 2).to(lesson.device)
    masks = torch.from_numpy(held.masks)[:, None].to(lesson.device)
    latents = lesson.codes(images, masks).requires_grad_()
    shown, wanted = images.float() / 255, masks.float()
    drawing = initial_codes.line_drawings(images, masks).float() / 127
    optimizer = torch.optim.Adam([latents], lr=FITTING_RATE)
    for step in range(FITTING_STEPS):
        with devices.autocast(lesson.device):
            layers = lesson.average.layers(latents).float()
        loss = laplacian_loss(layers.image, shown, 1 + 10 * wanted)
        loss = loss + losses.drawing_loss(layers, drawing, wanted)
        loss = loss + mask_loss(layers.mask, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        words = f"finding the latents of {len(held)} images it never saw"
        progress(0.9 + 0.08 * (step + 1) / FITTING_STEPS, words)
    return latents.detach()


@torch.no_grad()
def _film(lesson: Lesson, out_dir: Path) -> None:
    """Every few epochs, a strip of pictures from the same latents each time."""
    every = max(1, lesson.spec.epochs // FRAMES)
    if lesson.epoch % every and lesson.epoch != 1 and lesson.done < 1:
        return
    made = lesson.average(_film_latents(lesson))[:, :3]
    write_frame(out_dir, made, lesson.epoch)


def write_frame(out_dir: Path, made: Tensor, epoch: int) -> None:
    """A strip of pictures [B, 3, S, S] in 0…1 for the film of the lesson."""
    strip = (made.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    path = out_dir / "artifacts" / "film" / f"epoch_{epoch:05d}.png"
    imagefiles.write(path, pictures.sheet(list(strip), FILM_COLUMNS))


def _film_latents(lesson: Lesson) -> Tensor:
    """The first teacher images' latents, then the same scenes with others' defects; or random z."""
    if lesson.latents is None:
        random = torch.Generator().manual_seed(lesson.spec.seed)
        z = torch.randn(FILM_COLUMNS, lesson.network.latent_dim, generator=random)
        return z.to(lesson.device)
    own = lesson.latents[:FILM_COLUMNS]
    others = lesson.latents.roll(-FILM_COLUMNS, 0)[:FILM_COLUMNS]
    half = lesson.network.scene_codes
    codes = torch.cat([own, torch.cat([own[:, :half], others[:, half:]], 1)])
    return lesson.network.unlit(codes)


def save(trained: Trained, material: Material, held: Material, card: dict, folder: Path) -> float:
    """Write student.onnx, student.safetensors, latents.npz and student.json, which holds `card`
    too. Returns the ONNX file's MB."""
    network = trained.network.to(memory_format=torch.contiguous_format)
    megabytes = write_onnx(network, folder / "student.onnx")
    save_file(network.state_dict(), folder / "student.safetensors")
    nothing = np.zeros((0, network.latent_dim), np.float32)
    np.savez(
        folder / "latents.npz",
        latents=nothing if trained.latents is None else np.asarray(trained.latents),
        held_latents=nothing if trained.held_latents is None else np.asarray(trained.held_latents),
        brightness=initial_codes.scene_brightness(material.images, material.masks),
        labels=material.labels,
        light=trained.lights,
        nothing=np.zeros(0) if trained.nothing is None else np.asarray(trained.nothing),
        names=material.names.astype(str),
        hashes=material.hashes.astype(str),
        held_names=held.names.astype(str),
        held_hashes=held.hashes.astype(str),
    )
    about = {
        "size": network.size,
        "latent_dim": network.latent_dim,
        "mask": network.paints_mask,
        "octaves": network.octaves,
        "classes": material.classes,
    }
    (folder / "student.json").write_text(json.dumps(about | card, indent=1) + "\n")
    return megabytes


def write_onnx(network: Any, path: Path) -> float:
    """The student as one file: input z [B, latent_dim], output image. Returns its MB."""
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
    return path.stat().st_size / 2**20
