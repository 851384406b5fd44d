"""Results in words and as label text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engine.core.results import Results

# Classes that take less of an image than this are left out of its sentence.
SMALLEST_SHARE = 0.01


def describe(result: Results) -> str:
    """Give a result in a few words: ``2 bolts, 1 nut, ``, ``cat 0.97, dog 0.02, `` or ``sky 61%, road 39%, ``."""
    if result.probs is not None:
        probs = result.probs.cpu().numpy()
        likeliest = zip(probs.top5, probs.top5conf, strict=True)
        return "".join(f"{result.names[number]} {share:.2f}, " for number, share in likeliest)
    if result.semantic_mask is not None:
        shares = sorted(result.semantic_mask.ratios.items(), key=lambda item: -item[1])
        return "".join(
            f"{result.names[number]} {share:.0%}, "
            for number, share in shares
            if share >= SMALLEST_SHARE
        )
    found = result.objects
    if found is None or not len(found):
        return "(no detections), "
    return count_classes(found.cls, result.names)


def count_classes(classes: Any, names: dict[int, str]) -> str:
    """Give ``2 bolts, 1 nut, `` in the order of the class numbers."""
    numbers, counts = np.unique(np.asarray(classes.tolist(), dtype=int), return_counts=True)
    return "".join(
        f"{count} {names[int(number)]}{'s' if count > 1 else ''}, "
        for number, count in zip(numbers, counts, strict=True)
    )


def label_lines(result: Results, save_conf: bool) -> list[str]:
    """Give a result's lines of YOLO label text; for classes of the whole image ``probability name`` lines."""
    if result.probs is not None:
        return top_lines(result.probs.cpu().numpy().data, result.names)
    found = result.objects
    if found is None:
        return []
    result = result.cpu().numpy()
    found = result.objects
    scores = found.conf if save_conf else None
    if result.obb is not None:
        corners = list(result.obb.xyxyxyxyn)
        return format_lines(found.cls, found.xyxy, corners, scores, found.id)
    outlines = None if result.masks is None else result.masks.xyn
    points = None if result.keypoints is None else _point_values(result.keypoints)
    return format_lines(found.cls, found.xywhn, outlines, scores, found.id, points)


def top_lines(probabilities: np.ndarray, names: Mapping[int, str], count: int = 5) -> list[str]:
    """Give ``probability name`` lines of the likeliest classes (nc,), best first."""
    best = np.argsort(-probabilities, kind="stable")[:count].tolist()
    return [f"{probabilities[number]:.2f} {names[number]}" for number in best]


def format_lines(
    classes: np.ndarray,
    boxes_xywhn: np.ndarray,
    outlines_n: Sequence[np.ndarray] | None = None,
    scores: np.ndarray | None = None,
    tracks: np.ndarray | None = None,
    points_n: np.ndarray | None = None,
) -> list[str]:
    """Give lines of YOLO label text: ``class x y w h`` or ``class x1 y1 x2 y2 ...``, all in 0..1.

    An object whose outline is empty is written as its box. Keypoints, (N, K * 2 or 3), follow the box.
    """
    lines = []
    for i, (number, box) in enumerate(zip(classes, boxes_xywhn, strict=True)):
        outline = outlines_n[i] if outlines_n is not None else ()
        values = np.asarray(outline if len(outline) > 2 else box).reshape(-1)
        words = [str(int(number)), *(f"{v:.6g}" for v in values)]
        words += [] if points_n is None else [f"{v:.6g}" for v in points_n[i]]
        words += [] if scores is None else [f"{scores[i]:.6g}"]
        words += [] if tracks is None else [str(int(tracks[i]))]
        lines.append(" ".join(words))
    return lines


def _point_values(keypoints: Any) -> np.ndarray:
    """Give (N, K * 2 or 3): x and y as fractions and, where there is one, how surely each point is seen."""
    parts = [keypoints.xyn]
    if keypoints.has_visible:
        parts.append(keypoints.conf[..., None])
    joined = np.concatenate(parts, -1)
    # not -1: without an object nothing says how many numbers a row has
    return joined.reshape(len(joined), joined.shape[1] * joined.shape[2])
