"""Writing OpenVINO folders: a graph (.xml), its weights (.bin) and what they say of themselves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.export.calibration import Calibration
from engine.export.graph import ExportGraph
from engine.export.onnx import INPUT_NAME, passing_onnx
from engine.export.origin import entries_of, write_metadata
from engine.runtime.errors import ExportError

MODEL_NAME = "model.xml"


def write_openvino(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model for OpenVINO.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: An empty folder.
        args: ``half`` stores the weights as float16; ``int8`` quantises weights and activations with the
            pictures of ``data`` and ``fraction``.

    Raises:
        ExportError: It cannot be converted.
    """
    import openvino

    pictures = Calibration(args, graph.metadata) if args.int8 else None
    with passing_onnx(graph, images) as file:
        try:
            # not convert_model, which reports to its makers
            model = openvino.Core().read_model(str(file))
            if pictures is not None:
                model = _quantized(model, graph, pictures)
            for key, value in entries_of(graph.metadata).items():
                model.set_rt_info(value, ["framework", key])
            openvino.save_model(model, path / MODEL_NAME, compress_to_fp16=bool(args.half))
        except RuntimeError as error:
            reason = str(error).strip().partition("\n")[0]
            raise ExportError(f"OpenVINO cannot convert this model ({reason}).") from error
    write_metadata(path, graph.metadata)


def _quantized(model: Any, graph: ExportGraph, pictures: Calibration) -> Any:
    """Round weights and activations to eight bits, all but the decoding of boxes.

    Coordinates in pixels need more than 256 steps: what follows the head's convolutions stays as it is.
    """
    os.environ.setdefault("NNCF_CI", "1")  # else it reports to its makers
    import nncf

    last = len(graph.model.model) - 1
    inside = rf".*/model\.{last}/"
    kept = nncf.IgnoredScope(patterns=[f"{inside}[A-Z][^/]*$", f"{inside}dfl/.*"], validate=False)
    batch = graph.metadata.batch
    return nncf.quantize(
        model,
        nncf.Dataset(list(pictures.batches(batch)), lambda array: {INPUT_NAME: array}),
        preset=nncf.QuantizationPreset.MIXED,  # SiLU's outputs are not symmetric
        subset_size=max(len(pictures) // batch, 1),
        ignored_scope=kept,
    )
