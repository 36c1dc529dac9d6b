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
                self.mean, self.spread = stored["mean"], stored["spread"]
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self.session = onnxruntime.InferenceSession(
                str(folder / "student.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"The student in {folder} cannot be read. Distil it again.") from error
        self.size: int = card["size"]
        self.paints_mask: bool = card["mask"]

    def draw(self, seed: int, truncation: float = 1.0) -> np.ndarray:
        """The latent [D] of one sample; truncation < 1 stays nearer to the mean."""
        noise = np.random.default_rng(seed).standard_normal(len(self.mean))
        return (self.mean + truncation * (self.spread @ noise)).astype(np.float32)

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

    def sample(self, seeds: list[int], truncation: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """One image a seed; see `paint`."""
        return self.paint(np.stack([self.draw(seed, truncation) for seed in seeds]))
