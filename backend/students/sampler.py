"""Paint with a distilled student through ONNX Runtime: no PyTorch needed."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backend.images.vocabulary import VARIATION
from backend.records import UserError
from backend.students import drawing

FILES = {  # by precision: the network's file, in a student's run and in a package
    "fp32": ("student.onnx", "model.onnx"),
    "int8": ("student_int8.onnx", "model_int8.onnx"),
}


def folder_of(student_run: Path) -> Path:
    """Where a run of the kind distill or package holds a student's files."""
    packed = student_run / "artifacts" / "package"
    return packed if packed.is_dir() else student_run / "artifacts"


def network_file(folder: Path, precision: str = "fp32") -> Path | None:
    """The network in a folder of a student's files, None where it is not there."""
    return next((folder / name for name in FILES[precision] if (folder / name).is_file()), None)


@dataclass(frozen=True)
class Noted:
    """Which teacher images latents stand for: names [N] and hashes [N] as in `generate.job.Loaded`.

    rows [N]: what students of earlier versions have instead, places in the teacher run as it was.
    """

    names: np.ndarray
    hashes: np.ndarray
    rows: np.ndarray = field(default_factory=lambda: np.arange(0))

    def __len__(self) -> int:
        return max(len(self.names), len(self.rows))


class Sampler:
    """A finished student. Raises UserError where its files are missing or damaged.

    rule: by which its samples are drawn. latents [N, D] learned for the teacher images that
    `trained` notes, where it learned any: the first `scene_dim` entries are the scene and its
    light, the others the defect. held_latents, held: the same for images it did not learn from.

    student_run: a run of the kind distill or package; precision: fp32 or int8, of which only a
    package holds the second.
    """

    def __init__(self, student_run: Path, threads: int = 1, precision: str = "fp32"):
        from backend.numeric.onnx_session import open_session

        folder = folder_of(student_run)
        network = network_file(folder, precision)
        if precision == "int8" and network is None:
            raise UserError("This student has no INT8 file. Make one on the page Package.")
        try:
            card = json.loads((folder / "student.json").read_text())
            self.size: int = card["size"]
            self.latent_dim: int = card["latent_dim"]
            self.paints_mask: bool = card["mask"]
            self.octaves: int = card.get("octaves", 0)
            self.classes: tuple[str, ...] = tuple(card.get("classes", ()))
            with np.load(folder / "latents.npz", allow_pickle=False) as stored:
                nothing = np.zeros((0, self.latent_dim), np.float32)
                self.latents = _stored(stored, "latents", nothing).astype(np.float32)
                self.held_latents = _stored(stored, "held_latents", nothing)
                self.trained = _noted(stored, "", np.arange(len(stored["brightness"])))
                self.held = _noted(stored, "held_", np.arange(0))
                self.rule = self._rule(card, stored)
            self.session = open_session(network or folder / FILES[precision][0], threads)
        except Exception as error:
            raise UserError(f"The student in {folder} cannot be read. Distil it again.") from error
        self.scene_dim = self.latent_dim // 2
        if isinstance(self.rule, drawing.Learned):
            self.scene_dim = self.rule.scene_dim
        self.known_classes = self.rule.known

    def _rule(self, card: dict[str, Any], stored: Any) -> drawing.Rule:
        if "noise_shape" in card:
            return drawing.Noise(math.prod(card["noise_shape"]), self.classes)
        if not len(self.latents):
            return drawing.AnyLatent(self.latent_dim, self.classes)
        count = len(self.latents)
        return drawing.Learned(
            self.latents,
            nothing=_stored(stored, "nothing", np.zeros(0)),
            by_brightness=np.argsort(stored["brightness"]),
            lights=_stored(stored, "light", np.zeros((count, 0), np.float32)),
            labels=_stored(stored, "labels", np.zeros(count, np.int64)),
            classes=self.classes,
        )

    def draw(
        self, random: np.random.Generator, variation: float = VARIATION, class_name: str = ""
    ) -> np.ndarray:
        """The latent [D] of one sample; see `draw_named`."""
        return self.draw_named(random, variation, class_name)[0]

    def draw_named(
        self, random: np.random.Generator, variation: float = VARIATION, class_name: str = ""
    ) -> drawing.Named:
        """The latent [D] of one sample and the class of its defect, by the student's rule. Raises
        UserError for a class that cannot be asked for."""
        if class_name and class_name not in self.known_classes:
            known = ", ".join(self.known_classes) or "none"
            raise UserError(f"This student knows no class '{class_name}'. Known are: {known}.")
        return self.rule.draw(random, variation, class_name)

    def mix(self, first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
        """The latent [D] on the way from one to another: 0 is the first, 1 the second. Its length
        lies between theirs, so that the picture between them is no paler."""
        mixed = (1 - share) * first + share * second
        length = (1 - share) * np.linalg.norm(first) + share * np.linalg.norm(second)
        return (mixed * length / max(float(np.linalg.norm(mixed)), 1e-6)).astype(np.float32)

    def paint(
        self,
        latents: np.ndarray,
        batch: int = 16,
        random: Sequence[np.random.Generator] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """latents [N, D] → images uint8 [N, S, S, 3] and defect probability float32 [N, S, S].

        random: a generator an image, of which the camera's noise is drawn, where the student
        learned its strength; None: clean images. A student that paints no mask gives zeros.
        """
        return drawing.finished(self._painted(latents, batch), self.octaves, random)

    def _painted(self, latents: np.ndarray, batch: int = 16) -> np.ndarray:
        made = [
            self.session.run(None, {"z": latents[k : k + batch].astype(np.float32)})[0]
            for k in range(0, len(latents), batch)
        ]
        return np.concatenate(made)

    def sample(
        self, seeds: list[int], variation: float = VARIATION, class_name: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        """One image a seed and its mask; see `drawing.sampled`."""
        images, masks, _ = self.sample_named(seeds, variation, class_name)
        return images, masks

    def sample_named(
        self, seeds: list[int], variation: float = VARIATION, class_name: str = ""
    ) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """As `sample`, and the class of each image's defect."""

        def draw(random: np.random.Generator) -> drawing.Named:
            return self.draw_named(random, variation, class_name)

        randoms = [np.random.default_rng(seed) for seed in seeds]
        return drawing.sampled(draw, self._painted, self.octaves, randoms)


def _stored(stored: Any, name: str, otherwise: np.ndarray) -> np.ndarray:
    """An array of latents.npz; students of earlier versions lack some."""
    return np.asarray(stored[name]) if name in stored.files else otherwise


def _noted(stored: Any, prefix: str, rows: np.ndarray) -> Noted:
    if f"{prefix}names" in stored.files:
        return Noted(stored[f"{prefix}names"], stored[f"{prefix}hashes"])
    none = np.array([], str)
    return Noted(none, none, _stored(stored, f"{prefix}rows", rows))
