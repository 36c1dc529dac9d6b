"""Paint with a distilled student through ONNX Runtime: no PyTorch needed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backend.records import UserError
from backend.synthesis.distilling import light, noise
from backend.synthesis.vocabulary import VARIATION

FILES = {"fp32": "student.onnx", "int8": "student_int8.onnx"}
CELL = 8  # px of a picture for which one code stands
EMPTY = 0.6  # codes this near to the code of nothing show no defect
UNNAMED = "defect"  # the class of samples of a student that knows none


class Sampler:
    """A finished student. Raises UserError where its files are missing or damaged.

    latents [N, D] learned for the teacher images `train_rows` [N] (places in `teacher.load`): the
    first `scene_dim` entries are the scene and its light, the others the defect. labels [N]: their
    main class, a place in `classes`. held_latents, held_rows: the same for images it did not learn
    from.

    student_run: a run of the kind distill or student-export; precision: fp32 or int8, of which
    only an export holds the second.
    """

    def __init__(self, student_run: Path, threads: int = 1, precision: str = "fp32"):
        from backend.onnx_session import open_session

        folder = student_run / "artifacts"
        if precision == "int8" and not (folder / FILES["int8"]).exists():
            raise UserError("This student has no INT8 file. Make one on the page Student export.")
        try:
            card = json.loads((folder / "student.json").read_text())
            with np.load(folder / "latents.npz", allow_pickle=False) as stored:
                self.latents = stored["latents"].astype(np.float32)
                self.by_brightness = np.argsort(stored["brightness"])
                count = len(stored["brightness"])
                self.train_rows = _stored(stored, "rows", np.arange(count))
                self.held_rows = _stored(stored, "held_rows", np.arange(0))
                self.held_latents = _stored(stored, "held_latents", self.latents[:0])
                self.nothing = _stored(stored, "nothing", np.zeros(0))
                self.light = _stored(stored, "light", np.zeros((0, light.SIZE), np.float32))
                self.labels = _stored(stored, "labels", np.zeros(count, np.int64))
            self.session = open_session(folder / FILES[precision], threads)
        except Exception as error:
            raise UserError(f"The student in {folder} cannot be read. Distil it again.") from error
        self.size: int = card["size"]
        self.latent_dim: int = card["latent_dim"]
        self.scene_dim = (self.latent_dim + (light.SIZE if len(self.light) else 0)) // 2
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

        With learned latents: a scene in the light of another, the defect of a third at a place
        where the whole of it fits, all about as bright; of the images of a class where one is
        named. variation: how far the light goes the way to the other's; 0: the scene's own, and
        the defect stays at its place. Else noise, and the class as one of K where the student
        takes one. Raises UserError for a class that the student does not know.
        """
        pool = self._pool(class_name)
        if self.noise_shape:
            return self._noise_of(random, class_name or str(random.choice(self.classes)))
        if not len(self.latents):
            z = random.standard_normal(self.latent_dim).astype(np.float32)
            return z, self.classes[0] if len(self.classes) == 1 else UNNAMED
        rank = int(random.integers(len(pool)))
        scene, defect, lit = int(pool[rank]), *(_near(pool, rank, random) for _ in range(2))
        z = self.latents[scene].copy()
        z[self.scene_dim :] = self._moved(self.latents[defect][self.scene_dim :], random, variation)
        if len(self.light):
            shown = light.change(self.light[scene], self.light[lit], variation)
            z[self.scene_dim - light.SIZE : self.scene_dim] = shown
        return z, self.classes[self.labels[defect]] if self.classes else UNNAMED

    def _moved(
        self, defect: np.ndarray, random: np.random.Generator, variation: float
    ) -> np.ndarray:
        """A defect's codes elsewhere in the image, with nothing of it cut off; one that fills the
        image stays. Students of earlier versions have one code for the whole image, which stays."""
        if not len(self.nothing) or not variation:
            return defect
        grid = self.size // CELL
        codes = defect.reshape(-1, grid, grid)
        moved = np.broadcast_to(self.nothing[:, None, None], codes.shape).copy()
        shown = np.abs(codes - moved).max(0) > EMPTY
        if not shown.any():
            return defect
        ends = [np.flatnonzero(shown.any(axis))[[0, -1]] for axis in (1, 0)]
        target, source = [], []
        for first, last in ends:
            to = int(random.integers(grid - last + first))
            target.append(slice(to, to + last - first + 1))
            source.append(slice(first, last + 1))
        moved[:, *target] = codes[:, *source]
        return moved.ravel()

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
        pixels = np.concatenate(made).transpose(0, 2, 3, 1)
        masks = pixels[..., 3] if self.paints_mask else np.zeros(pixels.shape[:3], np.float32)
        images = pixels[..., :3]
        if random is not None and self.octaves:
            drawn = np.stack([noise.drawn(one, self.size)[: self.octaves] for one in random])
            strengths = pixels[..., 4 : 4 + self.octaves]
            images = (images + np.einsum("nhwo,nohwc->nhwc", strengths, drawn)).clip(0, 1)
        return (images * 255).round().astype(np.uint8), masks

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
        for k, random in enumerate(randoms):
            turns, mirrored = int(random.integers(4)), bool(random.integers(2))
            images[k], masks[k] = (_turned(x, turns, mirrored) for x in (images[k], masks[k]))
        return images, masks, [name for _, name in drawn]


def _near(pool: np.ndarray, rank: int, random: np.random.Generator) -> int:
    """An image of the pool whose scene is about as bright as the one at `rank`."""
    reach = light.reach(len(pool))
    other = rank + int(random.integers(-reach, reach + 1))
    return int(pool[min(max(other, 0), len(pool) - 1)])


def _stored(stored: Any, name: str, otherwise: np.ndarray) -> np.ndarray:
    """An array of latents.npz; students of earlier versions lack some."""
    return np.asarray(stored[name]) if name in stored.files else otherwise


def _turned(pixels: np.ndarray, quarter_turns: int, mirrored: bool) -> np.ndarray:
    turned = np.rot90(pixels, quarter_turns)
    return turned[:, ::-1] if mirrored else turned
