"""Which function writes which format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.export.coreml import write_coreml
from engine.export.edgetpu import write_edgetpu
from engine.export.executorch import write_executorch
from engine.export.graph import ExportGraph
from engine.export.graphdef import write_graphdef
from engine.export.imx import write_imx
from engine.export.mnn import write_mnn
from engine.export.ncnn import write_ncnn
from engine.export.onnx import write_onnx
from engine.export.openvino import write_openvino
from engine.export.paddle import write_paddle
from engine.export.rewrites import rewrite
from engine.export.rknn import write_rknn
from engine.export.saved_model import write_saved_model
from engine.export.tensorrt import write_tensorrt
from engine.export.tfjs import write_tfjs
from engine.export.tflite import write_tflite
from engine.export.torchscript import write_torchscript

# (model, an input, the file or an empty folder, arguments)
Writer = Callable[[ExportGraph, Tensor, Path, Any], None]


def _onnx(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    if not graph.in_half:  # which graphics cards run
        rewrite(graph.model)
    write_onnx(graph, images, path, args.opset, args.simplify)


def _torchscript(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    write_torchscript(graph, images, path, args.optimize)


WRITERS: dict[str, Writer] = {
    "torchscript": _torchscript,
    "onnx": _onnx,
    "openvino": write_openvino,
    "engine": write_tensorrt,
    "coreml": write_coreml,
    "saved_model": write_saved_model,
    "pb": write_graphdef,
    "edgetpu": write_edgetpu,
    "tflite": write_tflite,
    "tfjs": write_tfjs,
    "paddle": write_paddle,
    "mnn": write_mnn,
    "ncnn": write_ncnn,
    "imx": write_imx,
    "rknn": write_rknn,
    "executorch": write_executorch,
}
