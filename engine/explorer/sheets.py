"""Pictures of a table side by side, and the chart of how alike its pictures are."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from engine.data.images import read_image
from engine.data.transforms.letterbox import LetterBox
from engine.drawing.mosaic import plot_images

SIDE = 320
MOST = 64


def draw_sheet(
    rows: Sequence[Mapping[str, Any]], labels: bool, names: Sequence[str]
) -> Image.Image:
    """Draw pictures side by side.

    Args:
        rows: With ``im_file``; ``bboxes``, ``cls`` for the objects, ``_distance`` for the caption.
        labels: Draw the objects.
        names: Class names.
    """
    rows = rows[:MOST]
    pictures = [np.full((SIDE, SIDE, 3), 255, np.uint8)] if not rows else []
    objects: dict[str, list[Any]] = {"batch_idx": [], "cls": [], "bboxes": []}
    for number, row in enumerate(rows):
        image = read_image(row["im_file"], min_side=SIDE)
        pictures.append(LetterBox(SIDE)(image=image))
        if labels:
            _add_objects(objects, row, number)
    batch = {
        "img": np.stack(pictures)[..., ::-1].transpose(0, 3, 1, 2),
        "im_file": [str(row["im_file"]) for row in rows],
        "captions": [f"{row['_distance']:.3f}" if "_distance" in row else "" for row in rows],
        "batch_idx": np.array(objects["batch_idx"], dtype=np.int64),
        "cls": np.array(objects["cls"], dtype=np.int64),
        "bboxes": np.array(objects["bboxes"], dtype=np.float64).reshape(-1, 4),
    }
    drawn = plot_images(batch, names=dict(enumerate(names)), max_images=MOST)
    return Image.fromarray(np.ascontiguousarray(drawn[..., ::-1]))


def draw_counts(counts: Sequence[int], max_dist: float) -> Image.Image:
    """Draw how many pictures are near each picture, the most first."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    ordered = sorted(counts, reverse=True)
    chart = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(chart)
    axes = chart.subplots()
    axes.bar(range(len(ordered)), ordered, width=1.0)
    axes.set(
        xlabel="Images, by how many are near",
        ylabel=f"Images within {max_dist:g}",
        title="How alike the images are",
    )
    for axis in (axes.xaxis, axes.yaxis):  # they count pictures
        axis.set_major_locator(MaxNLocator(integer=True))
    buffer = io.BytesIO()
    chart.savefig(buffer, format="png", dpi=100)
    buffer.seek(0)
    return Image.open(buffer).convert("RGB")


def _add_objects(objects: dict[str, list[Any]], row: Mapping[str, Any], number: int) -> None:
    """Add the boxes of a picture as fractions of its square cell."""
    width, height = row["width"], row["height"]
    longer = max(width, height)
    for label, (x1, y1, x2, y2) in zip(row["cls"], row["bboxes"], strict=False):
        left, top = (longer - width) / 2, (longer - height) / 2
        box = ((x1 + x2) / 2 + left, (y1 + y2) / 2 + top, x2 - x1, y2 - y1)
        objects["batch_idx"].append(number)
        objects["cls"].append(label)
        objects["bboxes"].append([v / longer for v in box])
