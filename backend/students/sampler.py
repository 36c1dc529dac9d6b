"""Paint with a distilled student through ONNX Runtime: no PyTorch needed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backend.images.vocabulary import VARIATION
from backend.records import UserError
from backend.students import drawing, lighting

FILES = {"fp32": "student.onnx", "int8": "student_int8.onnx"}
UNNAMED = "defect"  # the class of samples of a student that knows none


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

    latents [N, D] learned for the teacher images that `trained` notes: the first `scene_dim`
    entries are the scene and its light, the others the defect. labels [N]: their main class, a
    place in `classes`. held_latents, held: the same for images it did not learn from.

    student_run: a run of the kind distill or student-export; precision: fp32 or int8, of which
    only an export holds the second.
    """

    def __init__(self, student_run: Path, threads: int = 1, precision: str = "fp32"):
        from backend.numeric.onnx_session import open_session

        folder = student_run / "artifacts"
        if precision == "int8" and not (folder / FILES["int8"]).exists():
            raise UserError("This student has no INT8 file. Make one on the page Student export.")
        try:
            card = json.loads((folder / "student.json").read_text())
            with np.load(folder / "latents.npz", allow_pickle=False) as stored:
                self.latents = stored["latents"].astype(np.float32)
                self.by_brightness = np.argsort(stored["brightness"])
                count = len(stored["brightness"])
                self.trained = _noted(stored, "", np.arange(count))
                self.held = _noted(stored, "held_", np.arange(0))
                self.held_latents = _stored(stored, "held_latents", self.latents[:0])
                self.nothing = _stored(stored, "nothing", np.zeros(0))
                self.light = _stored(stored, "light", np.zeros((0, lighting.SIZE), np.float32))
                self.labels = _stored(stored, "labels", np.zeros(count, np.int64))
            self.session = open_session(folder / FILES[precision], threads)
        except Exception as error:
            raise UserError(f"The student in {folder} cannot be read. Distil it again.") from error
        self.size: int = card["size"]
        self.latent_dim: int = card["latent_dim"]
        self.scene_dim = (self.latent_dim + (lighting.SIZE if len(self.light) else 0)) // 2
        self.paints_mask: bool = card["mask"]
        self.octaves: int = card.get("octaves", 0)
        self.classes: tuple[str, ...] = tuple(card.get("classes", ()))
        self.preset: str = card.get("preset", "")
        self.noise_shape: tuple[int, ...] = tuple(card.get("noise_shape", ()))

    def draw(
        self, random: np.random.Generator, variation: float = VARIATION, class_name: str = ""
    ) -> np.ndarray:
        """The latent [D] of one sample; see `draw_named`."""
        return self.draw_named(random, variation, class_name)[0]

    def draw_named(
        self, random: np.random.Generator, variation: float = VARIATION, class_name: str = ""
    ) -> tuple[np.ndarray, str]:
        """The latent [D] of one sample, and the class of its defect.

        With learned latents: by the rule of `drawing`, of the images of a class where one is named.
        variation: how far the light goes the way to the other's; 0: the scene's own, and the
        defect stays at its place. Else noise, and the class as one of K where the student
        takes one. Raises UserError for a class that the student does not know.
        """
        pool = self._pool(class_name)
        if self.noise_shape:
            return self._noise_of(random, class_name or str(random.choice(self.classes)))
        if not len(self.latents):
            z = random.standard_normal(self.latent_dim).astype(np.float32)
            return z, self.classes[0] if len(self.classes) == 1 else UNNAMED
        stock = self._stock
        pick = stock.pick(random, variation, pool)
        z = self.latents[pick.scene].copy()
        z[self.scene_dim :] = drawing.moved(stock.defects[pick.defect], self.nothing, pick.shift)
        if len(self.light):
            z[self.scene_dim - lighting.SIZE : self.scene_dim] = stock.shown(pick, variation)
        return z, self.classes[self.labels[pick.defect]] if self.classes else UNNAMED

    @property
    def _stock(self) -> drawing.Stock:
        defects = self.latents[:, self.scene_dim :]
        return drawing.Stock(defects, self.nothing, self.by_brightness, self.light)

    def _noise_of(self, random: np.random.Generator, class_name: str) -> tuple[np.ndarray, str]:
        """Starting noise and the class as one of K [D], for a student of the recipe `pairs`."""
        noise = random.standard_normal(int(np.prod(self.noise_shape)), np.float32)
        chosen = np.array([class_name == name for name in self.classes], np.float32)
        return np.concatenate([noise, chosen]), class_name

    def _pool(self, class_name: str) -> np.ndarray:
        """Places of the images to draw from, the darkest scene first."""
        if not class_name:
            return self.by_brightness
        if class_name not in self.known_classes:
            known = ", ".join(self.known_classes) or "none"
            raise UserError(f"This student knows no class '{class_name}'. Known are: {known}.")
        if self.noise_shape:
            return self.by_brightness
        wanted = self.classes.index(class_name)
        return self.by_brightness[self.labels[self.by_brightness] == wanted]

    @property
    def known_classes(self) -> tuple[str, ...]:
        """The classes that can be asked for: those of the images with a learned latent."""
        if self.noise_shape:
            return self.classes
        if not len(self.latents):
            return ()
        return tuple(self.classes[k] for k in np.unique(self.labels) if k < len(self.classes))

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
        made = [
            self.session.run(None, {"z": latents[k : k + batch].astype(np.float32)})[0]
            for k in range(0, len(latents), batch)
        ]
        return drawing.finished(np.concatenate(made), self.octaves, random)

    def sample(
        self, seeds: list[int], variation: float = VARIATION, class_name: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        """One image a seed, turned and mirrored at random; see `draw` and `paint`."""
        images, masks, _ = self.sample_named(seeds, variation, class_name)
        return images, masks

    def sample_named(
        self, seeds: list[int], variation: float = VARIATION, class_name: str = ""
    ) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """As `sample`, and the class of each image's defect."""
        randoms = [np.random.default_rng(seed) for seed in seeds]
        drawn = [self.draw_named(r, variation, class_name) for r in randoms]
        images, masks = self.paint(np.stack([latent for latent, _ in drawn]), random=randoms)
        drawing.turn(images, masks, randoms)
        return images, masks, [name for _, name in drawn]


def _stored(stored: Any, name: str, otherwise: np.ndarray) -> np.ndarray:
    """An array of latents.npz; students of earlier versions lack some."""
    return np.asarray(stored[name]) if name in stored.files else otherwise


def _noted(stored: Any, prefix: str, rows: np.ndarray) -> Noted:
    if f"{prefix}names" in stored.files:
        return Noted(stored[f"{prefix}names"], stored[f"{prefix}hashes"])
    none = np.array([], str)
    return Noted(none, none, _stored(stored, f"{prefix}rows", rows))
