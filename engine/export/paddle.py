"""Writing PaddlePaddle folders: a model for its inference library, and what it says of itself."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.export.graph import ExportGraph
from engine.export.onnx import passing_onnx
from engine.export.origin import write_metadata
from engine.export.tools import run_tool
from engine.runtime.errors import ExportError

# x2paddle knows operator sets up to this one
_OPSET = 13
# It also reads parts of onnx that are gone, or there only once they were asked for
_CONVERT = """
import sys, types
import onnx, onnx.version
from onnx import TensorProto, helper
table = {}
for kind in TensorProto.DataType.values():
    try:
        table[kind] = helper.tensor_dtype_to_np_dtype(kind)
    except KeyError:
        pass
sys.modules.setdefault("onnx.mapping", types.SimpleNamespace(TENSOR_TYPE_TO_NP_TYPE=table))
from x2paddle.convert import onnx2paddle
onnx2paddle(*sys.argv[1:3])
"""


def write_paddle(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model for PaddlePaddle by way of ONNX.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: An empty folder.
        args: Nothing of them is read.

    Raises:
        ExportError: It cannot be converted.
    """
    with (
        passing_onnx(graph, images, _OPSET, simplify=True) as file,
        tempfile.TemporaryDirectory() as name,
    ):
        prepare(file)
        made = Path(name) / "paddle"
        said = run_tool("PaddlePaddle", [sys.executable, "-c", _CONVERT, file, made], file.parent)
        found = made / "inference_model"
        if not found.is_dir():
            last = said.splitlines()[-1] if said else ""
            raise ExportError(f"x2paddle wrote no model ({last}).")
        shutil.copytree(found, path, dirs_exist_ok=True)
    write_metadata(path, graph.metadata)


def prepare(file: Path) -> None:
    """Write an ONNX file as the converter can read it, in place; what it computes stays.

    The converter stops at poolings that say their dilation even where it is one, and at convolutions that
    share a weight or a bias with another.
    """
    import onnx

    model = onnx.load(str(file))
    for node in model.graph.node:
        said = next((a for a in node.attribute if a.name == "dilations"), None)
        if node.op_type == "MaxPool" and said is not None and set(said.ints) == {1}:
            node.attribute.remove(said)
    _unshare(model.graph)
    onnx.save(model, str(file))


def _unshare(graph: Any) -> None:
    """Give every convolution weights of its own; a second name for a tensor becomes a tensor."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}

    def copied(tensor: Any, name: str) -> None:
        tensors[name] = graph.initializer.add()
        tensors[name].CopyFrom(tensor)
        tensors[name].name = name

    for node in [n for n in graph.node if n.op_type == "Identity" and n.input[0] in tensors]:
        copied(tensors[node.input[0]], node.output[0])
        graph.node.remove(node)
    taken: set[str] = set()
    for node in graph.node:
        for place, name in enumerate(node.input if node.op_type == "Conv" else ()):
            if name in taken and name in tensors:
                node.input[place] = f"{name}_{len(taken)}"
                copied(tensors[name], node.input[place])
            taken.add(node.input[place])
