"""A diffusion teacher that learned nothing: the real networks with random weights, as a run."""

from pathlib import Path

import torch

from backend.core import runs
from backend.core.runs import Run
from backend.records import RunState
from backend.teachers.diffusion.model import LATENT_CHANNELS, Codec, ImageDiffusion, unet

CLASSES = ("intact", "bubble", "chip", "crack", "inclusion", "scratch")


def make(folder: Path, classes: tuple[str, ...] = CLASSES) -> Run:
    """A finished run of the kind diffusion among the runs in `folder`."""
    run = runs.create(folder, "diffusion", {})
    torch.manual_seed(0)
    spread = torch.ones(LATENT_CHANNELS, 1, 1)
    model = ImageDiffusion(Codec(), unet(len(classes)), classes, torch.zeros_like(spread), spread)
    model.save(run.folder / "artifacts" / "model", {})
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return run
