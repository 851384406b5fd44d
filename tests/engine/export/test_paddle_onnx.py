"""What the way to PaddlePaddle makes of an ONNX file computes as the file did."""

from __future__ import annotations

import numpy as np
import pytest

from engine.export.paddle import prepare

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
helper, numpy_helper, FLOAT = onnx.helper, onnx.numpy_helper, onnx.TensorProto.FLOAT


def test_convolutions_get_their_own_weights_and_poolings_say_no_dilation(tmp_path):
    rng = np.random.default_rng(0)
    weights = numpy_helper.from_array(rng.normal(size=(2, 2, 1, 1)).astype(np.float32), "w")
    bias = numpy_helper.from_array(rng.normal(size=2).astype(np.float32), "b")
    nodes = [
        helper.make_node("Identity", ["b"], ["also_b"]),
        helper.make_node("Conv", ["images", "w", "b"], ["first"]),
        helper.make_node("MaxPool", ["first"], ["pooled"], kernel_shape=[3, 3], dilations=[1, 1]),
        helper.make_node("MaxPool", ["pooled"], ["wide"], kernel_shape=[2, 2], dilations=[2, 2]),
        helper.make_node("Conv", ["wide", "w", "also_b"], ["out"]),
    ]
    before = _saved(nodes, [weights, bias], tmp_path / "before.onnx")
    file = _saved(nodes, [weights, bias], tmp_path / "after.onnx")
    prepare(file)
    graph = onnx.load(str(file)).graph
    names = [tensor.name for tensor in graph.initializer]
    taken = [name for node in graph.node if node.op_type == "Conv" for name in node.input[1:]]
    assert len(set(taken)) == 4
    assert set(taken) <= set(names)
    assert len(set(names)) == len(names)
    dilations = [a.ints for n in graph.node for a in n.attribute if a.name == "dilations"]
    assert [list(d) for d in dilations] == [[2, 2]]
    images = rng.normal(size=(1, 2, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(_run(file, images), _run(before, images))


def _saved(nodes, tensors, path):
    shape = ("images", FLOAT, [1, 2, 8, 8]), ("out", FLOAT, None)
    inputs, outputs = ([helper.make_tensor_value_info(*given)] for given in shape)
    graph = helper.make_graph(nodes, "two", inputs, outputs, tensors)
    imports = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), str(path))
    return path


def _run(path, images):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images})[0]
