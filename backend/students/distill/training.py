"""Teaching a student (PyTorch): rounds, the best weights so far, checkpoints, what is kept."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from backend.images import resuming
from backend.images.film import Film
from backend.images.kid import features, kid
from backend.numeric.learning import Checkpoint, State
from backend.records import Progress
from backend.settings import settings
from backend.students.distill import data
from backend.students.distill.data import Material
from backend.students.distill.learned_student import LearnedLatents, Sharp
from backend.students.distill.recipes import FILM_COLUMNS, Paper, Recipe
from backend.students.distill.spec import Spec

CHECKPOINT_SECONDS = 20.0
JUDGED_EVERY = 0.1  # of the lesson, in its second half
JUDGED_IMAGES = 128


def recipe(spec: Spec, source: Path, everything: Material, out_dir: Path) -> Recipe:
    """The recipe of a preset, with the images it learns from and those it does not see."""
    if spec.preset == "pairs":
        from backend.students.distill.pair_student import Pairs  # diffusers: seconds to import

        return Pairs(spec, source, everything, out_dir / "checkpoint" / "pairs.npz")
    if spec.preset == "paper":
        return Paper(spec, *data.divided(everything, 0.0, spec.seed))
    kind = Sharp if spec.preset == "sharp" else LearnedLatents
    return kind(spec, *data.divided(everything, spec.held_share, spec.seed), settings().weights)


class Best:
    """The weights whose samples were nearest to the teacher's images (KID), in the second half."""

    def __init__(self, recipe: Recipe):
        self.recipe, self.patience = recipe, recipe.spec.patience
        self.kid: float | None = None
        self.best: State | None = None
        self.worse, self.next = 0, 0.5
        if recipe.chooses:
            last = len(recipe.learned) - 1
            chosen = torch.linspace(0, last, JUDGED_IMAGES).long().unique().numpy()
            self.real = features(recipe.learned.images[chosen])

    @property
    def is_enough(self) -> bool:
        """Early stop: so many judgements in a row were no better."""
        return 0 < self.patience <= self.worse

    def judge(self) -> dict[str, float]:
        """The KID of fresh samples when it is due, drawn by the same seeds each time; keeps the
        weights where it is the lowest."""
        done = self.recipe.training.done
        if not self.recipe.chooses or (done < self.next and done < 1):
            return {}
        self.next = done + JUDGED_EVERY
        seeds = [[self.recipe.spec.seed, k] for k in range(JUDGED_IMAGES)]
        samples = self.recipe.sample([np.random.default_rng(seed) for seed in seeds])
        found = kid(features(samples), self.real)
        self.worse += 1
        if self.kid is None or found < self.kid:
            self.kid, self.worse = found, 0
            self.best = copy.deepcopy(self.recipe.pictured())
        return {"KID of samples": found}

    def put_back(self) -> None:
        if self.best is not None:
            self.recipe.put_back(self.best)

    def state(self) -> State:
        told = {name: getattr(self, name) for name in ("kid", "best", "worse", "next")}
        return {"lesson": self.recipe.state()} | told

    def restore(self, state: State) -> None:
        """Earlier versions kept of `pairs` the lesson alone."""
        self.recipe.restore(state.get("lesson", state))
        for name in {"kid", "best", "worse", "next"} & state.keys():
            setattr(self, name, state[name])


def teach(recipe: Recipe, out_dir: Path, progress: Progress) -> tuple[float | None, str]:
    """Teach a student, from `checkpoint/lesson.pt` on where there is one and the images that it
    learns from are the same. Returns the KID of its samples where that chose the weights, and why
    it ended, as `Result.ended` says it."""
    images = resuming.version((recipe.learned.version, recipe.held.version))
    if len(recipe.learned) and resuming.begins_again(out_dir, images):
        progress(0.0, resuming.WORDS)
    training, best, film = recipe.training, Best(recipe), Film(out_dir, "epoch", FILM_COLUMNS)
    file = out_dir / "checkpoint" / "lesson.pt"
    checkpoint = Checkpoint(file, CHECKPOINT_SECONDS, best)
    while training.done < 1 and not best.is_enough:
        metrics = training.round(recipe.losses())
        recipe.loss = metrics["loss"]
        step, words = recipe.told()
        with training.counted():
            metrics |= best.judge()
            if film.is_due(training.done):
                film.write(_strip(recipe), step)
        checkpoint.keep()
        progress(0.9 * training.done, words, step=step, metrics=metrics)
    ended = "patience" if best.is_enough else "time" if training.is_cut_short else "epochs"
    best.judge()
    best.put_back()
    return best.kid, ended


@torch.no_grad()
def _strip(recipe: Recipe) -> list[np.ndarray]:
    shown = (recipe.film()[:, :3].clamp(0, 1) * 255).round().byte()
    return list(shown.permute(0, 2, 3, 1).cpu().numpy())


def save(recipe: Recipe, folder: Path, progress: Progress) -> float:
    """Write student.onnx and what `save_weights` does. Returns the ONNX file's MB."""
    return write_onnx(save_weights(recipe, folder, progress), folder / "student.onnx")


def save_weights(recipe: Recipe, folder: Path, progress: Progress) -> torch.nn.Module:
    """Write student.safetensors, latents.npz and student.json. Returns the network."""
    np.savez(folder / "latents.npz", **recipe.arrays(progress))  # type: ignore[arg-type]
    network: torch.nn.Module = (
        recipe.training.average.cpu().eval().to(memory_format=torch.contiguous_format)
    )
    save_file(network.state_dict(), folder / "student.safetensors")
    (folder / "student.json").write_text(json.dumps(recipe.card(), indent=1) + "\n")
    return network


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
