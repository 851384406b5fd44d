"""A picture of a batch: its images side by side with labels or predictions drawn in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine.drawing.annotator import Annotator
from engine.drawing.palette import colors
from engine.ops.boxes import xywh2xyxy
from engine.runtime.atomic import atomic_path

_GROUND = 255  # of places without an image
_LEGIBLE = 480  # smaller images are enlarged to this, so that their labels can be read


def plot_images(
    batch: Mapping[str, Any],
    fname: str | Path | None = None,
    names: Mapping[int, str] | None = None,
    max_images: int = 16,
    max_side: int = 1920,
    conf_thres: float = 0.25,
) -> np.ndarray:
    """Draw a batch and, where ``fname`` is given, save the picture.

    Args:
        batch: ``img`` (B, 3, H, W) RGB, uint8 or floats 0..1. And, each optional: ``batch_idx`` (N,),
            ``cls`` (N,), ``bboxes`` (N, 4) centre and size as fractions, ``conf`` (N,), ``masks`` (one
            image of numbers an image, or one mask an object, any size), ``im_file`` names.
        fname: Where to save; the ending chooses the format. The file appears complete or not at all.
        names: Class names by id.
        max_images: Most images to show.
        max_side: Longest side of the picture in pixels.
        conf_thres: Objects with a ``conf`` below are left out.

    Returns:
        The picture, (h, w, 3) uint8 BGR.
    """
    images = _as_uint8(_array(batch["img"][:max_images]))
    count, height, width = images.shape[:3]
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    scale = min(
        max(1.0, _LEGIBLE / max(height, width)), max_side / max(rows * height, columns * width)
    )
    height, width = max(round(height * scale), 1), max(round(width * scale), 1)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = np.full((rows * height, columns * width, 3), _GROUND, dtype=np.uint8)
    objects = _objects(batch, conf_thres)
    paths = batch.get("im_file") or [""] * count
    for i, image in enumerate(images):
        cell = cv2.resize(image, (width, height), interpolation=method)
        cell = np.ascontiguousarray(cell[..., ::-1])
        _draw(cell, i, objects, names or {}, Path(paths[i]).name if paths[i] else "")
        y, x = i // columns * height, i % columns * width
        picture[y : y + height, x : x + width] = cell
        cv2.rectangle(picture, (x, y), (x + width, y + height), (_GROUND,) * 3, 2)
    if fname is not None:
        write_picture(fname, picture)
    return picture


def write_picture(path: str | Path, picture: np.ndarray) -> None:
    """Save a BGR picture at once, for readers that look at it meanwhile.

    Raises:
        OSError: The folder cannot be written.
        ValueError: No picture format has this ending.
    """
    path = Path(path)
    try:
        _, data = cv2.imencode(path.suffix, picture)
    except cv2.error as error:
        raise ValueError(
            f"expected a file name that ends like a picture, received {path}"
        ) from error
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.tobytes())


def _draw(
    cell: np.ndarray,
    i: int,
    objects: Mapping[str, np.ndarray | None],
    names: Mapping[int, str],
    title: str,
) -> None:
    """Draw the objects of image ``i`` and its name into its cell."""
    height, width = cell.shape[:2]
    mine = np.flatnonzero(objects["batch_idx"] == i)
    annotator = Annotator(cell, line_width=2, font_size=max(11, height // 32), example=names)
    classes = objects["cls"][mine].astype(int).tolist()
    inks = [colors(c, bgr=True) for c in classes]
    masks = _masks_of(objects, i, mine, (height, width))
    if masks is not None:
        annotator.masks(masks, inks)
    boxes = xywh2xyxy(objects["bboxes"][mine]) * np.array([width, height] * 2)
    scores = None if objects["conf"] is None else objects["conf"][mine]
    for k, (box, label, ink) in enumerate(zip(boxes, classes, inks, strict=True)):
        text = names.get(label, str(label))
        annotator.box_label(box, text if scores is None else f"{text} {scores[k]:.2f}", ink)
    if title:
        annotator.text((5, 5), title[:40], (220, 220, 220))


def _objects(batch: Mapping[str, Any], conf_thres: float) -> dict[str, np.ndarray | None]:
    """Return the objects of a batch as arrays, with each one's ``number`` in its image."""
    image = _array(batch.get("batch_idx", ())).reshape(-1).astype(np.int64)
    found: dict[str, np.ndarray | None] = {
        "batch_idx": image,
        "cls": _array(batch.get("cls", ())).reshape(-1),
        "bboxes": _array(batch.get("bboxes", ())).reshape(-1, 4).astype(np.float64),
        "conf": None if batch.get("conf") is None else _array(batch["conf"]).reshape(-1),
        "number": np.array(
            [(image[:k] == image[k]).sum() + 1 for k in range(len(image))], np.int64
        ),
    }
    masks = None if batch.get("masks") is None else _array(batch["masks"])
    if masks is not None and not _is_one_an_object(masks, image, len(batch["img"])):
        found["index"] = masks
        masks = None
    found["masks"] = masks
    if found["conf"] is not None:
        sure = found["conf"] >= conf_thres
        for key in ("batch_idx", "cls", "bboxes", "conf", "number", "masks"):
            found[key] = None if found[key] is None else found[key][sure]
    return found


def _is_one_an_object(masks: np.ndarray, image: np.ndarray, images: int) -> bool:
    """Tell one mask an object from one image of numbers an image, also when there are as many of each."""
    if len(masks) != len(image):
        return False
    several = len(image) > len(np.unique(image))
    return len(masks) != images or (several and masks.max(initial=0) <= 1)


def _masks_of(
    objects: Mapping[str, np.ndarray | None], i: int, mine: np.ndarray, size: Sequence[int]
) -> np.ndarray | None:
    """Return the masks of some objects of image ``i`` in another size (n, h, w), if there are any."""
    if objects.get("index") is not None:
        index = objects["index"][i].astype(np.float32)
        large = cv2.resize(index, (size[1], size[0]), interpolation=cv2.INTER_NEAREST)
        return large[None] == objects["number"][mine][:, None, None]
    if objects["masks"] is None:
        return None
    return np.array(
        [
            cv2.resize(m.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_NEAREST)
            for m in objects["masks"][mine]
        ]
    ).reshape(-1, *size)


def _as_uint8(images: np.ndarray) -> np.ndarray:
    """Return (B, 3, H, W) images, bytes or floats 0..1, as (B, H, W, 3) bytes."""
    if images.dtype != np.uint8:
        images = (images.astype(np.float32) * 255).clip(0, 255).astype(np.uint8)
    return images[:, :3].transpose(0, 2, 3, 1)


def _array(x: Any) -> np.ndarray:
    return np.asarray(x.detach().cpu().numpy() if hasattr(x, "detach") else x)
