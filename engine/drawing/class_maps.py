"""Pictures and charts of semantic segmentation: class maps over images, the classes' shares and scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from engine.drawing.annotator import Annotator
from engine.drawing.figures import figure
from engine.drawing.palette import colors

_IGNORED = 255
_MOST_NAMED = 60  # more names would not be legible
_LEAST_NAMED = 0.01  # share of a picture that a region must have to be named


def draw_class_map(
    cell: np.ndarray, classes: np.ndarray, names: Mapping[int, str] | None = None
) -> None:
    """Tint each pixel of a picture by its class and write the names of large regions, in place.

    Args:
        cell: (H, W, 3) uint8 BGR.
        classes: Class numbers (h, w), 255 where there is none; any size.
        names: Class names by id.
    """
    height, width = cell.shape[:2]
    numbers = cv2.resize(classes.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    present = [int(i) for i in np.unique(numbers) if i != _IGNORED]
    annotator = Annotator(cell, font_size=max(11, height // 36), example=dict(names or {}))
    annotator.class_map(numbers.astype(np.int64), {i: colors(i, bgr=True) for i in present})
    for label in present:
        at = _middle_of_largest(numbers == label)
        if at is not None:
            text, (x, y) = (names or {}).get(label, str(label)), at
            annotator.text_label((x, y, x, y), text, colors(label, bgr=True), margin=2)


def plot_class_scores(scores: np.ndarray, names: Mapping[int, str], save_dir: str | Path) -> Path:
    """Draw the intersection over union of each class, best first, to ``iou_bar_chart.png``.

    Args:
        scores: (nc,), not-a-number for a class that does not occur.
        names: Class names by id.
        save_dir: Folder.
    """
    path = Path(save_dir) / "iou_bar_chart.png"
    occurring = np.flatnonzero(~np.isnan(scores))
    order = occurring[np.argsort(-scores[occurring], kind="stable")]
    with figure(path, 8, max(2.5, 1.2 + 0.28 * min(len(order), _MOST_NAMED))) as chart:
        axes = chart.subplots()
        places = np.arange(len(order))
        inks = [np.array(colors(int(i))) / 255 for i in order]
        axes.barh(places, scores[order], color=inks)
        if len(order) <= _MOST_NAMED:
            axes.set_yticks(places, [names.get(int(i), str(i)) for i in order], fontsize="small")
            for place, i in zip(places, order, strict=True):
                axes.text(
                    scores[i] + 0.005, place, f"{scores[i]:.3f}", va="center", fontsize="small"
                )
        mean = float(scores[order].mean()) if len(order) else 0.0
        axes.axvline(mean, color="black", linestyle="--", linewidth=1)
        axes.invert_yaxis()
        axes.set(title=f"IoU of each class, mean {mean:.3f}", xlabel="IoU", xlim=(0, 1.08))
    return path


def plot_class_pixels(pixels: np.ndarray, names: Mapping[int, str], save_dir: str | Path) -> Path:
    """Draw which share of all pixels each class has and in how many images it occurs, to ``labels.jpg``.

    Args:
        pixels: (images, nc) pixels of each class in each image.
        names: Class names by id.
        save_dir: Folder.
    """
    path = Path(save_dir) / "labels.jpg"
    shares = pixels.sum(0) / max(pixels.sum(), 1)
    present = (pixels > 0).sum(0)
    places = np.arange(len(shares))
    inks = [np.array(colors(int(i))) / 255 for i in places]
    with figure(path, 9, 8) as chart:
        for axes, values, label, title in zip(
            chart.subplots(2, 1),
            (shares, present),
            ("share of pixels", "images"),
            ("Pixels of each class", "Images with each class"),
            strict=True,
        ):
            axes.bar(places, values, color=inks)
            axes.set(title=title, ylabel=label)
            if len(places) <= _MOST_NAMED:
                ticks = [names.get(int(i), str(i)) for i in places]
                axes.set_xticks(places, ticks, rotation=90, fontsize="small")
    return path


def _middle_of_largest(mask: np.ndarray) -> tuple[int, int] | None:
    """Return the innermost point x, y of a mask's largest region, None where that is small."""
    _, regions, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    if not len(areas) or areas.max() < _LEAST_NAMED * mask.size:
        return None
    region = (regions == 1 + int(areas.argmax())).astype(np.uint8)
    inside = cv2.distanceTransform(np.pad(region, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(x), int(y)
