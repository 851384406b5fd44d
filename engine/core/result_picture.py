"""Results as pictures: drawn on their image, and what is inside each box cut out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.drawing.annotator import Annotator
from engine.drawing.mosaic import write_picture
from engine.drawing.palette import colors

if TYPE_CHECKING:
    from engine.core.results import Results

# A crop takes in a little of what surrounds the object.
CROP_GAIN = 1.02
CROP_MARGIN_PX = 10


def draw_result(
    result: Results,
    picture: np.ndarray,
    style: Mapping[str, Any],
    shown: Mapping[str, bool],
    color_mode: str,
) -> np.ndarray:
    """Draw a result.

    Args:
        result: The predictions.
        picture: (H, W, 3) uint8 BGR of the image's size, drawn into.
        style: ``line_width``, ``font_size``, ``font``, ``pil``.
        shown: Whether to draw ``boxes``, ``masks``, ``labels``, ``conf``.
        color_mode: ``class`` or ``instance``.

    Raises:
        ValueError: The colour mode is neither.
    """
    if color_mode not in ("class", "instance"):
        raise ValueError(f"expected color_mode class or instance, received {color_mode!r}")
    annotator = Annotator(picture, example=result.names, **style)
    if result.boxes is None:
        return annotator.result()
    boxes = result.boxes.cpu().numpy()
    classes = boxes.cls.astype(int).tolist()
    numbers = classes if color_mode == "class" else range(len(classes))
    inks = [colors(number, bgr=True) for number in numbers]
    if result.masks is not None and shown["masks"]:
        annotator.polygons(result.masks.xy, inks)
    if shown["boxes"]:
        for i in reversed(range(len(boxes))):  # the surest on top
            text = _label(result, boxes, i, shown) if shown["labels"] else ""
            annotator.box_label(boxes.xyxy[i], text, inks[i])
    return annotator.result()


def save_crops(result: Results, folder: Path, stem: str) -> None:
    """Write what is inside each box to ``folder/CLASS/STEM.jpg``, ``STEM2.jpg``, ..."""
    if result.boxes is None:
        return
    boxes = result.boxes.cpu().numpy()
    for i, (number, xywh) in enumerate(zip(boxes.cls, boxes.xywh, strict=True)):
        path = folder / result.names[int(number)] / f"{stem}{i + 1 if i else ''}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, crop(result.orig_img, xywh))


def crop(image: np.ndarray, xywh: np.ndarray) -> np.ndarray:
    """Cut a box with a little margin out of an image, cut at its border."""
    size = xywh[2:] * CROP_GAIN + CROP_MARGIN_PX
    height, width = image.shape[:2]
    x1, y1 = np.clip(xywh[:2] - size / 2, 0, [width - 1, height - 1]).astype(int)
    x2, y2 = np.clip(np.ceil(xywh[:2] + size / 2), [x1 + 1, y1 + 1], [width, height]).astype(int)
    return image[y1:y2, x1:x2]


def _label(result: Results, boxes: Any, i: int, shown: Mapping[str, bool]) -> str:
    name = result.names[int(boxes.cls[i])]
    track = f"id:{int(boxes.id[i])} " if boxes.id is not None else ""
    return f"{track}{name} {boxes.conf[i]:.2f}" if shown["conf"] else f"{track}{name}"
