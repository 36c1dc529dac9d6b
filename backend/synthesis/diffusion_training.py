"""How the small diffusion model learns (PyTorch): first to code pictures, then to denoise codes."""

import copy
import math
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from backend import runs
from backend.records import Progress, UserError
from backend.synthesis import diffusion, diffusion_model, imageset, networks, pictures
from backend.synthesis.diffusion_model import INTACT, SIZE, Codec, ImageDiffusion

if TYPE_CHECKING:
    from backend.synthesis.diffusion import Result, Spec

KL_WEIGHT = 1e-6
DEFECT_WEIGHT = 8.0
CODE_NOISE = 0.1  # of the codes' deviation
SNR_CAP = 5.0
ANY_CLASS = 0.1
CHECKPOINT_SECONDS = 60.0
REPORT_STEPS = 20
FILM_SHARE = 0.08
FILM_COLUMNS = 6
FILM_STEPS = 20


@dataclass(frozen=True)
class Lesson:
    """pictures uint8 [N, 128, 128, 4]: RGB and mask. labels [N]: places in `classes`."""

    pictures: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]


def read(run_folder: Path) -> Lesson:
    """The labelled images of a run; the class of an image is that of its largest box.

    Where an image has boxes but no mask, the boxes are its mask. Raises UserError without boxes.
    """
    images, boxes = imageset.read(run_folder)
    images = imageset.labelled(images)
    if boxes.empty:
        raise UserError(
            "None of these images has a box, so there is no defect to learn. Label them first."
        )
    area = (boxes["x2"] - boxes["x1"]) * (boxes["y2"] - boxes["y1"])
    largest = boxes.assign(area=area).sort_values("area").groupby("image")["class_name"].last()
    classes = (INTACT, *sorted(set(largest)))
    names = images["image"].map(largest).fillna(INTACT)
    stacked = [_picture(run_folder, row, boxes) for row in imageset.records(images)]
    labels = np.array([classes.index(name) for name in names])
    return Lesson(np.stack(stacked), labels, classes)


def _picture(run_folder: Path, row: dict[str, Any], boxes: Any) -> np.ndarray:
    pixels = pictures.read_rgb(run_folder / row["path"])
    if isinstance(row["mask_path"], str):
        mask = pictures.read_mask(run_folder / row["mask_path"], SIZE)
    else:
        mask = _box_mask(imageset.boxes_of(boxes, row["image"]), *pixels.shape[:2])
    layer = mask.astype(np.uint8)[..., None] * 255
    return np.concatenate([pictures.resized(pixels, SIZE), layer], axis=2)


def _box_mask(boxes: tuple[Any, ...], height: int, width: int) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    for box in boxes:
        x1, y1, x2, y2 = box.xyxy
        rows = slice(int(y1 / height * SIZE), math.ceil(y2 / height * SIZE))
        mask[rows, int(x1 / width * SIZE) : math.ceil(x2 / width * SIZE)] = True
    return mask


class Stage:
    """A network that learns for a given time: optimiser, falling rate, average, checkpoint.

    Step k draws its batch and its noise from seed and k alone.
    """

    def __init__(self, network: nn.Module, rate: float, seconds: float, decay: float, seed: int):
        self.network = network.to(diffusion_model.best_device())
        self.network.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), rate, (0.9, 0.99), 1e-6, 0.01, fused=True
        )
        self.rate, self.allowed, self.decay, self.seed = rate, seconds, decay, seed
        self.step, self.seconds = 0, 0.0
        self.errors: deque[float] = deque(maxlen=200)

    @property
    def done(self) -> float:
        return min(1.0, self.seconds / self.allowed) if self.allowed else 1.0

    def begin_with(self, weights: dict[str, Tensor]) -> None:
        """Start from these weights; a stage that has begun already keeps its own."""
        if not self.step:
            self.network.load_state_dict(weights)
            self.average.load_state_dict(weights)

    def learn(self, loss_of: Any) -> dict[str, float]:
        """One step. `loss_of(random)` gives the losses by name; "error" is reported alone."""
        started = time.monotonic()
        fall = 0.02 + 0.98 * (1 + math.cos(math.pi * self.done)) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * min(1.0, (self.step + 1) / 100) * fall
        random = torch.Generator().manual_seed(self.seed * 1_000_003 + self.step)
        losses: dict[str, Tensor] = loss_of(random)
        error = losses.pop("error")
        self.optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self._follow()
        self.step += 1
        self.seconds += time.monotonic() - started
        self.errors.append(error.item())
        return {name: value.item() for name, value in losses.items()}

    @torch.no_grad()
    def _follow(self) -> None:
        """Exponential moving average of the weights, quicker at the start."""
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        slow: list[Tensor] = list(self.average.parameters())
        fast: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(slow, fast, 1 - decay)

    @property
    def error(self) -> float:
        """Mean of the newest steps' errors."""
        return float(np.mean(self.errors)) if self.errors else math.nan

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "errors": list(self.errors),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.errors.extend(state["errors"])


def train(spec: "Spec", lesson: Lesson, out_dir: Path, progress: Progress) -> "Result":
    """All three stages, then the model on disk; see `diffusion.run`."""
    torch.manual_seed(spec.seed)
    codec, detail, denoiser = _stages(spec, lesson, out_dir)
    checkpoint = out_dir / "checkpoint" / "lesson.pt"
    saver = _Saver(checkpoint, {"codec": codec, "detail": detail, "denoiser": denoiser})
    told = _Told(spec, progress, out_dir, saver)
    _learn_codec(spec, lesson, codec, told)
    detail.begin_with(codec.average.state_dict())
    progress(told.fraction, "coding all pictures")
    codes = encode_all(detail.average, lesson.pictures, progress, told.fraction)
    _learn_detail(spec, lesson, codes, detail, told)
    model = _learn_denoiser(spec, lesson, codes, detail, denoiser, told)
    steps = {"codec_steps": codec.step, "detail_steps": detail.step, "steps": denoiser.step}
    minutes = (codec.seconds + detail.seconds + denoiser.seconds) / 60
    card = {"size": SIZE, "images": len(lesson.pictures), "batch": spec.batch, **steps}
    megabytes = model.save(out_dir / "artifacts" / "model", {**card, "minutes": round(minutes, 1)})
    progress(1.0, "done")
    return diffusion.Result(
        images=len(lesson.pictures),
        classes=lesson.classes,
        codec_error=detail.error if detail.errors else codec.error,
        denoising_error=denoiser.error,
        megabytes=megabytes,
        minutes=minutes,
        **steps,
    )


def _stages(spec: "Spec", lesson: Lesson, out_dir: Path) -> tuple[Stage, Stage, Stage]:
    """Coding, painting finer from the same codes, and denoising, each with its share of time."""
    codec, denoiser = _networks(spec, lesson.classes, out_dir)
    finer = copy.deepcopy(codec)
    finer.encoder.requires_grad_(False)
    seconds, rate = spec.minutes * 60, spec.learning_rate
    last = max(0.0, 1 - spec.codec_share - spec.detail_share)
    return (
        Stage(codec, 2 * rate, seconds * spec.codec_share, 0.995, spec.seed),
        Stage(finer, 2 * rate, seconds * spec.detail_share, 0.998, spec.seed + 1),
        Stage(denoiser, rate, seconds * last, 0.9995, spec.seed + 2),
    )


def _networks(spec: "Spec", classes: tuple[str, ...], out_dir: Path) -> tuple[Codec, Any]:
    """Fresh networks, or trained ones with a place for each class of this set."""
    codec = Codec()
    denoiser: Any = diffusion_model.unet(len(classes))
    if spec.start != "scratch":
        folder = diffusion.SHIPPED
        if spec.start == "earlier run":
            folder = runs.sibling(out_dir, spec.start_run) / "artifacts" / "model"
        start = diffusion_model.load(folder)
        codec.load_state_dict(start.codec.state_dict())
        state = start.unet.state_dict()
        table = state["class_embedding.weight"]
        anything = len(table) - 1  # what a class that is new to the model begins with
        places = [start.classes.index(c) if c in start.classes else anything for c in classes]
        state["class_embedding.weight"] = table[[*places, anything]]
        denoiser.load_state_dict(state)
    return codec.cpu().requires_grad_(True), denoiser


@dataclass
class _Told:
    """Reports the steps of all stages on one scale, saves and films now and then."""

    spec: "Spec"
    progress: Progress
    out_dir: Path
    saver: "_Saver"
    before: int = 0
    fraction: float = 0.02

    def learn(self, stage: Stage, words: str, losses: Any, film: str, strip: Any) -> None:
        """Steps of one stage until its time is over. strip(): pictures for the film."""
        frames = _Film(self.out_dir, film)
        share = 0.94 * stage.allowed / (60 * self.spec.minutes)
        while stage.done < 1:
            metrics = _some_steps(stage, losses)
            self.saver()
            message = f"{words}, step {stage.step}, error {stage.error:.3f}"
            fraction = self.fraction + share * stage.done
            self.progress(fraction, message, step=self.before + stage.step, metrics=metrics)
            if frames.is_due(stage.done):
                frames.write(strip(), stage.step)
        self.fraction += share
        self.before += stage.step
        self.saver(now=True)


class _Saver:
    """The checkpoint of both stages: read at the start, written now and then."""

    def __init__(self, path: Path, stages: dict[str, Stage]):
        self.path, self.stages = path, stages
        self.saved = time.monotonic()
        if path.exists():
            states = torch.load(path, map_location=diffusion_model.best_device(), weights_only=True)
            for name, stage in stages.items():
                stage.restore(states[name])

    def __call__(self, *, now: bool = False) -> None:
        if now or time.monotonic() - self.saved > CHECKPOINT_SECONDS:
            partial = self.path.with_suffix(".partial")
            torch.save({name: stage.state() for name, stage in self.stages.items()}, partial)
            partial.replace(self.path)
            self.saved = time.monotonic()


def _learn_codec(spec: "Spec", lesson: Lesson, stage: Stage, told: _Told) -> None:
    network: Any = stage.network

    def losses(random: torch.Generator) -> dict[str, Tensor]:
        batch = _batch(lesson.pictures, *_drawn(lesson, max(2, spec.batch // 2), random))
        with diffusion_model.autocast(batch.device):
            mean, log_variance = network.encode(batch)
            noise = torch.randn(mean.shape, generator=random).to(mean.device)
            decoded = network.decode(mean + noise * (0.5 * log_variance).exp())
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)
        code = {"code loss": KL_WEIGHT * kl.sum((1, 2, 3)).mean()}
        return picture_losses(decoded, batch) | code

    first = lesson.pictures[:FILM_COLUMNS]
    told.learn(stage, "learning to code", losses, "codec", lambda: _coded(stage.average, first))


def _learn_detail(
    spec: "Spec", lesson: Lesson, codes: np.ndarray, stage: Stage, told: _Told
) -> None:
    """The decoder alone, on codes a little off, as a denoiser's are."""
    network: Any = stage.network
    device = diffusion_model.best_device()
    spread = torch.from_numpy(codes.std((0, 1, 3, 4))[:, None, None]).float().to(device)

    def losses(random: torch.Generator) -> dict[str, Tensor]:
        chosen, mirrored = _drawn(lesson, max(2, spec.batch // 2), random)
        exact = torch.from_numpy(codes[chosen, mirrored.astype(int)]).float().to(device)
        noise = torch.randn(exact.shape, generator=random).to(device)
        with diffusion_model.autocast(device):
            decoded = network.decode(exact + CODE_NOISE * spread * noise)
        return picture_losses(decoded, _batch(lesson.pictures, chosen, mirrored))

    first = lesson.pictures[:FILM_COLUMNS]
    told.learn(stage, "painting finer", losses, "detail", lambda: _coded(stage.average, first))


def picture_losses(decoded: diffusion_model.Decoded, batch: Tensor) -> dict[str, Tensor]:
    """What was painted wrong: picture, mask, and grain (Gaussian likelihood of what the picture
    leaves over). batch [B, 4, S, S] in 0…1: RGB and mask."""
    rgb, mask = batch[:, :3], batch[:, 3:]
    left = (rgb - decoded.rgb.detach()).mean(1, keepdim=True)
    grain = 0.5 * (left / decoded.grain) ** 2 + decoded.grain.log()
    return {
        "picture loss": networks.laplacian_loss(decoded.rgb, rgb, 1 + DEFECT_WEIGHT * mask),
        "mask loss": 0.3 * networks.mask_loss(decoded.mask.clamp(1e-4, 1 - 1e-4), mask),
        "grain loss": 0.01 * grain.mean(),
        "error": (decoded.rgb.detach() - rgb).abs().mean(),
    }


def _learn_denoiser(
    spec: "Spec", lesson: Lesson, codes: np.ndarray, codec: Stage, stage: Stage, told: _Told
) -> ImageDiffusion:
    device = diffusion_model.best_device()
    mean = torch.from_numpy(codes.mean((0, 1, 3, 4))[:, None, None]).float().to(device)
    deviation = torch.from_numpy(codes.std((0, 1, 3, 4))[:, None, None]).float().to(device)
    finished: Any = codec.average
    model = ImageDiffusion(finished, stage.average, lesson.classes, mean, deviation)
    labels = torch.from_numpy(lesson.labels)
    alphas = diffusion_model.signal_shares()

    def losses(random: torch.Generator) -> dict[str, Tensor]:
        chosen, mirrored = _drawn(lesson, spec.batch, random)
        clean = torch.from_numpy(codes[chosen, mirrored.astype(int)]).float().to(device)
        wanted = labels[chosen].clone()
        wanted[torch.rand(spec.batch, generator=random) < ANY_CLASS] = len(lesson.classes)
        noise = torch.randn(clean.shape, generator=random).to(device)
        # stratified time steps: each batch covers them all
        spread = (torch.arange(spec.batch) + torch.rand(spec.batch, generator=random)) / spec.batch
        steps = (spread * len(alphas)).long().clamp(max=len(alphas) - 1)
        scaled = (clean - mean) / deviation
        return denoising_losses(stage.network, scaled, noise, steps, wanted, alphas)

    told.learn(stage, "learning to denoise", losses, "samples", lambda: _sampled(model))
    return model


def denoising_losses(
    network: Any, clean: Tensor, noise: Tensor, steps: Tensor, labels: Tensor, alphas: Tensor
) -> dict[str, Tensor]:
    """Squared error of v, weighted by min-SNR (arXiv 2303.09556). clean, noise [B, C, H, W]."""
    signal = alphas[steps].to(clean.device)[:, None, None, None]
    noisy = signal.sqrt() * clean + (1 - signal).sqrt() * noise
    v = signal.sqrt() * noise - (1 - signal).sqrt() * clean
    with diffusion_model.autocast(clean.device):
        painted = network(noisy, steps.to(clean.device), labels.to(clean.device)).sample
    error = ((painted.float() - v) ** 2).mean((1, 2, 3))
    snr = (signal / (1 - signal).clamp(min=1e-6)).flatten()
    weight = snr.clamp(max=SNR_CAP) / (snr + 1)
    # at the noisiest steps the weight would vanish, yet they decide the scene
    return {"denoising loss": (weight.clamp(min=0.1) * error).mean(), "error": error.mean()}


def _some_steps(stage: Stage, losses: Any) -> dict[str, float]:
    """A few steps, or as many as the stage's time allows; their mean losses."""
    taken: list[dict[str, float]] = []
    while stage.done < 1 and len(taken) < REPORT_STEPS:
        taken.append(stage.learn(losses))
    return {name: float(np.mean([losses[name] for losses in taken])) for name in taken[0]}


def _drawn(lesson: Lesson, count: int, random: torch.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of pictures [B], and whether each is mirrored [B]."""
    chosen = torch.randint(len(lesson.pictures), (count,), generator=random)
    return chosen.numpy(), (torch.rand(count, generator=random) < 0.5).numpy()


def _batch(stack: np.ndarray, chosen: np.ndarray, mirrored: np.ndarray) -> Tensor:
    """Pictures [B, 4, S, S] in 0…1."""
    device = diffusion_model.best_device()
    batch = torch.from_numpy(stack[chosen]).to(device).permute(0, 3, 1, 2).float() / 255
    flip = torch.from_numpy(mirrored).to(device)[:, None, None, None]
    return torch.where(flip, batch.flip(3), batch)


@torch.inference_mode()
def encode_all(
    codec: Any, stack: np.ndarray, progress: Progress, at: float, chunk: int = 64
) -> np.ndarray:
    """Codes of all pictures and of their mirror images, float16 [N, 2, 12, 16, 16]."""
    found = []
    for start in range(0, len(stack), chunk):
        places = np.arange(start, min(start + chunk, len(stack)))
        views = [_batch(stack, places, np.full(len(places), flip)) for flip in (False, True)]
        with diffusion_model.autocast(views[0].device):
            both = [codec.encode(view)[0].float().cpu() for view in views]
        found.append(torch.stack(both, 1).numpy().astype(np.float16))
        progress(at, f"coding all pictures, {places[-1] + 1} of {len(stack)}")
    return np.concatenate(found)


class _Film:
    """A strip of pictures now and then, the same ones each time."""

    def __init__(self, out_dir: Path, name: str):
        self.folder = out_dir / "artifacts" / "film"
        self.name = name
        self.next = 0.0

    def is_due(self, done: float) -> bool:
        if done < self.next and done < 1:
            return False
        self.next = done + FILM_SHARE
        return True

    def write(self, tiles: list[np.ndarray], step: int) -> None:
        path = self.folder / f"{self.name}_{step:06d}.png"
        pictures.write(path, pictures.sheet(tiles, FILM_COLUMNS))


@torch.inference_mode()
def _coded(codec: Any, stack: np.ndarray) -> list[np.ndarray]:
    """Pictures, what their codes stand for, and the masks of those."""
    device = diffusion_model.best_device()
    batch = torch.from_numpy(stack).to(device).permute(0, 3, 1, 2).float() / 255
    with diffusion_model.autocast(device):
        decoded = codec.decode(codec.encode(batch)[0])
    views = (batch[:, :3], decoded.rgb.clamp(0, 1), decoded.mask.expand(-1, 3, -1, -1))
    shown = torch.cat([view.float().cpu() for view in views])
    return list((shown * 255).round().byte().permute(0, 2, 3, 1).numpy())


def _sampled(model: ImageDiffusion) -> list[np.ndarray]:
    """Two rows of samples from fixed seeds, then their masks."""
    names = [model.classes[k % len(model.classes)] for k in range(2 * FILM_COLUMNS)]
    made = model.sample(range(len(names)), names, FILM_STEPS)
    return [*made.images, *(np.repeat(mask[..., None], 3, 2) for mask in made.masks)]
