"""The student in whole numbers (INT8), let through only if it paints what FP32 paints."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.images import measures
from backend.students.sampler import FILES, Sampler

LEAST_PSNR, LEAST_SSIM, LEAST_IOU = 35.0, 0.95, 0.9
BATCH = 8
CONVOLUTIONS = {"Conv": 0, "ConvTranspose": 1}  # which axis of their weights are the channels made
LEAST_CHANNELS = 16


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


def quantise(folder: Path, calibration: NDArray[np.float32]) -> Path:
    """Write `student_int8.onnx` beside `student.onnx`: weights and activations of its convolutions
    of 8 bits, their ranges taken from painting the latents [N, D] (static, a scale for each
    channel). The last layers stay as they are, for their rounding would be seen."""
    from onnxruntime import quantization

    class Latents(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.rest = list(np.array_split(calibration, -(-len(calibration) // BATCH)))

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return {"z": self.rest.pop(0)} if self.rest else None

    target = folder / FILES["int8"]
    quantization.quantize_static(
        str(folder / FILES["fp32"]),
        str(target),
        Latents(),
        quant_format=quantization.QuantFormat.QDQ,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=list(CONVOLUTIONS),
        nodes_to_exclude=_last_layers(folder / FILES["fp32"]),
    )
    return target


def _last_layers(file: Path) -> list[str]:
    """The convolutions with so few channels that they can only be the picture's own."""
    import onnx

    graph = onnx.load(file).graph
    shapes = {weight.name: weight.dims for weight in graph.initializer}
    axes = [(node, CONVOLUTIONS.get(node.op_type)) for node in graph.node]
    return [
        node.name
        for node, axis in axes
        if axis is not None and shapes[node.input[1]][axis] < LEAST_CHANNELS
    ]


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
