"""Results as pictures: drawn on their image, and what is inside each box cut out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.data.source_arrays import visible
from engine.drawing.annotator import Annotator, Color
from engine.drawing.mosaic import write_picture
from engine.drawing.palette import colors
from engine.ops.boxes import xyxy2xywh
from engine.runtime.errors import ConfigError, ImageError
from engine.runtime.log import LOGGER

if TYPE_CHECKING:
    from engine.core.result_image import SemanticMask
    from engine.core.results import Results

# A crop takes in a little of what surrounds the object.
CROP_GAIN = 1.02
CROP_MARGIN_PX = 10
# Classes of a semantic mask that are named on its picture.
LEGEND_LINES = 8
# Letters of a folder's name; disks take 255 bytes, a letter may need 4.
_LONGEST_NAME = 60


def draw_result(
    result: Results,
    picture: np.ndarray,
    style: Mapping[str, Any],
    shown: Mapping[str, bool],
    color_mode: str,
    points: Mapping[str, Any] | None = None,
    txt_color: Color | None = None,
) -> np.ndarray:
    """Draw a result.

    Args:
        result: The predictions.
        picture: (H, W, 3) uint8 BGR of the image's size, drawn into.
        style: ``line_width``, ``font_size``, ``font``, ``pil``.
        shown: Whether to draw ``boxes``, ``masks``, ``labels``, ``conf``, ``probs``.
        color_mode: ``class`` or ``instance``.
        points: How keypoints are drawn: ``radius``, ``skeleton``.
        txt_color: Of the names beside boxes, BGR; None takes what can be read.

    Raises:
        ConfigError: The colour mode is neither.
    """
    if color_mode not in ("class", "instance"):
        raise ConfigError(f"expected color_mode class or instance, received {color_mode!r}.")
    annotator = Annotator(picture, example=result.names, **style)
    result = result.cpu().numpy()
    if result.semantic_mask is not None and shown["masks"]:
        _draw_class_map(annotator, result, shown["labels"])
    if result.probs is not None and shown["probs"]:
        _write_classes(annotator, result, shown)
    if result.objects is not None:
        _draw_objects(annotator, result, shown, color_mode, points or {}, txt_color)
    return annotator.result()


def write_class_map(mask: SemanticMask, path: Path) -> Path:
    """Write the class of each pixel as a grey PNG, 16 bits where 8 are too few, and give its path."""
    import cv2

    data = mask.cpu().numpy().data
    if data.dtype != np.uint8:
        data = np.where(data < 0, 2**16 - 1, data.astype(np.int64)).astype(np.uint16)
    done, encoded = cv2.imencode(".png", data)
    if not done:
        raise ImageError("the class map cannot be encoded.", path=path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded.tobytes())
    return path


def save_crops(result: Results, folder: Path, stem: str, separator: str = "") -> None:
    """Write what is inside each box to ``folder/CLASS/STEM.jpg``, ``STEM2.jpg``, ...

    A crop that is there already stays: the new one takes the next free number. Signs that folders cannot have
    in their names, which a model file may put into a class's name, become ``_``.

    Of an oriented box it is the upright box around it, as far as that is in the image.

    Args:
        result: The predictions with their image.
        folder: Gets a folder for each class.
        stem: Name of the first crop, without suffix.
        separator: Stands before a number; needed where the stem ends with one itself.
    """
    found = result.cpu().numpy().objects
    if found is None:
        LOGGER.warning("%s has no boxes: there are no crops to write.", result.path)
        return
    height, width = result.orig_shape
    corners = np.clip(found.xyxy, 0, [width, height, width, height])
    for i, (number, xywh) in enumerate(zip(found.cls, xyxy2xywh(corners), strict=True)):
        inside = folder / _folder_name(result.names[int(number)])
        inside.mkdir(parents=True, exist_ok=True)
        path = inside / f"{stem}.jpg"
        if i or path.exists():
            path = _free_name(inside, f"{stem}{separator}", max(i + 1, 2))
        write_picture(path, crop(visible(result.orig_img), xywh))


def _free_name(folder: Path, start: str, number: int) -> Path:
    """Return the path of a crop of this number or, where it is taken, of a larger one that is free.

    Numbers are skipped in growing steps and then halved: thousands of crops of one name stay quick to write.
    """
    taken, free = number - 1, number
    while (folder / f"{start}{free}.jpg").exists():
        taken, free = free, 2 * free
    while free - taken > 1:
        middle = (taken + free) // 2
        if (folder / f"{start}{middle}.jpg").exists():
            taken = middle
        else:
            free = middle
    return folder / f"{start}{free}.jpg"


def _folder_name(name: str) -> str:
    """Return a class's name as that of one folder, wherever it would lead as a path.

    >>> _folder_name("../tv/monitor")
    '.._tv_monitor'
    """
    plain = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name).strip()[:_LONGEST_NAME]
    return plain if plain.strip(".") else f"_{plain}"


def crop(image: np.ndarray, xywh: np.ndarray) -> np.ndarray:
    """Cut a box with a little margin out of an image, cut at its border."""
    size = xywh[2:] * CROP_GAIN + CROP_MARGIN_PX
    height, width = image.shape[:2]
    x1, y1 = np.clip(xywh[:2] - size / 2, 0, [width - 1, height - 1]).astype(int)
    x2, y2 = np.clip(np.ceil(xywh[:2] + size / 2), [x1 + 1, y1 + 1], [width, height]).astype(int)
    return image[y1:y2, x1:x2]


def _draw_objects(
    annotator: Annotator,
    result: Results,
    shown: Mapping[str, bool],
    color_mode: str,
    points: Mapping[str, Any],
    txt_color: Color | None,
) -> None:
    found = result.objects
    classes = found.cls.astype(int).tolist()
    numbers = classes if color_mode == "class" else range(len(classes))
    inks = [colors(number, bgr=True) for number in numbers]
    if result.masks is not None and shown["masks"]:
        annotator.polygons(result.masks.xy, inks)
    rotated = result.obb is not None
    places = found.xyxyxyxy if rotated else found.xyxy
    for i in reversed(range(len(found))):  # the surest on top
        if result.keypoints is not None:
            annotator.kpts(result.keypoints.data[i], **points)
    if shown["boxes"]:
        count = range(len(found))
        texts = [_label(result, found, i, shown) if shown["labels"] else "" for i in count]
        annotator.box_labels(places, texts, inks, txt_color, rotated)


def _draw_class_map(annotator: Annotator, result: Results, labels: bool) -> None:
    """Tint each pixel by its class, and name the classes that take up most of the image."""
    mask: Any = result.semantic_mask
    annotator.class_map(mask.data, {n: colors(n, bgr=True) for n in mask.classes})
    if labels:
        largest = sorted(mask.ratios.items(), key=lambda item: -item[1])[:LEGEND_LINES]
        lines = [
            (f"{result.names[number]} {share:.0%}", colors(number, bgr=True))
            for number, share in largest
        ]
        annotator.legend(lines)


def _write_classes(annotator: Annotator, result: Results, shown: Mapping[str, bool]) -> None:
    """Write the likeliest classes into the top-left corner."""
    probs: Any = result.probs
    lines = []
    for number, share in zip(probs.top5, probs.top5conf, strict=True):
        words = [result.names[number]] if shown["labels"] else []
        words += [f"{share:.2f}"] if shown["conf"] else []
        lines.append((" ".join(words), colors(number, bgr=True)))
    annotator.legend([line for line in lines if line[0]])


def _label(result: Results, found: Any, i: int, shown: Mapping[str, bool]) -> str:
    name = result.names[int(found.cls[i])]
    track = f"id:{int(found.id[i])} " if found.id is not None else ""
    return f"{track}{name} {found.conf[i]:.2f}" if shown["conf"] else f"{track}{name}"
