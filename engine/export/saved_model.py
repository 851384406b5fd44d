"""Writing TensorFlow SavedModel folders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.export.graph import ExportGraph
from engine.export.onnx import INPUT_NAME, passing_onnx
from engine.export.origin import write_metadata
from engine.export.tensorflow_graph import OPSET, read_function
from engine.runtime.errors import ExportError


def write_saved_model(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model for TensorFlow: images (B, H, W, C) float32 in, outputs as ours out.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: An empty folder.
        args: Nothing of them is read.

    Raises:
        ExportError: It cannot be translated.
    """
    with tensorflow_module(graph, images) as (module, concrete), explained():
        import tensorflow as tf

        tf.saved_model.save(module, str(path), signatures={"serving_default": concrete})
    write_metadata(path, graph.metadata)


@contextmanager
def tensorflow_module(graph: ExportGraph, images: Tensor) -> Iterator[tuple[Any, Any]]:
    """Give a model as a TensorFlow module and its recorded function.

    Raises:
        ExportError: It cannot be translated.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it greets at every import
    import tensorflow as tf

    with passing_onnx(graph, images, OPSET) as file:
        run, shape = read_function(file)
    names = graph.output_names

    def named(given: Any) -> dict[str, Any]:
        return dict(zip(names, run(given), strict=True))

    module = tf.Module()
    signature = tf.TensorSpec(shape, tf.float32, INPUT_NAME)
    with explained():
        module.infer = tf.function(named, input_signature=[signature], autograph=False)
        yield module, module.infer.get_concrete_function()


@contextmanager
def explained() -> Iterator[None]:
    """Turn what TensorFlow raises into a sentence.

    Raises:
        ExportError: Instead of its own errors.
    """
    try:
        yield
    except (RuntimeError, TypeError, ValueError, NotImplementedError, LookupError) as error:
        if isinstance(error, ExportError):
            raise
        reason = str(error).strip().partition("\n")[0]
        raise ExportError(f"TensorFlow cannot take this model ({reason}).") from error
