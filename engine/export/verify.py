"""Does an exported file give what the model gives? Measured on an image, output by output."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from engine.export.duplicates import remove_duplicates, suppress_by_operator
from engine.export.graph import ExportGraph
from engine.nn.autobackend import AutoBackend
from engine.nn.backends.backend import brought_to_form, run_in_batches
from engine.nn.backends.metadata import TASKS_WITHOUT_BOXES, Metadata
from engine.nn.checkpoint import load_checkpoint
from engine.nn.tasks import BaseModel

MIB = 2**20
PARTS = ("boxes_px", "scores", "extras")
# rounds to half or less -> how far that may move scores
MARGINS = {False: 1e-5, True: 0.02}
# so far apart two detections are the same; half of it is what float16 does to boxes
SAME_PX = 0.5


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
        ``max_abs_diff``; the largest differences in parts of the first output, ``boxes_px`` and ``scores``
        (of a semantic segmentation ``scores`` are the logits); ``max_abs_diff``, the largest of all. Rows
        of detections are compared with their likes, for rows of nearly equal scores may swap places.
        With removal of duplicates inside also ``rows_apart``, how many detections one side kept and the
        other did not: next to a threshold rounding decides, so a few are no fault.

    Raises:
        ModelError: The file cannot be opened.
    """
    path = Path(path)
    exported = AutoBackend(path, device)
    if not isinstance(model, BaseModel):
        model = load_checkpoint(model).model
    size = _input_size(imgsz, exported)
    images = to_input(image_bgr, size).to(exported.device)
    metadata = exported.metadata
    plain = replace(metadata, half=False, int8=False, nms=False)
    with torch.no_grad():
        ours = ExportGraph(model, plain, exported.device)(images)
        theirs = run_in_batches(exported.backend, images)
    parts = _compare_first(ours[0], theirs[0], metadata)
    others = [_largest(a, b) for a, b in zip(ours[1:], theirs[1:], strict=True)]
    largest = [max(parts.values()), *others]
    outputs = {
        f"output{i}": {"shape": list(theirs[i].shape), "max_abs_diff": difference}
        for i, difference in enumerate(largest)
    }
    return {
        "path": str(path),
        "size_mib": round(size_of(path) / MIB, 3),
        "imgsz": list(size),
        "outputs": outputs,
        **{name: found for name, found in parts.items() if name != "extras"},
        **({"rows_apart": _rows_apart(ours[0], theirs[0], metadata)} if metadata.nms else {}),
        "max_abs_diff": max(largest),
    }


def compare_rows(ours: Tensor, theirs: Tensor, margin: float) -> dict[str, float]:
    """Return the largest differences between rows (1, N, 6 + extras) of detections, best first.

    Args:
        ours: The model's.
        theirs: The file's.
        margin: Which rows are the last ones taken, rounding decides: those of scores so close to the last
            one's are compared by their scores only.

    Returns:
        ``boxes_px``, ``scores`` and ``extras``; a class that differs counts as a score that does.
    """
    a, b = ours[0].float().cpu(), theirs[0].float().cpu()
    by_score = _largest(a[:, 4], b[:, 4])
    sure = a[a[:, 4] > a[-1:, 4] + margin]
    if not len(sure):
        return {"boxes_px": 0.0, "scores": by_score, "extras": 0.0}
    nearest = b[torch.cdist(sure, b, p=float("inf")).argmin(1)]
    return {
        "boxes_px": _largest(sure[:, :4], nearest[:, :4]),
        "scores": max(by_score, _largest(sure[:, 4:6], nearest[:, 4:6])),
        "extras": _largest(sure[:, 6:], nearest[:, 6:]),
    }


def _compare_first(ours: Tensor, theirs: Tensor, metadata: Metadata) -> dict[str, float]:
    """Return the largest differences in each part of the first output."""
    if metadata.task in TASKS_WITHOUT_BOXES:
        return {"scores": _largest(ours, theirs)}
    if metadata.end2end:
        return compare_rows(ours, theirs, MARGINS[metadata.half or metadata.int8])
    classes = len(metadata.names)
    if metadata.nms or ours.shape != theirs.shape:  # the image says how many there are
        ours, theirs = _likes(ours, theirs, classes)
    sizes = (4, classes, ours.shape[1] - 4 - classes)
    pairs = zip(PARTS, ours.split(sizes, 1), theirs.split(sizes, 1), strict=True)
    return {part: _largest(a, b) for part, a, b in pairs}


def _likes(dense: Tensor, kept: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Return for each detection that a file kept what the model gives there, and the detection.

    Both are (N, 4 + nc + extras); of the scores only that of the detection's class is left, so that two
    classes of nearly equal scores make no difference.
    """
    all_rows, rows = _as_rows(dense, classes), _as_rows(kept, classes)
    used = rows[:, 4] > 0
    rows = rows[used]
    measure = [*range(5), *range(6, rows.shape[1])]  # all but the class
    nearest = torch.cdist(rows[:, measure], all_rows[:, measure], p=float("inf")).argmin(1)
    ours = dense[0].float().cpu().T[nearest]
    theirs = kept[0].float().cpu().T[used]
    ours[:, 4 : 4 + classes] *= theirs[:, 4 : 4 + classes] > 0
    return ours, theirs


def _rows_apart(dense: Tensor, theirs: Tensor, metadata: Metadata) -> int:
    """Return how many detections only one side has, by box, score and class."""
    rows = remove_duplicates(dense, metadata, suppress_by_operator)
    ours = brought_to_form((rows,), metadata)[0]
    first, second = (_as_rows(side, len(metadata.names)) for side in (ours, theirs))
    first, second = (side[side[:, 4] > 0, :6] for side in (first, second))
    if not len(first) or not len(second):
        return len(first) + len(second)
    distance = torch.cdist(first, second, p=float("inf"))
    return int((distance.amin(1) > SAME_PX).sum() + (distance.amin(0) > SAME_PX).sum())


def _as_rows(dense: Tensor, classes: int) -> Tensor:
    """Turn (1, 4 + nc + extras, N) into rows (N, 6 + extras): box, best score, its class, extras."""
    boxes, scores, extras = (
        dense[0].float().cpu().T.split((4, classes, dense.shape[1] - 4 - classes), 1)
    )
    score, label = scores.max(1, keepdim=True)
    return torch.cat((boxes, score, label.to(score.dtype), extras), 1)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def to_input(image_bgr: np.ndarray, size: tuple[int, int]) -> Tensor:
    """Turn an image (H, W, 3) uint8 BGR into an input (1, 3, height, width) float32 RGB 0..1."""
    height, width = size
    resized = cv2.resize(image_bgr, (width, height))
    return torch.from_numpy(resized[..., ::-1].transpose(2, 0, 1).copy())[None].float() / 255


def _input_size(imgsz: int | tuple[int, int] | None, exported: AutoBackend) -> tuple[int, int]:
    if not exported.dynamic or imgsz is None:
        return exported.imgsz
    return (imgsz, imgsz) if isinstance(imgsz, int) else (int(imgsz[0]), int(imgsz[1]))


def _largest(a: Tensor, b: Tensor) -> float:
    return float((a.float().cpu() - b.float().cpu()).abs().max()) if a.numel() else 0.0
