"""The table of export formats: which exist, which this version writes, with which options and tools.

A new format gets its row here, a file of its own in this room and a line in :mod:`engine.export.writers`.
Loads no torch: the studio's window reads it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.cfg.tables.export import FORMAT_ALIASES
from engine.export.tools import Tool, check_tools, missing_tools
from engine.runtime.errors import ExportError


@dataclass(frozen=True)
class ExportFormat:
    """One kind of file that a model can become.

    Attributes:
        name: As people write it.
        key: The word after ``format=``; empty for our own file.
        suffix: What the name of the file or folder ends with.
        cpu: Whether such files run on CPUs.
        gpu: Whether such files run on GPUs.
        options: Export arguments that have an effect on it, beside imgsz and device.
        needs: What must be installed to write it.
        systems: Operating systems on which it can be written; empty for all.
        half: Where ``half=True`` rounds to 16 bits: ``graph`` lets the layers compute in float16, ``tool``
            leaves it to the format's own tool.
        int8_needs: What must be installed besides for ``int8=True``.
        runs: Whether this program runs such files, where their runtime is.
        way: How to get there from a file that this version writes; empty if it writes the format.
    """

    name: str
    key: str
    suffix: str
    cpu: bool
    gpu: bool
    options: frozenset[str] = frozenset()
    needs: tuple[Tool, ...] = ()
    int8_needs: tuple[Tool, ...] = ()
    systems: tuple[str, ...] = ()
    half: Literal["graph", "tool"] = "tool"
    runs: bool = True
    way: str = ""

    @property
    def is_writable(self) -> bool:
        """Whether this version writes it, given its tools."""
        return not self.way

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of several files."""
        return "." not in self.suffix or self.suffix == ".mlpackage"

    def missing(self) -> list[str]:
        """Return what would have to be installed, each as an instruction; empty where all is there."""
        return list(dict.fromkeys(tool.install for tool in missing_tools(self.needs)))


def _takes(*options: str) -> frozenset[str]:
    return frozenset(options)


_FROM_ONNX = "Export format=onnx and convert the file with "
_CALIBRATED = ("int8", "data", "fraction")
_OPENVINO = Tool("openvino", "pip install openvino")
_TENSORFLOW = Tool("tensorflow", "pip install tensorflow (or tensorflow-cpu)")
_IMX = "pip install model-compression-toolkit imx500-converter (Linux, Java 17 beside them)"

FORMATS: tuple[ExportFormat, ...] = (
    ExportFormat(
        "TorchScript",
        "torchscript",
        ".torchscript",
        True,
        True,
        _takes("batch", "dynamic", "half", "nms", "optimize"),
        half="graph",
    ),
    ExportFormat(
        "ONNX",
        "onnx",
        ".onnx",
        True,
        True,
        _takes("batch", "dynamic", "half", "simplify", "opset", "nms"),
        half="graph",
    ),
    ExportFormat(
        "OpenVINO",
        "openvino",
        "_openvino_model",
        True,
        False,
        _takes("batch", "dynamic", "half", "nms", *_CALIBRATED),
        needs=(_OPENVINO,),
        int8_needs=(Tool("nncf", "pip install nncf"),),
    ),
    ExportFormat(
        "TensorRT",
        "engine",
        ".engine",
        False,
        True,
        _takes("batch", "dynamic", "half", "simplify", "opset", "workspace", "nms", *_CALIBRATED),
        needs=(Tool("tensorrt", "pip install tensorrt (needs an NVIDIA GPU and its driver)"),),
        systems=("Linux", "Windows"),
        half="graph",
    ),
    ExportFormat(
        "CoreML",
        "coreml",
        ".mlpackage",
        True,
        False,
        _takes("batch", "half", "int8"),
        needs=(Tool("coremltools", "pip install coremltools"),),
        systems=("Darwin", "Linux"),
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
        _takes("batch"),
        needs=(_TENSORFLOW,),
    ),
    ExportFormat(
        "TensorFlow GraphDef", "pb", ".pb", True, True, _takes("batch"), needs=(_TENSORFLOW,)
    ),
    ExportFormat(
        "TensorFlow Edge TPU",
        "edgetpu",
        "_edgetpu.tflite",
        True,
        False,
        _takes("data", "fraction"),
        needs=(
            _TENSORFLOW,
            Tool(
                "edgetpu_compiler",
                "Install Google's Edge TPU compiler, a program for Linux: coral.ai/docs/edgetpu/compiler.",
                is_program=True,
            ),
        ),
        systems=("Linux",),
        runs=False,
    ),
    ExportFormat(
        "TensorFlow Lite",
        "tflite",
        ".tflite",
        True,
        False,
        _takes("batch", "half", *_CALIBRATED),
        needs=(_TENSORFLOW,),
    ),
    ExportFormat(
        "TensorFlow.js",
        "tfjs",
        "_web_model",
        True,
        True,
        _takes("batch", "half", "int8"),
        needs=(
            _TENSORFLOW,
            Tool("tensorflowjs", "pip install tensorflowjs (in an environment of its own)"),
        ),
        runs=False,
    ),
    ExportFormat(
        "PaddlePaddle",
        "paddle",
        "_paddle_model",
        True,
        True,
        _takes("batch"),
        needs=(
            Tool("paddle", "pip install paddlepaddle (paddlepaddle-gpu for CUDA)"),
            Tool("x2paddle", "pip install x2paddle six"),
            # the converter mistakes the arithmetic of sizes, which simplifying folds away
            Tool("onnxslim", "pip install onnxslim"),
        ),
    ),
    ExportFormat(
        "MNN",
        "mnn",
        ".mnn",
        True,
        True,
        _takes("batch", "half", "int8"),
        needs=(Tool("MNN", "pip install MNN"),),
    ),
    ExportFormat(
        "NCNN",
        "ncnn",
        "_ncnn_model",
        True,
        True,
        _takes("batch", "half"),
        needs=(Tool("pnnx", "pip install pnnx ncnn", is_program=True),),
    ),
    ExportFormat(
        "IMX",
        "imx",
        "_imx_model",
        True,
        True,
        _takes("data", "fraction"),
        needs=(
            Tool("model_compression_toolkit", _IMX),
            Tool("imxconv-pt", _IMX, is_program=True),
        ),
        systems=("Linux",),
        runs=False,
    ),
    ExportFormat(
        "RKNN",
        "rknn",
        "_rknn_model",
        False,
        False,
        _takes("batch", "name"),
        needs=(Tool("rknn", "pip install rknn-toolkit2 'setuptools<81' (Linux)"),),
        systems=("Linux",),
        runs=False,
    ),
    ExportFormat(
        "ExecuTorch",
        "executorch",
        "_executorch_model",
        True,
        False,
        _takes("batch"),
        needs=(Tool("executorch", "pip install executorch"),),
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
    "workspace": 4.0,
    "data": None,
    "fraction": 1.0,
    "name": None,
}
# Formats that are in 8 bits whether or not int8 is said
ALWAYS_INT8 = ("edgetpu", "imx")


def format_of(path: str | Path) -> ExportFormat | None:
    """Return the format whose suffix the name of a file or folder has; None where it has none.

    Args:
        path: Only its name counts: nothing is opened.
    """
    name = Path(path).name.lower()
    found = [f for f in FORMATS if f.is_writable and name.endswith(f.suffix)]
    return max(found, key=lambda f: len(f.suffix), default=None)


def known_key(word: str) -> str:
    """Return the key that a word after ``format=`` stands for: other programs' names, suffixes, any case."""
    wanted = str(word).lower().strip().removeprefix(".")
    return FORMAT_ALIASES.get(wanted, wanted)


def find_format(key: str) -> ExportFormat:
    """Return a format that this version writes.

    Raises:
        ExportError: There is no such format, or this version does not write it.
    """
    wanted = known_key(key)
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
        if option == "nms" and value is False:  # chooses a branch of the head, in any format
            continue
        if option == "int8" and found.key in ALWAYS_INT8:  # asks for what it is anyway
            continue
        takers = [f.key for f in FORMATS if f.is_writable and option in f.options]
        raise ExportError(
            f"{option}={value} has no effect on {found.name}.",
            value=value,
            remedy=f"Leave it out; {option} is for format={' or '.join(takers)}."
            if takers
            else "Leave it out; none of the formats that this version writes takes it.",
        )


def check_ready(found: ExportFormat, int8: bool = False) -> None:
    """Refuse a format whose tools are not installed, before any work is done.

    Args:
        found: The format.
        int8: Whether eight bits are asked for.

    Raises:
        ExportError: Something is missing; the remedy says what to install.
    """
    check_tools(found.name, (*found.needs, *(found.int8_needs if int8 else ())), found.systems)
