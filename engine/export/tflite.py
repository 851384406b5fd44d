"""Writing TensorFlow Lite files, which LiteRT runs on phones and small boards."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from engine.export.calibration import Calibration
from engine.export.graph import ExportGraph
from engine.export.origin import entries_of
from engine.export.saved_model import explained, tensorflow_module
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.tflite import METADATA_FILE


def write_tflite(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model for LiteRT; the entries follow the model as a zip archive, as LiteRT's own tools do it.

    Args:
        graph: The model, in float32. For ``int8`` its first output comes in parts: one scale of 256 steps
            for boxes in pixels and for scores would leave nothing of the scores.
        images: An input of the wanted shape.
        path: The file.
        args: ``half`` stores the weights as float16; ``int8`` rounds weights and activations with the
            pictures of ``data`` and ``fraction``, input and output stay float32.

    Raises:
        ExportError: It cannot be translated, or there is nothing to calibrate with.
    """
    pictures = Calibration(args, graph.metadata) if args.int8 else None
    path.write_bytes(tflite_bytes(graph, images, pictures, bool(args.half)))
    append_metadata(path, graph.metadata)


def tflite_bytes(
    graph: ExportGraph,
    images: Tensor,
    pictures: Calibration | None = None,
    half: bool = False,
    only_int8: bool = False,
) -> bytes:
    """Return the bytes of a model.

    Args:
        graph: The model.
        images: An input.
        pictures: Where given the model is quantised with them.
        half: Store the weights as float16.
        only_int8: Refuse operators that have no eight-bit form, for processors without any other.
    """
    import tensorflow as tf

    graph.in_parts = pictures is not None
    with tensorflow_module(graph, images) as (module, concrete), explained():
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
        if half or pictures is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if half:
            converter.target_spec.supported_types = [tf.float16]
        if pictures is not None:
            eight = tf.lite.OpsSet.TFLITE_BUILTINS_INT8
            others = [] if only_int8 else [tf.lite.OpsSet.TFLITE_BUILTINS]
            converter.target_spec.supported_ops = [eight, *others]
            converter.representative_dataset = lambda: _channels_last(
                pictures, graph.metadata.batch
            )
        return bytes(converter.convert())


def append_metadata(path: Path, metadata: Metadata) -> None:
    """Put the entries behind a model, where readers of zip archives find them and its runtime looks not."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(METADATA_FILE, json.dumps(entries_of(metadata)))


def _channels_last(pictures: Calibration, batch: int) -> Iterator[list[np.ndarray]]:
    for array in pictures.batches(batch):
        yield [np.ascontiguousarray(array.transpose(0, 2, 3, 1))]
