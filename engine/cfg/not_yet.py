"""What the schema knows but this version cannot do, each with its reason: the one list to shorten.

Giving such an argument another value than its default is refused with the reason, never ignored.
"""

from __future__ import annotations

_FORMAT = "this version writes onnx and torchscript"

NOT_YET: dict[str, str] = {
    "angle": "it belongs to oriented boxes, which this version does not train yet",
    "augment": "this version looks at each image once",
    "compile": "this version runs the network as it is",
    "cutmix": "this version blends images with mosaic and mixup only",
    "dnn": "this version runs ONNX models with onnxruntime",
    "embed": "this version returns detections, not feature vectors",
    "int8": _FORMAT + ", neither in 8 bits",
    "keras": _FORMAT,
    "profile": "this version does not measure exported models during training",
    "save_frames": "this version writes videos and pictures, not the frames of videos",
    "save_hybrid": "this version keeps labels and predictions apart",
    "show": "the engine opens no window; use save=True, or the studio",
    "stream_buffer": "this version reads files, not cameras",
    "tracker": "this version does not follow objects from frame to frame",
    "visualize": "this version does not draw the layers' responses",
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
        "track": "this version does not follow objects from frame to frame",
        "benchmark": "use `python -m benchmarks`",
    },
}

_LEARNS = "this version does not train and validate them; {task} models predict and export"

# mode -> task -> why not
NOT_YET_TASKS: dict[str, dict[str, str]] = {
    mode: {task: _LEARNS.format(task=task) for task in ("obb",)}
    for mode in ("train", "val")
}
