"""Results in words and numbers: counts, label text, dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engine.core.results import Results


def count_classes(classes: Any, names: Mapping[int, str]) -> str:
    """Give ``2 bolts, 1 nut, `` in the order of the class numbers."""
    numbers, counts = np.unique(np.asarray(classes.tolist(), dtype=int), return_counts=True)
    return "".join(
        f"{count} {names[int(number)]}{'s' if count > 1 else ''}, "
        for number, count in zip(numbers, counts, strict=True)
    )


def label_lines(result: Results, save_conf: bool) -> list[str]:
    """Give a result's lines of YOLO label text."""
    if result.boxes is None:
        return []
    boxes = result.boxes.cpu().numpy()
    outlines = None if result.masks is None else result.masks.xyn
    return format_lines(
        boxes.cls, boxes.xywhn, outlines, boxes.conf if save_conf else None, boxes.id
    )


def format_lines(
    classes: np.ndarray,
    boxes_xywhn: np.ndarray,
    outlines_n: Sequence[np.ndarray] | None = None,
    scores: np.ndarray | None = None,
    tracks: np.ndarray | None = None,
) -> list[str]:
    """Give lines of YOLO label text: ``class x y w h`` or ``class x1 y1 x2 y2 ...``, all in 0..1.

    An object whose outline is empty is written as its box.
    """
    lines = []
    for i, (number, box) in enumerate(zip(classes, boxes_xywhn, strict=True)):
        outline = outlines_n[i] if outlines_n is not None else ()
        values = np.asarray(outline if len(outline) > 2 else box).reshape(-1)
        words = [str(int(number)), *(f"{v:.6g}" for v in values)]
        words += [] if scores is None else [f"{scores[i]:.6g}"]
        words += [] if tracks is None else [str(int(tracks[i]))]
        lines.append(" ".join(words))
    return lines


def detection_rows(result: Results, normalize: bool, decimals: int) -> list[dict[str, Any]]:
    """Give one dictionary an object."""
    if result.boxes is None:
        return []
    boxes = result.boxes.cpu().numpy()
    corners = boxes.xyxyn if normalize else boxes.xyxy
    outlines = None
    if result.masks is not None:
        outlines = result.masks.xyn if normalize else result.masks.xy
    rows = []
    for i, (number, conf) in enumerate(zip(boxes.cls, boxes.conf, strict=True)):
        box = {
            k: _round(v, decimals)
            for k, v in zip(("x1", "y1", "x2", "y2"), corners[i], strict=True)
        }
        row = {
            "name": result.names[int(number)],
            "class": int(number),
            "confidence": _round(conf, decimals),
            "box": box,
        }
        if boxes.id is not None:
            row["track_id"] = int(boxes.id[i])
        if outlines is not None:
            row["segments"] = {
                axis: [_round(v, decimals) for v in outlines[i][:, k]]
                for k, axis in enumerate("xy")
            }
        rows.append(row)
    return rows


def _round(value: Any, decimals: int) -> float:
    return round(float(value), decimals)
