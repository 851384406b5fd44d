"""The table of export formats: which exist, which this version writes, with which options.

A new format gets ``writable=True`` here and a writer in ``engine.core.exporter``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.runtime.errors import ExportError


@dataclass(frozen=True)
class ExportFormat:
    """One kind of file that a model can become.

    Attributes:
        name: As people write it.
        key: The word after ``format=``; empty for our own file.
        suffix: What the file's name ends with.
        cpu: Whether such files run on CPUs.
        gpu: Whether such files run on GPUs.
        options: Export arguments that have an effect on it, beside imgsz and device.
        way: How to get there from a file that this version writes; empty if it writes the format.
    """

    name: str
    key: str
    suffix: str
    cpu: bool
    gpu: bool
    options: frozenset[str] = frozenset()
    way: str = ""

    @property
    def is_writable(self) -> bool:
        """Whether this version writes it."""
        return not self.way


_ONNX_OPTIONS = frozenset({"batch", "dynamic", "half", "simplify", "opset", "nms"})
_TORCHSCRIPT_OPTIONS = frozenset({"batch", "dynamic", "half", "nms", "optimize"})
_FROM_ONNX = "Export format=onnx and convert the file with "

FORMATS: tuple[ExportFormat, ...] = (
    ExportFormat("TorchScript", "torchscript", ".torchscript", True, True, _TORCHSCRIPT_OPTIONS),
    ExportFormat("ONNX", "onnx", ".onnx", True, True, _ONNX_OPTIONS),
    ExportFormat(
        "OpenVINO",
        "openvino",
        "_openvino_model",
        True,
        False,
        way="Export format=onnx: OpenVINO opens ONNX files as they are, and `ovc` converts them.",
    ),
    ExportFormat("TensorRT", "engine", ".engine", False, True, way=f"{_FROM_ONNX}`trtexec`."),
    ExportFormat(
        "CoreML",
        "coreml",
        ".mlpackage",
        True,
        False,
        way="Export format=torchscript and convert the file with coremltools.",
    ),
    ExportFormat(
        "Core AI",
        "coreai",
        ".aimodel",
        True,
        False,
        way="Export format=onnx as the file to convert with Apple's tools.",
    ),
    ExportFormat(
        "TensorFlow SavedModel",
        "saved_model",
        "_saved_model",
        True,
        True,
        way=f"{_FROM_ONNX}onnx2tf.",
    ),
    ExportFormat("TensorFlow GraphDef", "pb", ".pb", True, True, way=f"{_FROM_ONNX}onnx2tf."),
    ExportFormat(
        "TensorFlow Edge TPU",
        "edgetpu",
        "_edgetpu.tflite",
        True,
        False,
        way=f"{_FROM_ONNX}onnx2tf, then the Edge TPU compiler.",
    ),
    ExportFormat("LiteRT", "litert", ".tflite", True, False, way=f"{_FROM_ONNX}onnx2tf."),
    ExportFormat(
        "PaddlePaddle", "paddle", "_paddle_model", True, True, way=f"{_FROM_ONNX}X2Paddle."
    ),
    ExportFormat("MNN", "mnn", ".mnn", True, True, way=f"{_FROM_ONNX}`MNNConvert -f ONNX`."),
    ExportFormat(
        "NCNN",
        "ncnn",
        "_ncnn_model",
        True,
        True,
        way="Export format=torchscript and convert the file with `pnnx`.",
    ),
    ExportFormat(
        "IMX", "imx", "_imx_model", True, True, way=f"{_FROM_ONNX}Sony's IMX500 converter."
    ),
    ExportFormat("RKNN", "rknn", "_rknn_model", False, False, way=f"{_FROM_ONNX}rknn-toolkit2."),
    ExportFormat(
        "ExecuTorch",
        "executorch",
        "_executorch_model",
        True,
        False,
        way="Load the .pt file in Python and lower `YOLO(...).model` with the executorch package.",
    ),
    ExportFormat(
        "Axelera AI",
        "axelera",
        "_axelera_model",
        False,
        False,
        way=f"{_FROM_ONNX}the Voyager SDK.",
    ),
    ExportFormat("DEEPX", "deepx", "_deepx_model", False, False, way=f"{_FROM_ONNX}DX-COM."),
    ExportFormat(
        "Qualcomm QNN", "qnn", "_qnn.onnx", False, False, way=f"{_FROM_ONNX}qnn-onnx-converter."
    ),
    ExportFormat(
        "Hailo",
        "hailo",
        "_hailo_model",
        False,
        False,
        way=f"{_FROM_ONNX}the Hailo Dataflow Compiler.",
    ),
    ExportFormat(
        "Huawei Ascend", "ascend", "_ascend_model", False, False, way=f"{_FROM_ONNX}`atc`."
    ),
    ExportFormat(
        "AMD Xilinx", "xilinx", "_xilinx_model", True, False, way=f"{_FROM_ONNX}Vitis AI."
    ),
)

# option -> the value that asks for nothing; options that some format takes and others do not
NEUTRAL_OPTIONS: dict[str, Any] = {
    "batch": 1,
    "dynamic": False,
    "half": False,
    "simplify": True,
    "opset": None,
    "nms": None,
    "optimize": False,
    "int8": False,
    "keras": False,
}
_ALIASES = {"tensorrt": "engine", "trt": "engine", "tflite": "litert", "mlpackage": "coreml"}


def find_format(key: str) -> ExportFormat:
    """Return a format that this version writes.

    Raises:
        ExportError: There is no such format, or this version does not write it.
    """
    wanted = str(key).lower().strip().removeprefix(".")
    wanted = _ALIASES.get(wanted, wanted)
    by_key = {f.key: f for f in FORMATS}
    if wanted not in by_key:
        near = difflib.get_close_matches(wanted, by_key, n=1)
        raise ExportError(
            f"there is no export format {key!r}.",
            value=key,
            remedy=f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(by_key)}.",
        )
    found = by_key[wanted]
    if not found.is_writable:
        raise ExportError(
            f"this version does not write {found.name} itself.", value=key, remedy=found.way
        )
    return found


def check_options(found: ExportFormat, given: Mapping[str, Any]) -> None:
    """Refuse options that would have no effect on a format.

    Args:
        found: The format.
        given: Option to value; other arguments may be among them.

    Raises:
        ExportError: An option asks for something that the format does not take.
    """
    for option, neutral in NEUTRAL_OPTIONS.items():
        value = given.get(option, neutral)
        if value == neutral or option in found.options:
            continue
        takers = [f.key for f in FORMATS if f.is_writable and option in f.options]
        raise ExportError(
            f"{option}={value} has no effect on {found.name}.",
            value=value,
            remedy=f"Leave it out; {option} is for format={' or '.join(takers)}."
            if takers
            else "Leave it out; none of the formats that this version writes takes it.",
        )
