"""What the schema knows but this version cannot do, each with its reason: the one list to shorten.

Giving such an argument another value than its default is refused with the reason, never ignored.
"""

from __future__ import annotations

_FORMAT = "this version writes onnx and torchscript"

NOT_YET: dict[str, str] = {
    "dnn": "this version runs ONNX models with onnxruntime",
    "int8": _FORMAT + ", neither in 8 bits",
    "keras": _FORMAT,
    "workspace": "it belongs to TensorRT; " + _FORMAT,
}

_LATER_FORMATS = [
    "openvino",
    "engine",
    "coreml",
    "saved_model",
    "pb",
    "tflite",
    "edgetpu",
    "tfjs",
    "paddle",
    "mnn",
    "ncnn",
    "imx",
    "rknn",
    "executorch",
]

NOT_YET_CHOICES: dict[str, dict[str, str]] = {
    "format": dict.fromkeys(_LATER_FORMATS, _FORMAT),
    "mode": {
        "benchmark": "use `python -m benchmarks`",
    },
}

# mode -> task -> why not
NOT_YET_TASKS: dict[str, dict[str, str]] = {}
