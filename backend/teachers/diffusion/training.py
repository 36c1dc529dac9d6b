"""How the small diffusion model learns (PyTorch): first to code pictures, then to denoise codes."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backend.core import runs
from backend.images import licences
from backend.images.film import Film
from backend.numeric import devices
from backend.numeric.learning import Checkpoint
from backend.numeric.losses import laplacian_loss, mask_loss
from backend.records import Progress
from backend.teachers.diffusion.data import Lesson, batch, drawn
from backend.teachers.diffusion.model import (
    SIZE,
    Codec,
    Decoded,
    ImageDiffusion,
    load_model,
    signal_shares,
    unet,
)
from backend.teachers.diffusion.spec import Result, Spec
from backend.teachers.diffusion.stage import Stage, Stages

KL_WEIGHT = 1e-6
DEFECT_WEIGHT = 20.0
CODE_NOISE = 0.1  # of the codes' deviation
SNR_CAP = 5.0
ANY_CLASS = 0.1
FILM_STEPS, FILM_COLUMNS = 20, 6
CHECKPOINT_SECONDS = 60.0


def train(spec: Spec, lesson: Lesson, out_dir: Path, progress: Progress) -> Result:
    """All three stages, then the model on disk; see `diffusion.run`."""
    torch.manual_seed(spec.seed)
    codec, detail, denoiser = _stages(spec, lesson, out_dir)
    stages = Stages({"codec": codec, "detail": detail, "denoiser": denoiser})
    checkpoint = Checkpoint(out_dir / "checkpoint" / "lesson.pt", CHECKPOINT_SECONDS, stages)
    told = _Told(spec, progress, out_dir, checkpoint)
    _learn_codec(spec, lesson, codec, told)
    detail.begin_with(codec.average.state_dict())
    codes = _codes(detail.average, lesson, out_dir, told)
    _learn_detail(spec, lesson, codes, detail, told)
    model = _learn_denoiser(spec, lesson, codes, detail, denoiser, told)
    steps = {"codec_steps": codec.step, "detail_steps": detail.step, "steps": denoiser.step}
    minutes = (codec.seconds + detail.seconds + denoiser.seconds) / 60
    card = {"size": SIZE, "images": len(lesson.pictures), "licence": licences.licence(out_dir)}
    card |= {"batch": spec.batch, "minutes": round(minutes, 1), **steps}
    megabytes = model.save(out_dir / "artifacts" / "model", card)
    progress(1.0, "done")
    return Result(
        images=len(lesson.pictures),
        classes=lesson.classes,
        codec_error=detail.error if detail.errors else codec.error,
        denoising_error=denoiser.error,
        megabytes=megabytes,
        minutes=minutes,
        **steps,
    )


def _stages(spec: Spec, lesson: Lesson, out_dir: Path) -> tuple[Stage, Stage, Stage]:
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


def _networks(spec: Spec, classes: tuple[str, ...], out_dir: Path) -> tuple[Codec, Any]:
    """Fresh networks, or trained ones with a place for each class of this set."""
    codec = Codec()
    denoiser: Any = unet(len(classes))
    if spec.start == "earlier run":
        start = load_model(runs.sibling(out_dir, spec.start_run) / "artifacts" / "model")
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

    spec: Spec
    progress: Progress
    out_dir: Path
    checkpoint: Checkpoint
    before: int = 0
    fraction: float = 0.02

    def learn(self, stage: Stage, words: str, losses: Any, film: str, strip: Any) -> None:
        """Steps of one stage until its time is over. strip(): pictures for the film."""
        frames = Film(self.out_dir, film, FILM_COLUMNS)
        share = 0.94 * stage.pace.seconds / (60 * self.spec.minutes)
        while stage.done < 1:
            metrics = stage.round(stage.some_steps(losses))
            self.checkpoint.keep()
            message = f"{words}, step {stage.step}, error {stage.error:.3f}"
            fraction = self.fraction + share * stage.done
            self.progress(fraction, message, step=self.before + stage.step, metrics=metrics)
            if frames.is_due(stage.done):
                frames.write(strip(), stage.step)
        self.fraction += share
        self.before += stage.step
        self.checkpoint.keep(now=True)


def _learn_codec(spec: Spec, lesson: Lesson, stage: Stage, told: _Told) -> None:
    network: Any = stage.network

    def losses(random: torch.Generator) -> dict[str, Tensor]:
        shown = batch(lesson.pictures, *drawn(lesson, max(2, spec.batch // 2), random))
        with devices.autocast(shown.device):
            mean, log_variance = network.encode(shown)
            noise = torch.randn(mean.shape, generator=random).to(mean.device)
            decoded = network.decode(mean + noise * (0.5 * log_variance).exp())
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)
        code = {"code loss": KL_WEIGHT * kl.sum((1, 2, 3)).mean()}
        return picture_losses(decoded, shown) | code

    first = lesson.pictures[:FILM_COLUMNS]
    told.learn(stage, "learning to code", losses, "codec", lambda: _coded(stage.average, first))


def _learn_detail(spec: Spec, lesson: Lesson, codes: np.ndarray, stage: Stage, told: _Told) -> None:
    """The decoder alone, on codes a little off, as a denoiser's are."""
    network: Any = stage.network
    device = devices.best()
    spread = moments(codes)[1].to(device)

    def losses(random: torch.Generator) -> dict[str, Tensor]:
        chosen, mirrored = drawn(lesson, max(2, spec.batch // 2), random)
        exact = torch.from_numpy(codes[chosen, mirrored.astype(int)]).float().to(device)
        noise = torch.randn(exact.shape, generator=random).to(device)
        with devices.autocast(device):
            decoded = network.decode(exact + CODE_NOISE * spread * noise)
        return picture_losses(decoded, batch(lesson.pictures, chosen, mirrored))

    first = lesson.pictures[:FILM_COLUMNS]
    told.learn(stage, "painting finer", losses, "detail", lambda: _coded(stage.average, first))


def picture_losses(decoded: Decoded, batch: Tensor) -> dict[str, Tensor]:
    """What was painted wrong: picture, mask, and grain (Gaussian likelihood of what the picture
    leaves over outside of defects). batch [B, 4, S, S] in 0…1: RGB and mask."""
    rgb, mask = batch[:, :3], batch[:, 3:]
    left = (rgb - decoded.rgb.detach()).mean(1, keepdim=True)
    grain = 0.5 * (left / decoded.grain) ** 2 + decoded.grain.log()
    return {
        "picture loss": laplacian_loss(decoded.rgb, rgb, 1 + DEFECT_WEIGHT * mask),
        "mask loss": 0.3 * mask_loss(decoded.mask.clamp(1e-4, 1 - 1e-4), mask),
        "grain loss": 0.01 * (grain * (1 - mask)).mean(),
        "error": (decoded.rgb.detach() - rgb).abs().mean(),
    }


def _learn_denoiser(
    spec: Spec, lesson: Lesson, codes: np.ndarray, codec: Stage, stage: Stage, told: _Told
) -> ImageDiffusion:
    device = devices.best()
    mean, deviation = (value.to(device) for value in moments(codes))
    finished: Any = codec.average
    model = ImageDiffusion(finished, stage.average, lesson.classes, mean, deviation)
    labels = torch.from_numpy(lesson.labels)
    alphas = signal_shares()

    def losses(random: torch.Generator) -> dict[str, Tensor]:
        chosen, mirrored = drawn(lesson, spec.batch, random)
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
    with devices.autocast(clean.device):
        painted = network(noisy, steps.to(clean.device), labels.to(clean.device)).sample
    error = ((painted.float() - v) ** 2).mean((1, 2, 3))
    snr = (signal / (1 - signal).clamp(min=1e-6)).flatten()
    weight = snr.clamp(max=SNR_CAP) / (snr + 1)
    # at the noisiest steps the weight would vanish, yet they decide the scene
    return {"denoising loss": (weight.clamp(min=0.1) * error).mean(), "error": error.mean()}


def _codes(codec: Any, lesson: Lesson, out_dir: Path, told: _Told) -> np.ndarray:
    """Codes of all pictures; made once, also where the training is stopped and resumed."""
    path = out_dir / "checkpoint" / "codes.npy"
    if not path.exists():
        made = encode_all(codec, lesson.pictures, told.progress, told.fraction)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, made)
        partial.replace(path)
    return np.load(path, allow_pickle=False)


def moments(codes: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel of codes [N, 2, C, H, W], float32 [C, 1, 1].

    Summed in double precision: half precision, in which codes are kept, overflows.
    """
    count = codes.size / codes.shape[2]
    mean = codes.sum((0, 1, 3, 4), dtype=np.float64) / count
    square = sum(np.square(part, dtype=np.float64).sum((0, 2, 3)) for part in codes) / count
    deviation = np.sqrt(square - mean**2)
    return _column(mean), _column(deviation)


def _column(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values).float()[:, None, None]


@torch.inference_mode()
def encode_all(
    codec: Any, stack: np.ndarray, progress: Progress, at: float, chunk: int = 64
) -> np.ndarray:
    """Codes of all pictures and of their mirror images, float16 [N, 2, 12, 16, 16]."""
    found = []
    for start in range(0, len(stack), chunk):
        places = np.arange(start, min(start + chunk, len(stack)))
        views = [batch(stack, places, np.full(len(places), flip)) for flip in (False, True)]
        with devices.autocast(views[0].device):
            both = [codec.encode(view)[0].float().cpu() for view in views]
        found.append(torch.stack(both, 1).numpy().astype(np.float16))
        progress(at, f"coding all pictures, {places[-1] + 1} of {len(stack)}")
    return np.concatenate(found)


@torch.inference_mode()
def _coded(codec: Any, stack: np.ndarray) -> list[np.ndarray]:
    """Pictures, what their codes stand for, and the masks of those."""
    shown = batch(stack, np.arange(len(stack)), np.zeros(len(stack), bool))
    with devices.autocast(shown.device):
        decoded = codec.decode(codec.encode(shown)[0])
    views = (shown[:, :3], decoded.rgb.clamp(0, 1), decoded.mask.expand(-1, 3, -1, -1))
    tiles = torch.cat([view.float().cpu() for view in views])
    return list((tiles * 255).round().byte().permute(0, 2, 3, 1).numpy())


def _sampled(model: ImageDiffusion) -> list[np.ndarray]:
    """Two rows of samples from fixed seeds, then their masks."""
    names = [model.classes[k % len(model.classes)] for k in range(2 * FILM_COLUMNS)]
    made = model.sample(range(len(names)), names, FILM_STEPS)
    return [*made.images, *(np.repeat(mask[..., None], 3, 2) for mask in made.masks)]
