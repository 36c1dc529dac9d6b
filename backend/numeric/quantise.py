"""A model of fewer bits: INT8, of chosen nodes alone, or FP16. Heavy (onnx, onnxruntime).

INT8 is static: the range of every tensor is measured once on calibration inputs, and a weight has
a scale for each channel (Nagel et al., arXiv 2106.08295). Pairs of QuantizeLinear and
DequantizeLinear stand around each chosen node, so that any ONNX Runtime fuses them as it can.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnxruntime import quantization
from onnxruntime.quantization.calibrate import TensorsData, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

from backend.records import UserError

Feed = Mapping[str, NDArray[Any]]


class Quantiser:
    """A model whose nodes can be turned to INT8, in any choice of them.

    model: the graph with its shapes known. reduced: weights keep 7 bits, see `needs_reduced`.
    """

    def __init__(self, file: Path, work: Path, reduced: bool) -> None:
        """work: a folder for files in between. Raises UserError where the model is damaged."""
        self._prepared, self._reduced = work / "prepared.onnx", reduced
        self._ranges: TensorsData | None = None
        try:
            with _quiet():
                quant_pre_process(str(file), str(self._prepared), skip_symbolic_shape=True)
            self.model = onnx.load(self._prepared)
            _one_opset(self.model)
        except Exception as error:
            raise UserError(
                f"{file.name} cannot be prepared for INT8 ({type(error).__name__}). Make it again."
            ) from error

    def calibrate(
        self,
        inputs: Iterable[Feed],
        nodes: Iterable[str],
        seen: Callable[[int], object] = lambda _: None,
    ) -> None:
        """Measure the range of every tensor that nodes like these read or give.

        seen: called with the number of inputs so far.
        """
        augmented, asked = self._prepared.with_name("augmented.onnx"), set(nodes)
        types = sorted({one.op_type for one in self.model.graph.node if one.name in asked})
        with _quiet():
            calibrator = create_calibrator(self._prepared, types, str(augmented))
            calibrator.collect_data(_Reader(inputs, seen))
            self._ranges = calibrator.compute_data()
        augmented.unlink(missing_ok=True)

    def int8(self, nodes: Iterable[str]) -> onnx.ModelProto:
        """The model with these nodes in INT8, the others as they are."""
        copied = onnx.ModelProto()
        copied.CopyFrom(self.model)
        types = sorted({node.op_type for node in copied.graph.node})
        with _quiet():
            quantizer = QDQQuantizer(
                copied,
                per_channel=True,
                reduce_range=self._reduced,
                weight_qType=quantization.QuantType.QInt8,
                activation_qType=quantization.QuantType.QUInt8,
                tensors_range=self._ranges,
                nodes_to_quantize=list(nodes),
                nodes_to_exclude=[],
                op_types_to_quantize=types,
                extra_options={},
            )
            quantizer.quantize_model()
        return quantizer.model.model


def _one_opset(model: onnx.ModelProto) -> None:
    """Names each operator set once: a graph that was put together may name it several times."""
    known = {one.domain: one.version for one in model.opset_import}
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(*one) for one in known.items())


class _Reader(quantization.CalibrationDataReader):
    def __init__(self, inputs: Iterable[Feed], seen: Callable[[int], object]) -> None:
        self._rest, self._seen = enumerate(inputs, start=1), seen

    def get_next(self) -> Feed | None:
        number, feed = next(self._rest, (0, None))
        if feed is not None:
            self._seen(number)
        return feed


def needs_reduced(flags: Iterable[str]) -> bool:
    """Must weights keep 7 bits on a processor with these flags? One without VNNI
    saturates where it adds two products of 8 bits."""
    return not any("vnni" in flag for flag in flags)


def fp16(file: Path) -> onnx.ModelProto:
    """The model in half precision, inputs and outputs as they were."""
    with _quiet():
        return convert_float_to_float16(onnx.load(file), keep_io_types=True)


class _quiet:
    """The library warns of what is known here: each input of a different shape, small numbers."""

    def __enter__(self) -> None:
        self._before = logging.root.manager.disable
        logging.disable(logging.WARNING)

    def __exit__(self, *_: object) -> None:
        logging.disable(self._before)
