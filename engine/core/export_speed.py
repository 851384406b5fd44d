"""`profile=True`: how fast the trained model is once it is exported, measured after the training."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from engine.core.exporter import Exporter
from engine.nn.autobackend import AutoBackend
from engine.nn.base_model import BaseModel

WARM_UPS = 2
RUNS = 10


def exported_speed(model: BaseModel, imgsz: int, device: torch.device) -> dict[str, Any]:
    """Export a model to ONNX in a passing folder and time it beside the network itself.

    Args:
        model: The trained network; it stays as it is.
        imgsz: Side of the square input in pixels.
        device: Where the network runs; the exported file runs there too if its runtime can.

    Returns:
        ``onnx_ms`` and ``pytorch_ms``, medians of single images, ``onnx_mib``, ``imgsz`` and ``device``.

    Raises:
        ExportError: The model cannot be exported.
        ModelError: Nothing here runs the exported file.
    """
    with tempfile.TemporaryDirectory() as folder:
        exporter = Exporter(overrides={"format": "onnx", "imgsz": imgsz, "device": "cpu"})
        path = exporter(model, Path(folder) / "model.onnx")
        found = {
            "onnx_ms": _milliseconds(AutoBackend(path, device), imgsz),
            "onnx_mib": round(path.stat().st_size / 2**20, 2),
        }
    return {
        **found,
        "pytorch_ms": _milliseconds(AutoBackend(model, device), imgsz),
        "imgsz": imgsz,
        "device": str(device),
    }


def _milliseconds(backend: AutoBackend, imgsz: int) -> float:
    """Give the median time of one empty image."""
    image = torch.zeros(1, backend.metadata.channels, imgsz, imgsz, device=backend.device)
    times = []
    for number in range(WARM_UPS + RUNS):
        started = time.perf_counter()
        backend.forward(image)
        if backend.device.type == "cuda":
            torch.cuda.synchronize(backend.device)
        if number >= WARM_UPS:
            times.append(1e3 * (time.perf_counter() - started))
    return round(statistics.median(times), 3)
