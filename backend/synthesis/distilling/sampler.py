"""Paint with a distilled student through ONNX Runtime: no PyTorch needed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backend.records import UserError
from backend.synthesis.distilling import noise

FILES = {"fp32": "student.onnx", "int8": "student_int8.onnx"}
CELL = 8  # px of a picture for which one code stands
UNNAMED = "defect"  # the class of samples of a student that knows none


class Sampler:
    """A finished student. Raises UserError where its files are missing or damaged.

    latents [N, D] learned for the teacher images `train_rows` [N] (places in `teacher.load`);
    labels [N]: their main class, a place in `classes`. held_latents, held_rows: the same for
    images it did not learn from.

    student_run: a run of the kind distill or student-export; precision: fp32 or int8, of which
    only an export holds the second.
    """

    def __init__(self, student_run: Path, threads: int = 1, precision: str = "fp32"):
        import onnxruntime

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
                self.labels = _stored(stored, "labels", np.zeros(count, np.int64))
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self.session = onnxruntime.InferenceSession(
                str(folder / FILES[precision]), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise UserError(f"The student in {folder} cannot be read. Distil it again.") from error
        self.size: int = card["size"]
        self.latent_dim: int = card["latent_dim"]
        self.paints_mask: bool = card["mask"]
        self.octaves: int = card.get("octaves", 0)
        self.classes: tuple[str, ...] = tuple(card.get("classes", ()))
        self.preset: str = card.get("preset", "")
        self.noise_shape: tuple[int, ...] = tuple(card.get("noise_shape", ()))

    def draw(
        self, random: np.random.Generator, variation: float = 0.7, class_name: str = ""
    ) -> np.ndarray:
        """The latent [D] of one sample; see `draw_named`."""
        return self.draw_named(random, variation, class_name)[0]

    def draw_named(
        self, random: np.random.Generator, variation: float = 0.7, class_name: str = ""
    ) -> tuple[np.ndarray, str]:
        """The latent [D] of one sample, and the class of its defect.

        With learned latents: a scene, mixed with a second one of like brightness by up to half of
        `variation`, and the defect of a third; of the images of a class where one is named. Else
        noise, and the class as one of K where the student takes one. Raises UserError for a class
        that the student does not know.
        """
        pool = self._pool(class_name)
        if self.noise_shape:
            return self._noise_of(random, class_name or str(random.choice(self.classes)))
        if not len(self.latents):
            z = random.standard_normal(self.latent_dim).astype(np.float32)
            return z, self.classes[0] if len(self.classes) == 1 else UNNAMED
        rank = int(random.integers(len(pool)))
        places = [_near(pool, rank, random, divisor) for divisor in (0, 12, 6)]
        half = self.latent_dim // 2
        scene, second = (self.latents[place][:half] for place in places[:2])
        defect = self._moved(self.latents[places[2]][half:], random, variation)
        share = random.random() ** 2 * variation / 2
        mixed = (1 - share) * scene + share * second  # as a reflection in glass adds up
        drawn = np.concatenate([mixed, defect]).astype(np.float32)
        return drawn, self.classes[self.labels[places[2]]] if self.classes else UNNAMED

    def _moved(
        self, defect: np.ndarray, random: np.random.Generator, variation: float
    ) -> np.ndarray:
        """A defect's codes elsewhere in the image: by up to a third of it, and half of the time.
        Students of earlier versions have one code for the whole image, which stays."""
        if not len(self.nothing):
            return defect
        grid = self.size // CELL
        reach = round(variation * grid / 3)
        x, y = random.integers(-reach, reach + 1, 2) if random.random() < 0.5 else (0, 0)
        codes = defect.reshape(-1, grid, grid)
        filled = np.broadcast_to(self.nothing[:, None, None], codes.shape).copy()
        rows, columns = (slice(max(0, d), grid + min(0, d)) for d in (y, x))
        from_rows, from_columns = (slice(max(0, -d), grid - max(0, d)) for d in (y, x))
        filled[:, rows, columns] = codes[:, from_rows, from_columns]
        return filled.ravel()

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
        self, seeds: list[int], variation: float = 0.7, class_name: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        """One image a seed, turned and mirrored at random; see `draw` and `paint`."""
        images, masks, _ = self.sample_named(seeds, variation, class_name)
        return images, masks

    def sample_named(
        self, seeds: list[int], variation: float = 0.7, class_name: str = ""
    ) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """As `sample`, and the class of each image's defect."""
        randoms = [np.random.default_rng(seed) for seed in seeds]
        drawn = [self.draw_named(r, variation, class_name) for r in randoms]
        images, masks = self.paint(np.stack([latent for latent, _ in drawn]), random=randoms)
        for k, random in enumerate(randoms):
            turns, mirrored = int(random.integers(4)), bool(random.integers(2))
            images[k], masks[k] = (_turned(x, turns, mirrored) for x in (images[k], masks[k]))
        return images, masks, [name for _, name in drawn]


def _near(pool: np.ndarray, rank: int, random: np.random.Generator, divisor: int) -> int:
    """An image of the pool whose scene is about as bright as the one at `rank`; 0: that one."""
    if not divisor:
        return int(pool[rank])
    reach = max(1, len(pool) // divisor)
    other = rank + int(random.integers(-reach, reach + 1))
    return int(pool[min(max(other, 0), len(pool) - 1)])


def _stored(stored: Any, name: str, otherwise: np.ndarray) -> np.ndarray:
    """An array of latents.npz; students of earlier versions lack some."""
    return np.asarray(stored[name]) if name in stored.files else otherwise


def _turned(pixels: np.ndarray, quarter_turns: int, mirrored: bool) -> np.ndarray:
    turned = np.rot90(pixels, quarter_turns)
    return turned[:, ::-1] if mirrored else turned
