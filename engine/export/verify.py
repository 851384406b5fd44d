"""Does an exported file give what the model gives? Measured on an image, output by output."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from engine.export.graph import ExportGraph
from engine.nn.autobackend import AutoBackend
from engine.nn.backends.backend import expand_detections, run_in_batches
from engine.nn.checkpoint import load_checkpoint
from engine.nn.tasks import BaseModel

MIB = 2**20


def compare(
    model: BaseModel | str | Path,
    path: str | Path,
    image_bgr: np.ndarray,
    imgsz: int | tuple[int, int] | None = None,
    device: str | torch.device = "cpu",
) -> dict[str, Any]:
    """Run an exported file and the PyTorch model on the same image.

    Args:
        model: The model that was exported, or its ``.pt`` file.
        path: The exported file.
        image_bgr: (H, W, 3) uint8. It is stretched to the input size.
        imgsz: Side or (height, width) of the input, for files that leave it free; others say their own.
        device: Where both run.

    Returns:
        ``path``, ``size_mib``, ``imgsz`` [height, width]; ``outputs``, for each output its ``shape`` and
        ``max_abs_diff``; ``boxes_px`` and ``scores``, the largest differences of those parts of the first
        output; ``max_abs_diff``, the largest of all.

    Raises:
        ModelError: The file cannot be opened.
    """
    path = Path(path)
    exported = AutoBackend(path, device)
    if not isinstance(model, BaseModel):
        model = load_checkpoint(model).model
    size = _input_size(imgsz, exported)
    images = to_input(image_bgr, size).to(exported.device)
    metadata = replace(exported.metadata, half=False)
    with torch.no_grad():
        ours = ExportGraph(model, metadata, exported.device)(images)
        theirs = run_in_batches(exported.backend, images)
    if metadata.nms:
        ours = (expand_detections(ours[0], len(metadata.names)), *ours[1:])
        theirs = (_aligned(ours[0], theirs[0]), *theirs[1:])
    largest = [_largest(a, b) for a, b in zip(ours, theirs, strict=True)]
    outputs = {
        f"output{i}": {"shape": list(theirs[i].shape), "max_abs_diff": difference}
        for i, difference in enumerate(largest)
    }
    classes = 4 + len(metadata.names)
    return {
        "path": str(path),
        "size_mib": round(path.stat().st_size / MIB, 3),
        "imgsz": list(size),
        "outputs": outputs,
        "boxes_px": _largest(ours[0][:, :4], theirs[0][:, :4]),
        "scores": _largest(ours[0][:, 4:classes], theirs[0][:, 4:classes]),
        "max_abs_diff": max(largest),
    }


def to_input(image_bgr: np.ndarray, size: tuple[int, int]) -> Tensor:
    """Turn an image (H, W, 3) uint8 BGR into an input (1, 3, height, width) float32 RGB 0..1."""
    height, width = size
    resized = cv2.resize(image_bgr, (width, height))
    return torch.from_numpy(resized[..., ::-1].transpose(2, 0, 1).copy())[None].float() / 255


def _input_size(imgsz: int | tuple[int, int] | None, exported: AutoBackend) -> tuple[int, int]:
    if not exported.dynamic or imgsz is None:
        return exported.imgsz
    return (imgsz, imgsz) if isinstance(imgsz, int) else (int(imgsz[0]), int(imgsz[1]))


def _aligned(ours: Tensor, theirs: Tensor) -> Tensor:
    """Reorder detections (1, C, N) to the nearest of ours: rows of nearly equal scores may swap."""
    nearest = torch.cdist(ours[0].T, theirs[0].T, p=float("inf")).argmin(1)
    return theirs[:, :, nearest]


def _largest(a: Tensor, b: Tensor) -> float:
    return float((a.float().cpu() - b.float().cpu()).abs().max()) if a.numel() else 0.0
