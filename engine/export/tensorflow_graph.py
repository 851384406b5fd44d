"""A model's ONNX graph as a TensorFlow function, node by node, with channels last as TensorFlow has them.

Values keep the layout in which they were made: convolutions give channels last, and what works element by
element leaves that so. Only where a node counts dimensions (reshape, transpose, matrix products) a value is
brought back to channels first. So a network is turned around twice, not at every layer. What the single
operators do is in :mod:`engine.export.tensorflow_ops`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.export.onnx import INPUT_NAME
from engine.export.tensorflow_ops import ABSENT, OPERATORS, Node, Value, channels_first
from engine.runtime.errors import ExportError

# What the translated operators mean is fixed by this operator set
OPSET = 18


def read_function(file: Path) -> tuple[Callable[[Any], list[Any]], tuple[int, ...]]:
    """Return a TensorFlow function of an ONNX file.

    Args:
        file: Written with fixed sizes and operator set :data:`OPSET`.

    Returns:
        The function, from images (B, H, W, C) to the outputs in their order and with channels first, and the
        shape of its input.

    Raises:
        ExportError: An operator of the graph is not known.
    """
    import onnx

    graph = onnx.load(str(file)).graph
    unknown = sorted({node.op_type for node in graph.node} - set(OPERATORS))
    if unknown:
        raise ExportError(
            f"this model has operators that are not translated for TensorFlow: {', '.join(unknown)}.",
            value=unknown,
            remedy="Export format=onnx; onnxruntime runs it everywhere.",
        )
    constants = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    nodes = [_node(item) for item in graph.node]
    outputs = [output.name for output in graph.output]
    sizes = tuple(d.dim_value for d in graph.input[0].type.tensor_type.shape.dim)
    batch, channels, height, width = sizes

    def run(images: Any) -> list[Any]:
        values: dict[str, Value] = {name: Value(array) for name, array in constants.items()}
        values[INPUT_NAME] = Value(images, last=True)
        for node in nodes:
            inputs = [values[name] if name else ABSENT for name in node.inputs]
            found = OPERATORS[node.kind](node, inputs)
            values.update(zip(node.outputs, found, strict=False))
        return [channels_first(values[name]) for name in outputs]

    return run, (batch, height, width, channels)


def _node(item: Any) -> Node:
    import onnx

    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in item.attribute}
    return Node(item.op_type, tuple(item.input), tuple(item.output), attributes)
