"""Paint with a distilled student through ONNX Runtime: no PyTorch needed."""

import json
from pathlib import Path

import numpy as np

from backend.records import UserError


class Sampler:
    """A finished student. Raises UserError where its files are missing or damaged."""

    def __init__(self, student_run: Path, threads: int = 1):
        import onnxruntime

        folder = student_run / "artifacts"
        try:
            card = json.loads((folder / "student.json").read_text())
            with np.load(folder / "latents.npz", allow_pickle=False) as stored:
                self.latents = stored["latents"].astype(np.float32)
                self.by_brightness = np.argsort(stored["brightness"])
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self.session = onnxruntime.InferenceSession(
                str(folder / "student.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise UserError(f"The student in {folder} cannot be read. Distil it again.") from error
        self.size: int = card["size"]
        self.latent_dim: int = card["latent_dim"]
        self.paints_mask: bool = card["mask"]

    def draw(self, random: np.random.Generator, variation: float = 0.7) -> np.ndarray:
        """The latent [D] of one sample.

        With learned latents: a scene, mixed with a second one of like brightness by up to half of
        `variation`, and the defect of a third. Else a standard normal z.
        """
        if not len(self.latents):
            return random.standard_normal(self.latent_dim).astype(np.float32)
        rank = int(random.integers(len(self.latents)))
        scene, second, defect = (self.latents[self._near(rank, random, far)] for far in (0, 12, 6))
        share = random.uniform(0, variation / 2)
        mixed = (1 - share) * scene + share * second
        mixed /= np.hypot(1 - share, share)
        half = self.latent_dim // 2
        return np.concatenate([mixed[:half], defect[half:]]).astype(np.float32)

    def _near(self, rank: int, random: np.random.Generator, divisor: int) -> int:
        """A teacher image whose scene is about as bright as the one at `rank`; 0: that one."""
        if not divisor:
            return int(self.by_brightness[rank])
        reach = max(1, len(self.latents) // divisor)
        other = rank + int(random.integers(-reach, reach + 1))
        return int(self.by_brightness[min(max(other, 0), len(self.latents) - 1)])

    def paint(self, latents: np.ndarray, batch: int = 16) -> tuple[np.ndarray, np.ndarray]:
        """latents [N, D] → images uint8 [N, S, S, 3] and defect probability float32 [N, S, S].

        A student that paints no mask gives zeros.
        """
        made = [
            self.session.run(None, {"z": latents[k : k + batch].astype(np.float32)})[0]
            for k in range(0, len(latents), batch)
        ]
        pixels = np.concatenate(made).transpose(0, 2, 3, 1)
        masks = pixels[..., 3] if self.paints_mask else np.zeros(pixels.shape[:3], np.float32)
        return (pixels[..., :3] * 255).round().astype(np.uint8), masks

    def sample(self, seeds: list[int], variation: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
        """One image a seed, turned and mirrored at random; see `draw` and `paint`."""
        randoms = [np.random.default_rng(seed) for seed in seeds]
        images, masks = self.paint(np.stack([self.draw(r, variation) for r in randoms]))
        for k, random in enumerate(randoms):
            turns, mirrored = int(random.integers(4)), bool(random.integers(2))
            images[k], masks[k] = (_turned(x, turns, mirrored) for x in (images[k], masks[k]))
        return images, masks


def _turned(pixels: np.ndarray, quarter_turns: int, mirrored: bool) -> np.ndarray:
    turned = np.rot90(pixels, quarter_turns)
    return turned[:, ::-1] if mirrored else turned
