"""Writing TensorRT engines, which run on the kind of NVIDIA GPU that they were built on."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.export.calibration import Calibration
from engine.export.graph import ExportGraph
from engine.export.onnx import INPUT_NAME, passing_onnx
from engine.export.origin import entries_of
from engine.export.quantize import quantize_onnx
from engine.runtime.errors import ExportError
from engine.runtime.log import LOGGER

GIB = 2**30
# Sides and batches of a dynamic engine, as parts of those that it is made for: at least, and at most
_LEAST, _MOST = 0.5, 2.0


def write_tensorrt(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a TensorRT engine, the entries before it: their length in four bytes, then JSON.

    Numbers are as wide as the graph says (a strongly typed network): with ``half`` the layers, with ``int8``
    what has been quantised in the graph.

    Args:
        graph: The model.
        images: An input of the wanted shape, on the GPU.
        path: The file.
        args: ``workspace`` in GiB, ``opset``, ``simplify``, and for ``int8`` ``data`` and ``fraction``.

    Raises:
        ExportError: There is no GPU, or TensorRT cannot build the engine.
    """
    import tensorrt

    pictures = Calibration(args, graph.metadata) if args.int8 else None
    with passing_onnx(graph, images, args.opset, args.simplify) as file:
        if pictures is not None:
            quantize_onnx(file, pictures, graph)
        plan = _built(tensorrt, file, graph, images, args.workspace)
    entries = json.dumps(entries_of(graph.metadata)).encode()
    with path.open("wb") as stream:
        stream.write(struct.pack("<I", len(entries)))
        stream.write(entries)
        stream.write(plan)


def _built(trt: Any, file: Path, graph: ExportGraph, images: Tensor, gib: float | None) -> Any:
    """Return the bytes of an engine."""
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    # where the flag is gone, every network is of that kind
    network = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(file.read_bytes()):
        reasons = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise ExportError(f"TensorRT cannot read this model ({reasons}).")
    config = builder.create_builder_config()
    if gib:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, int(gib * GIB))
    if graph.metadata.dynamic:
        profile = builder.create_optimization_profile()
        profile.set_shape(INPUT_NAME, *dynamic_range(graph, tuple(images.shape)))
        config.add_optimization_profile(profile)
    LOGGER.info("TensorRT is choosing the fastest kernels; this takes minutes.")
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ExportError(
            "TensorRT built no engine.",
            remedy="Its own lines above say why; more workspace=, or a smaller imgsz or batch, may do.",
        )
    return plan


def dynamic_range(graph: ExportGraph, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the smallest, usual and largest input (B, C, H, W) of a dynamic engine."""
    stride = graph.metadata.stride
    batch, channels, *sides = shape
    fixed = not graph.metadata.free_batch
    ranges = []
    for part in (_LEAST, 1.0, _MOST):
        scaled = [max(round(side * part / stride), 1) * stride for side in sides]
        images = batch if fixed else {_LEAST: 1, 1.0: batch, _MOST: 2 * batch}[part]
        ranges.append((images, channels, *scaled))
    return ranges
