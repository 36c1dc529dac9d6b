"""The student in whole numbers (INT8), let through only if it paints what FP32 paints."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.images import measures
from backend.numeric.hardware import fingerprint
from backend.students.sampler import Sampler

LEAST_PSNR, LEAST_SSIM, LEAST_IOU = 35.0, 0.95, 0.9


@dataclass(frozen=True)
class Gate:
    """INT8 against FP32 on the same latents, one value an image [N].

    psnr: dB, at most 100. ssim: -1…1. iou: of the masks, where FP32 paints one; may be empty.
    """

    psnr: NDArray[np.float64]
    ssim: NDArray[np.float64]
    iou: NDArray[np.float64]

    @property
    def passes(self) -> bool:
        """Whether the means reach 35 dB, SSIM 0.95 and mask IoU 0.9."""
        alike = self.psnr.mean() >= LEAST_PSNR and self.ssim.mean() >= LEAST_SSIM
        return bool(alike and (not len(self.iou) or self.iou.mean() >= LEAST_IOU))

    @property
    def words(self) -> str:
        """The means and what they have to reach, for a person."""
        found = [
            f"PSNR {self.psnr.mean():.1f} dB (at least {LEAST_PSNR:g})",
            f"SSIM {self.ssim.mean():.3f} (at least {LEAST_SSIM:g})",
        ]
        if len(self.iou):
            found.append(f"mask overlap {self.iou.mean():.2f} (at least {LEAST_IOU:g})")
        return ", ".join(found)


def latents(sampler: Sampler, first: int, count: int) -> NDArray[np.float32]:
    """The latents [count, D] of samples with seeds from `first` on."""
    drawn = [sampler.draw(np.random.default_rng(first + k)) for k in range(count)]
    return np.stack(drawn)


def quantise(network: Path, target: Path, calibration: NDArray[np.float32]) -> None:
    """Write the network with what has weights in INT8, their ranges taken from painting the latents
    [N, D]. The last layers have so few channels that they stay as they are, for their rounding
    would be seen."""
    import onnx

    from backend.numeric import onnx_units
    from backend.numeric.quantise import Quantiser, needs_reduced

    with tempfile.TemporaryDirectory() as work:
        quantiser = Quantiser(network, Path(work), needs_reduced(fingerprint().flags))
        nodes = [first for first, *_ in onnx_units.units(quantiser.model)]
        quantiser.calibrate(({"z": one[None]} for one in calibration), nodes)
        onnx.save(quantiser.int8(nodes), target)


def compare(exact: Sampler, quantised: Sampler, z: NDArray[np.float32]) -> Gate:
    """What both paint for the latents [N, D]."""
    wanted, wanted_masks = exact.paint(z)
    made, made_masks = quantised.paint(z)
    errors = ((wanted.astype(np.float64) - made) ** 2).mean((1, 2, 3))
    return Gate(
        psnr=np.minimum(100, 10 * np.log10(255**2 / np.maximum(errors, 1e-9))),
        ssim=np.array([measures.ssim(a, b) for a, b in zip(wanted, made, strict=True)]),
        iou=measures.overlap(wanted_masks > 0.5, made_masks > 0.5),
    )
