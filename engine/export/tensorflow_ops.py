"""What each ONNX operator of our graphs is in TensorFlow, at operator set 18 and with fixed sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.runtime.errors import ExportError

# channels first -> channels last, and back
_TO_LAST, _TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
# where each dimension of (B, C, H, W) lies in (B, H, W, C)
_AXIS_LAST = (0, 3, 1, 2)


@dataclass(frozen=True)
class Value:
    """A tensor or an array, and whether its channels are last."""

    data: Any
    last: bool = False

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return len(self.data.shape)

    @property
    def is_constant(self) -> bool:
        """Whether it is known without any image."""
        return isinstance(self.data, np.ndarray | np.generic)


# An input that is left out
ABSENT = Value(None)


@dataclass(frozen=True)
class Node:
    """An operator of a graph: its kind, the names of what goes in and out, its attributes."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    def get(self, name: str, fallback: Any = None) -> Any:
        """Return an attribute."""
        return self.attributes.get(name, fallback)


Inputs = Sequence[Value]
Operator = Callable[[Node, Inputs], list[Value]]


def channels_first(value: Value) -> Any:
    """Return a value's data with the dimensions as ONNX counts them."""
    return _turned(value.data, _TO_FIRST) if value.last else value.data


def channels_last(value: Value) -> Any:
    """Return the data (B, H, W, C) of a value of four dimensions."""
    return value.data if value.last else _turned(value.data, _TO_LAST)


def _tf() -> Any:
    import tensorflow as tf

    return tf


def _turned(data: Any, order: tuple[int, ...]) -> Any:
    if isinstance(data, np.ndarray):
        return np.transpose(data, order)
    return _tf().transpose(data, order)


def _known(inputs: Inputs, place: int) -> Any:
    """Return an input that must not depend on the image; None where it is left out."""
    value = inputs[place] if place < len(inputs) else ABSENT
    if value is ABSENT:
        return None
    if not value.is_constant:
        raise ExportError(
            "this model's sizes depend on the image, which TensorFlow's formats cannot express.",
            remedy="Export format=onnx.",
        )
    return value.data


def _conv(node: Node, inputs: Inputs) -> list[Value]:
    tf = _tf()
    images, kernel = (
        channels_last(inputs[0]),
        _known(inputs, 1),
    )  # kernel (out, in / groups, kh, kw)
    strides, dilations = _pair(node, "strides"), _pair(node, "dilations")
    images, padding = _padded(images, node, kernel.shape[2:], 0.0)
    groups, made = int(node.get("group", 1)), kernel.shape[0]
    if groups == 1:
        found = tf.nn.conv2d(
            images, kernel.transpose(2, 3, 1, 0), strides, padding, dilations=dilations
        )
    elif groups == images.shape[-1] and kernel.shape[1] == 1:
        own = kernel.reshape(groups, made // groups, *kernel.shape[2:]).transpose(2, 3, 0, 1)
        found = tf.nn.depthwise_conv2d(images, own, (1, *strides, 1), padding, dilations=dilations)
    else:
        parts = zip(tf.split(images, groups, -1), np.split(kernel, groups), strict=True)
        found = tf.concat(
            [
                tf.nn.conv2d(part, own.transpose(2, 3, 1, 0), strides, padding, dilations=dilations)
                for part, own in parts
            ],
            -1,
        )
    bias = _known(inputs, 2)
    return [Value(found if bias is None else tf.nn.bias_add(found, bias), last=True)]


def _conv_transpose(node: Node, inputs: Inputs) -> list[Value]:
    tf = _tf()
    images, kernel = channels_last(inputs[0]), _known(inputs, 1)  # kernel (in, out, kh, kw)
    strides = _pair(node, "strides")
    if any(node.get("pads", ())) or int(node.get("group", 1)) != 1:
        raise ExportError("transposed convolutions with borders or groups are not translated.")
    batch, height, width = images.shape[:3]
    shape = [
        batch,
        (height - 1) * strides[0] + kernel.shape[2],
        (width - 1) * strides[1] + kernel.shape[3],
        kernel.shape[1],
    ]
    found = tf.nn.conv2d_transpose(images, kernel.transpose(2, 3, 1, 0), shape, strides, "VALID")
    bias = _known(inputs, 2)
    return [Value(found if bias is None else tf.nn.bias_add(found, bias), last=True)]


def _max_pool(node: Node, inputs: Inputs) -> list[Value]:
    window = tuple(node.get("kernel_shape"))
    images, padding = _padded(channels_last(inputs[0]), node, window, -np.inf)
    return [Value(_tf().nn.max_pool2d(images, window, _pair(node, "strides"), padding), last=True)]


def _global_average(_node: Node, inputs: Inputs) -> list[Value]:
    found = _tf().reduce_mean(channels_last(inputs[0]), (1, 2), keepdims=True)
    return [Value(found, last=True)]


def _padded(images: Any, node: Node, window: Sequence[int], fill: float) -> tuple[Any, str]:
    """Return images with their border and the word for what is left to do."""
    pads = [int(p) for p in node.get("pads", (0, 0, 0, 0))]  # top, left, bottom, right
    if not any(pads):
        return images, "VALID"
    strides, dilations = _pair(node, "strides"), _pair(node, "dilations")
    same = [d * (k - 1) // 2 for d, k in zip(dilations, window, strict=True)]
    if strides == (1, 1) and pads == same * 2 and all(k % 2 for k in window):
        return images, "SAME"
    border = [[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]]
    return _tf().pad(images, border, constant_values=fill), "VALID"


def _pair(node: Node, name: str) -> tuple[int, int]:
    first, second = node.get(name) or (1, 1)
    return int(first), int(second)


def _resize(node: Node, inputs: Inputs) -> list[Value]:
    tf = _tf()
    images = channels_last(inputs[0])
    scales, sizes = _known(inputs, 2), _known(inputs, 3)
    if sizes is not None and len(sizes):
        size = [int(s) for s in sizes[2:]]
    else:
        size = [round(images.shape[i + 1] * float(scales[i + 2])) for i in range(2)]
    half = node.get("coordinate_transformation_mode", b"half_pixel") != b"asymmetric"
    linear = node.get("mode", b"nearest") == b"linear"
    resize = tf.raw_ops.ResizeBilinear if linear else tf.raw_ops.ResizeNearestNeighbor
    return [Value(resize(images=images, size=size, half_pixel_centers=half), last=True)]


def _by_element(name: str) -> Operator:
    """Make the operator of a function of one value, whatever its layout."""

    def run(_node: Node, inputs: Inputs) -> list[Value]:
        function = _tf()
        for part in name.split("."):
            function = getattr(function, part)
        return [Value(function(inputs[0].data), inputs[0].last)]

    return run


def _of_two(name: str) -> Operator:
    """Make the operator of a function of two values that stretch to each other."""

    def run(_node: Node, inputs: Inputs) -> list[Value]:
        first, second = inputs[0], inputs[1]
        if first.is_constant and second.is_constant:
            return [Value(np.asarray(getattr(np, _NUMPY[name])(first.data, second.data)))]
        last = first.last or second.last
        if last:
            first, second = (_stretchable(value) for value in (first, second))
        return [Value(getattr(_tf().math, name)(first.data, second.data), last)]

    return run


_NUMPY = {
    "add": "add",
    "subtract": "subtract",
    "multiply": "multiply",
    "divide": "divide",
    "floormod": "mod",
    "pow": "power",
}


def _stretchable(value: Value) -> Value:
    """Bring a value beside one with its channels last, where dimensions in front may be missing."""
    if value.last or value.rank == 0:
        return value
    data = value.data
    if value.rank < 4:
        shape = (1,) * (4 - value.rank) + tuple(data.shape)
        data = data.reshape(shape) if value.is_constant else _tf().reshape(data, shape)
    return Value(_turned(data, _TO_LAST), last=True)


def _axis(value: Value, axis: int) -> int:
    axis = axis % value.rank
    return _AXIS_LAST[axis] if value.last else axis


def _concat(node: Node, inputs: Inputs) -> list[Value]:
    values = list(inputs)
    if all(value.is_constant for value in values):
        return [Value(np.concatenate([value.data for value in values], node.get("axis")))]
    last = any(value.last for value in values)
    data = [channels_last(value) if last else value.data for value in values]
    axis = _axis(Value(data[0], last), node.get("axis"))
    return [Value(_tf().concat(data, axis), last)]


def _split(node: Node, inputs: Inputs) -> list[Value]:
    value, sizes = inputs[0], _known(inputs, 1)
    axis = _axis(value, node.get("axis", 0))
    parts = len(node.outputs) if sizes is None else [int(s) for s in sizes]
    return [Value(part, value.last) for part in _tf().split(value.data, parts, axis)]


def _slice(_node: Node, inputs: Inputs) -> list[Value]:
    value = inputs[0]
    starts, ends, axes, steps = (_known(inputs, i) for i in range(1, 5))
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    cut = [slice(None)] * value.rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = _axis(value, int(axis))
        size = int(value.data.shape[place])
        cut[place] = slice(*slice(int(start), int(end), int(step)).indices(size))
    return [Value(value.data[tuple(cut)], value.last)]


def _reshape(node: Node, inputs: Inputs) -> list[Value]:
    data, wanted = channels_first(inputs[0]), [int(s) for s in _known(inputs, 1)]
    if not node.get("allowzero", 0):
        wanted = [data.shape[i] if size == 0 else size for i, size in enumerate(wanted)]
    if inputs[0].is_constant:
        return [Value(data.reshape(wanted))]
    return [Value(_tf().reshape(data, wanted))]


def _flatten(node: Node, inputs: Inputs) -> list[Value]:
    data, axis = channels_first(inputs[0]), int(node.get("axis", 1))
    return [Value(_tf().reshape(data, (int(np.prod(data.shape[:axis])), -1)))]


def _transpose(node: Node, inputs: Inputs) -> list[Value]:
    return [Value(_turned(channels_first(inputs[0]), tuple(node.get("perm"))))]


def _unsqueeze(_node: Node, inputs: Inputs) -> list[Value]:
    data, axes = channels_first(inputs[0]), [int(a) for a in _known(inputs, 1)]
    rank = len(data.shape) + len(axes)
    places = {axis % rank for axis in axes}
    rest = iter(data.shape)
    shape = [1 if place in places else next(rest) for place in range(rank)]
    if inputs[0].is_constant:
        return [Value(data.reshape(shape))]
    return [Value(_tf().reshape(data, shape))]


def _squeeze(_node: Node, inputs: Inputs) -> list[Value]:
    axes = [int(a) for a in _known(inputs, 1)]
    return [Value(_tf().squeeze(channels_first(inputs[0]), axes))]


def _expand(_node: Node, inputs: Inputs) -> list[Value]:
    data, wanted = channels_first(inputs[0]), [int(s) for s in _known(inputs, 1)]
    return [Value(_tf().broadcast_to(data, np.broadcast_shapes(tuple(data.shape), tuple(wanted))))]


def _tile(_node: Node, inputs: Inputs) -> list[Value]:
    return [Value(_tf().tile(channels_first(inputs[0]), [int(n) for n in _known(inputs, 1)]))]


def _matmul(_node: Node, inputs: Inputs) -> list[Value]:
    return [Value(_tf().matmul(channels_first(inputs[0]), channels_first(inputs[1])))]


def _gemm(node: Node, inputs: Inputs) -> list[Value]:
    tf = _tf()
    product = tf.matmul(
        channels_first(inputs[0]),
        channels_first(inputs[1]),
        transpose_a=bool(node.get("transA", 0)),
        transpose_b=bool(node.get("transB", 0)),
    ) * node.get("alpha", 1.0)
    bias = _known(inputs, 2)
    return [Value(product if bias is None else product + bias * node.get("beta", 1.0))]


def _softmax(node: Node, inputs: Inputs) -> list[Value]:
    return [Value(_tf().nn.softmax(channels_first(inputs[0]), node.get("axis", -1)))]


def _reduce(name: str) -> Operator:
    """Make the operator of a sum, a mean or a largest value over dimensions."""

    def run(node: Node, inputs: Inputs) -> list[Value]:
        axes = _known(inputs, 1)
        axes = node.get("axes") if axes is None else axes
        chosen = None if axes is None else [int(a) for a in axes]
        keep = bool(node.get("keepdims", 1))
        return [Value(getattr(_tf(), name)(channels_first(inputs[0]), chosen, keepdims=keep))]

    return run


def _top_k(node: Node, inputs: Inputs) -> list[Value]:
    data, count = channels_first(inputs[0]), int(np.asarray(_known(inputs, 1)).reshape(-1)[0])
    if int(node.get("axis", -1)) % len(data.shape) != len(data.shape) - 1:
        raise ExportError("the best along another dimension than the last is not translated.")
    found = _tf().math.top_k(data, count)
    return [Value(found.values), Value(_tf().cast(found.indices, _tf().int64))]


def _gather(node: Node, inputs: Inputs) -> list[Value]:
    data, places = channels_first(inputs[0]), channels_first(inputs[1])
    axis = int(node.get("axis", 0))
    if inputs[0].is_constant and inputs[1].is_constant:
        return [Value(np.take(data, places, axis))]
    return [Value(_tf().gather(data, places, axis=axis))]


def _gather_elements(node: Node, inputs: Inputs) -> list[Value]:
    tf = _tf()
    data, places = channels_first(inputs[0]), channels_first(inputs[1])
    axis = int(node.get("axis", 0)) % len(data.shape)
    # bring the dimension to the end, where a batched gather takes it
    order = [d for d in range(len(data.shape)) if d != axis] + [axis]
    back = tuple(int(i) for i in np.argsort(order))
    data, places = tf.transpose(data, order), tf.transpose(places, order)
    shape = list(places.shape)
    data = tf.broadcast_to(
        data[tuple(slice(0, n) for n in shape[:-1])], [*shape[:-1], data.shape[-1]]
    )
    return [Value(tf.transpose(tf.gather(data, places, batch_dims=len(shape) - 1), back))]


def _cast(node: Node, inputs: Inputs) -> list[Value]:
    import onnx

    wanted = onnx.helper.tensor_dtype_to_np_dtype(node.get("to"))
    value = inputs[0]
    if value.is_constant:
        return [Value(value.data.astype(wanted))]
    return [Value(_tf().cast(value.data, wanted), value.last)]


def _shape(_node: Node, inputs: Inputs) -> list[Value]:
    return [Value(np.array([int(n) for n in channels_first(inputs[0]).shape], np.int64))]


def _constant(node: Node, _inputs: Inputs) -> list[Value]:
    import onnx

    return [Value(onnx.numpy_helper.to_array(node.get("value")))]


def _leaky_relu(node: Node, inputs: Inputs) -> list[Value]:
    found = _tf().nn.leaky_relu(inputs[0].data, node.get("alpha", 0.01))
    return [Value(found, inputs[0].last)]


def _clip(_node: Node, inputs: Inputs) -> list[Value]:
    low, high = _known(inputs, 1), _known(inputs, 2)
    found = inputs[0].data
    found = found if low is None else _tf().maximum(found, low)
    return [Value(found if high is None else _tf().minimum(found, high), inputs[0].last)]


def _identity(_node: Node, inputs: Inputs) -> list[Value]:
    return [inputs[0]]


OPERATORS: dict[str, Operator] = {
    "Add": _of_two("add"),
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Constant": _constant,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Cos": _by_element("cos"),
    "Div": _of_two("divide"),
    "Exp": _by_element("exp"),
    "Expand": _expand,
    "Flatten": _flatten,
    "Floor": _by_element("floor"),
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average,
    "Identity": _identity,
    "LeakyRelu": _leaky_relu,
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "Mod": _of_two("floormod"),
    "Mul": _of_two("multiply"),
    "Pow": _of_two("pow"),
    "ReduceMax": _reduce("reduce_max"),
    "ReduceMean": _reduce("reduce_mean"),
    "ReduceSum": _reduce("reduce_sum"),
    "Relu": _by_element("nn.relu"),
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": _shape,
    "Sigmoid": _by_element("sigmoid"),
    "Sin": _by_element("sin"),
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _split,
    "Sqrt": _by_element("sqrt"),
    "Squeeze": _squeeze,
    "Sub": _of_two("subtract"),
    "Tanh": _by_element("tanh"),
    "Tile": _tile,
    "TopK": _top_k,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
