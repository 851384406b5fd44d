"""Arguments of export. Which of them a format takes is in ``engine.export.formats``."""

from __future__ import annotations

from engine.cfg.argument import Argument

_EXPORT = ("export",)
EXPORT_FORMATS = (
    "torchscript",
    "onnx",
    "openvino",
    "engine",
    "coreml",
    "saved_model",
    "pb",
    "edgetpu",
    "tflite",
    "tfjs",
    "paddle",
    "mnn",
    "ncnn",
    "imx",
    "rknn",
    "executorch",
)
# what other programs call them -> ours
FORMAT_ALIASES = {
    "tensorrt": "engine",
    "trt": "engine",
    "litert": "tflite",
    "mlpackage": "coreml",
    "tensorflow": "saved_model",
    "graphdef": "pb",
}

EXPORT: tuple[Argument, ...] = (
    Argument(
        "format",
        "str",
        "torchscript",
        "The kind of file to write: onnx runs nearly everywhere, torchscript in any PyTorch program.",
        "Export",
        (*_EXPORT, "benchmark"),
        choices=EXPORT_FORMATS,
        advanced=False,
    ),
    Argument(
        "dynamic",
        "bool",
        False,
        "Let the exported model take batches and image sizes other than those it was exported with.",
        "Export",
        _EXPORT,
        advanced=False,
    ),
    Argument(
        "simplify",
        "bool",
        True,
        "Fold constants and remove needless operations from an ONNX graph.",
        "Export",
        _EXPORT,
        advanced=False,
    ),
    Argument(
        "opset",
        "int",
        None,
        "ONNX operator set version, for an old runtime. Empty takes the newest that works everywhere.",
        "Export",
        _EXPORT,
        low=12,
        high=20,
    ),
    Argument(
        "nms",
        "bool",
        None,  # said outright, False is another wish than silence
        "Remove duplicate boxes: False takes the branch that makes none, where there is one (YOLO26). True "
        "builds the removal into an exported file, with conf, iou, max_det, agnostic_nms.",
        "Export",
        ("val", "predict", *_EXPORT),
        tasks=("detect", "segment", "pose", "obb"),
    ),
    Argument(
        "optimize",
        "bool",
        False,
        "Freeze a TorchScript file: weights become constants, and what depends on them only is computed once.",
        "Export",
        _EXPORT,
    ),
    Argument(
        "int8",
        "bool",
        False,
        "Store and compute with 8-bit numbers, for small devices. Needs data to calibrate with.",
        "Export",
        (*_EXPORT, "benchmark"),
    ),
    Argument(
        "keras",
        "bool",
        False,
        "Write a TensorFlow model in Keras form.",
        "Export",
        _EXPORT,
    ),
    Argument(
        "workspace",
        "float",
        4.0,
        "Memory in GiB that TensorRT may use while it optimises.",
        "Export",
        _EXPORT,
        low=0.0,
        optional=True,
    ),
)
