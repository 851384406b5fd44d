"""Eight-bit numbers inside an ONNX graph, for tools that take their ranges from there."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.export.calibration import Calibration
from engine.export.graph import ExportGraph
from engine.export.onnx import INPUT_NAME


def quantize_onnx(file: Path, pictures: Calibration, graph: ExportGraph) -> None:
    """Put pairs of quantising and dequantising nodes around the convolutions of an ONNX file, in place.

    The head's decoding keeps its floats: coordinates in pixels need more than 256 steps.

    Args:
        file: The file.
        pictures: Tell the ranges of activations.
        graph: What the file was recorded from.
    """
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    quiet = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it advises a preparation that is done here
    try:
        ready = file.with_name("prepared.onnx")
        quant_pre_process(str(file), str(ready), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(ready),
            str(file),
            _Reader(pictures, graph.metadata.batch),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            # symmetric, as TensorRT wants it
            extra_options={"ActivationSymmetric": True, "WeightSymmetric": True},
        )
    finally:
        logging.disable(quiet)


class _Reader:
    """Hands out pictures one batch at a time; the quantiser's own protocol."""

    def __init__(self, pictures: Calibration, batch: int) -> None:
        self._batches: Iterator[np.ndarray] = pictures.batches(batch)

    def get_next(self) -> dict[str, Any] | None:
        """Return the next input by name; None at the end."""
        found = next(self._batches, None)
        return None if found is None else {INPUT_NAME: found}

    def __iter__(self) -> _Reader:
        return self

    def __next__(self) -> dict[str, Any]:
        found = self.get_next()
        if found is None:
            raise StopIteration
        return found
