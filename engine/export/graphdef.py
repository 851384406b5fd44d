"""Writing TensorFlow GraphDef files: one frozen graph, which TensorFlow 1 and 2 read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.export.graph import ExportGraph
from engine.export.origin import entries_of
from engine.export.saved_model import explained, tensorflow_module
from engine.nn.backends.graphdef import METADATA_NODE


def write_graphdef(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model as a frozen graph, the entries in a constant of their own.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: The file.
        args: Nothing of them is read.

    Raises:
        ExportError: It cannot be translated.
    """
    path.write_bytes(frozen_graph(graph, images).SerializeToString())


def frozen_graph(graph: ExportGraph, images: Tensor) -> Any:
    """Return the graph with its weights as constants; outputs are nodes of their own names."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    with tensorflow_module(graph, images) as (_module, concrete), explained():
        frozen = convert_variables_to_constants_v2(concrete)
        with frozen.graph.as_default():
            # outputs come sorted by name, which is the order of ours
            for name, tensor in zip(graph.output_names, frozen.outputs, strict=True):
                tf.identity(tensor, name)
            tf.constant(json.dumps(entries_of(graph.metadata)), name=METADATA_NODE)
        return frozen.graph.as_graph_def()
